import { hostname, userInfo } from 'node:os';
import { redact } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { PromotionPlan } from '../promotion/types.ts';
import type { RollbackPlan } from '../promotion/rollback.ts';
import {
  openNotifier,
  promotionWords,
  rollbackWords,
  type Notification,
  type Words,
} from '../report/notifications/index.ts';
import { stagesOf } from '../pipeline/index.ts';

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

/** Tells what became of a promotion: what moved, what failed, and what waits for a person to approve it. */
export async function tellPromotion(
  context: Context,
  plan: PromotionPlan,
  results: readonly PackageResult[],
): Promise<void> {
  const { stage, pipeline } = plan;
  const { targets } = context.options;
  const moved = results.filter(({ status }) => status === 'done').map(({ project }) => project);
  const words = promotionWords(plan, results, {
    ...nextOf(context, pipeline, stage, moved),
    approve: `npx nx approve -c ${stage}`,
    rollback: (project) => `npx nx run ${project}:${targets.rollback}:${stage}`,
  });
  await tellAll(context, words);
}

/** Tells what became of packages that were taken back. */
export const tellRollback = (
  context: Context,
  stage: string,
  { plans, results }: { plans: readonly RollbackPlan[]; results: readonly PackageResult[] },
): Promise<void> => tellAll(context, rollbackWords(stage, plans, results, 'npx nx release'));

async function tellAll(context: Context, words: Words[]): Promise<void> {
  if (words.length === 0) return;
  const tell = notifierOf(context);
  const at = new Date().toISOString();
  for (const one of words) await tell({ ...one, at, run: context.run });
}

/** What comes after a stage was entered: its services are deployed; of packages the next stage, and at last the proof. */
function nextOf(
  { options }: Context,
  pipeline: 'packages' | 'services',
  stage: string,
  [first, ...more]: string[],
): { next?: string } {
  const { targets } = options;
  if (first === undefined) return {};
  if (pipeline === 'services') {
    const hosts = options.services?.stages.find(({ name }) => name === stage)?.hosts ?? [];
    const one = `npx nx run ${first}:${targets['deploy-vps']}:${stage}`;
    const all = `npx nx run-many -t ${targets['deploy-vps']} -c ${stage}`;
    return hosts.length === 0 ? {} : { next: more.length === 0 ? one : all };
  }
  const next = stageAfter(options, pipeline, stage);
  return { next: next === undefined ? 'npx nx verify' : `npx nx run-many -t ${targets.promote} -c ${next}` };
}

/** The name of the stage behind this one; undefined behind the last. */
export function stageAfter(
  options: Context['options'],
  pipeline: 'packages' | 'services',
  stage: string,
): string | undefined {
  const stages = stagesOf(options, pipeline);
  return stages[stages.indexOf(stage) + 1];
}
