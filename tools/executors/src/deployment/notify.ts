import type { SluiceError } from '../foundation/index.ts';
import type { Passage } from './passage.ts';
import type { DeploymentContext, DeploymentEvent } from './types.ts';

/** How long people may keep a deployment waiting for them to be told. */
const LIMIT = 5_000;

/** Tells people. Never throws, and never waits for long: what is true on the hosts does not depend on it. */
export async function tell(
  context: DeploymentContext,
  passage: Passage,
  event: DeploymentEvent['event'],
  more: Partial<DeploymentEvent> & { failed?: SluiceError } = {},
): Promise<void> {
  if (!context.notify) return;
  const { setting, members, verdict, before } = passage;
  const { failed, ...rest } = more;
  const [served] = [...before.values()];
  const told = context.notify({
    event,
    action: passage.goesBack ? 'rollback' : 'deployment',
    at: passage.now().toISOString(),
    run: context.run,
    stage: setting.stage.name,
    project: setting.service,
    version: setting.release.version,
    digest: setting.release.digest,
    release: setting.release.release,
    hosts: members.map(({ name }) => name),
    ...(served ? { from: served.release } : {}),
    ...(verdict ? { outcome: verdict.outcome } : {}),
    ...(verdict?.outcome === 'restored' && served ? { to: served.release } : {}),
    ...(failed
      ? { error: { code: failed.code, what: failed.message, state: failed.state, next: failed.next } }
      : {}),
    ms: Math.round(passage.timings.reduce((sum, { ms }) => sum + ms, 0)),
    ...rest,
  });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LIMIT);
  });
  await Promise.race([told.catch(() => undefined), limit]);
  clearTimeout(timer);
}
