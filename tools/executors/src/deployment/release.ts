import { canonicalHash } from '../foundation/index.ts';
import type { ServiceBundle, ServiceStage } from '../service/types.ts';

/** Name of a release: sorts by time, and tells the artifact. */
export function releaseName(digest: string, now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+Z/g, '');
  return `${time}-${digest.replace(/^sha256:/, '').slice(0, 12)}`;
}

/** Of all that a release's files are made of, but the variables' values, which a hash in a ledger must not tell. */
export function composeHash(
  bundle: ServiceBundle,
  images: Record<string, string>,
  stage: ServiceStage,
): string {
  const { environment: _, stages, ...config } = bundle.config;
  const { environment: __, ...own } = stages[stage.name] ?? {};
  const { proxy, ports } = stage;
  return `sha256:${canonicalHash({ compose: bundle.compose, config, own, images, proxy, ports })}`;
}

/** Whether a text can name an artifact for good. A tag can be moved, so it names nothing. */
export const isImmutable = (version: string): boolean =>
  /^sha256:[0-9a-f]{64}$/.test(version) || /^sha-[0-9a-f]{12}(-[0-9a-f]{8})?$/.test(version);
