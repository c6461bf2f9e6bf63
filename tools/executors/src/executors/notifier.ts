import { hostname, userInfo } from 'node:os';
import { redact } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { PromotionPlan } from '../promotion/types.ts';
import { openNotifier, type Notification } from '../report/notifications/index.ts';

type Told = Omit<Notification, 'by' | 'repository' | 'link'>;

/** Tells whoever the options name, in the name of who runs this. */
export function notifierOf({ env, options, identity: repository }: Context): (told: Told) => Promise<void> {
  const notifier = openNotifier({
    options: options.notifications,
    env,
    warn: (line) => process.stderr.write(redact(`${line}\n`)),
    // Standard output may be somebody's answer; a CI system reads commands from both.
    write: (line) => process.stderr.write(`${line}\n`),
  });
  const link = runUrl(env);
  return (told) => notifier.notify({ ...told, by: ownerOf(env), repository, ...(link ? { link } : {}) });
}

/** In words: who runs this, and where. */
export function ownerOf(env: NodeJS.ProcessEnv): string {
  const { GITHUB_ACTOR: actor } = env;
  const run = runUrl(env);
  if (actor && run) return `${actor} (${run})`;
  return `${userInfo().username}@${hostname()}`;
}

/** The page of the CI run that this happens in. */
function runUrl(env: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined;
}

/** Names in a title, before the rest is only counted. */
const NAMED = 3;

/** Asks for approvals, once for all that a promotion leaves waiting for them; nothing where it waits for none. */
export async function askForApprovals(
  context: Context,
  plan: PromotionPlan,
  results: readonly PackageResult[] = [],
): Promise<void> {
  const staged = new Set(
    results.flatMap(({ name, error }) => (error?.code === 'STAGED_WAITING' ? [name] : [])),
  );
  const waiting = plan.items.filter(
    (item) =>
      staged.has(item.name) ||
      item.gate?.results.some(
        ({ open, condition }) => !open && (condition === 'approvals' || condition === 'environment'),
      ),
  );
  const [first] = waiting;
  if (!first) return;
  const names = waiting.map(({ project, version }) => `${project} ${version}`);
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const one = waiting.length === 1;
  await notifierOf(context)({
    event: 'approval-requested',
    at: new Date().toISOString(),
    run: context.run,
    stage: plan.stage,
    project: one ? first.project : names.slice(0, NAMED).join(', ') + rest,
    version: one ? first.version : '',
    from: plan.from,
    ...(one ? { digest: first.integrity } : {}),
    next: `npx nx approve -c ${plan.stage}`,
  });
}
