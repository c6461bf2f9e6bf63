import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

export interface LoadOptions {
  url: string;
  headers?: Record<string, string>;
  /** Requests a second. */
  rate: number;
  /** Seconds, or until `signal` ends it. */
  seconds?: number;
  signal?: AbortSignal;
  /** The answer that counts as right; any 2xx unless said. */
  expect?: (status: number, body: string) => boolean;
  /** Milliseconds after which a request without an answer has failed. */
  patience?: number;
}

export interface LoadReport {
  sent: number;
  failed: number;
  /** Why, with how many times: "HTTP 502", "ECONNREFUSED", "late". */
  failures: Record<string, number>;
  /** Milliseconds. */
  latency: { median: number; p99: number; longest: number };
}

/**
 * Sends requests at a steady rate, whether or not answers come: a server that stalls is met by as many requests as one that does
 * not. Every request counts; none is sent again.
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { url, headers, rate, seconds = Infinity, signal, patience = 10_000 } = options;
  const expect = options.expect ?? ((status: number) => status >= 200 && status < 300);
  const agent = new Agent({ connections: 128, pipelining: 1, connectTimeout: patience });
  const latencies: number[] = [];
  const failures: Record<string, number> = {};
  const fail = (why: string): void => {
    failures[why] = (failures[why] ?? 0) + 1;
  };

  async function one(): Promise<void> {
    const began = performance.now();
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: agent,
        ...(headers ? { headers } : {}),
        signal: AbortSignal.timeout(patience),
      });
      const text = await body.text();
      latencies.push(performance.now() - began);
      if (!expect(statusCode, text)) fail(`HTTP ${statusCode}`);
    } catch (error) {
      latencies.push(performance.now() - began);
      const { name, code } = error as { name: string; code?: string };
      fail(name === 'TimeoutError' ? 'late' : (code ?? name));
    }
  }

  const open = new Set<Promise<void>>();
  const began = performance.now();
  let sent = 0;
  for (;;) {
    const now = performance.now() - began;
    const due = Math.min(Math.floor((now / 1_000) * rate) + 1, Math.floor(seconds * rate));
    for (; sent < due; sent++) {
      const running: Promise<void> = one().finally(() => open.delete(running));
      open.add(running);
    }
    if (signal?.aborted || sent >= seconds * rate) break;
    await sleep(Math.max(1, (sent / rate) * 1_000 - now), undefined, signal ? { signal } : {}).catch(
      () => undefined,
    );
  }
  await Promise.all(open);
  await agent.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  return {
    sent,
    failed,
    failures,
    latency: { median: at(0.5), p99: at(0.99), longest: latencies.at(-1) ?? 0 },
  };
}
