/** One copy in a process of its own, so that its memory and start are its own: `node image-copy-process.ts <JSON>`. */
import { copyImage, openOci } from '../tools/executors/src/registry/oci/index.ts';

export interface CopyOrder {
  from: { host: string; name: string };
  to: { host: string; name: string };
  digest: string;
  tag: string;
}
export interface CopyOutcome {
  /** From the first request to the last answer, without the process's start. */
  ms: number;
  requests: number;
  manifestRequests: number;
  mounted: number;
  streamed: number;
}

const order = JSON.parse(process.argv[2] ?? '') as CopyOrder;
const registries = new Map(
  [order.from.host, order.to.host].map((host) => [host, openOci({ host, insecure: true })]),
);
const started = performance.now();
const report = await copyImage({
  source: registries.get(order.from.host)!.repository(order.from.name),
  target: registries.get(order.to.host)!.repository(order.to.name),
  digest: order.digest,
  tags: [order.tag],
  moves: false,
});
const outcome: CopyOutcome = {
  ms: performance.now() - started,
  requests: report.requests,
  manifestRequests: report.manifestRequests,
  mounted: report.blobs.mounted,
  streamed: report.blobs.streamed,
};
process.stdout.write(`${JSON.stringify(outcome)}\n`);
for (const registry of registries.values()) await registry.close();
