import type { Command } from 'commander';
import { EXIT, errors } from '../foundation/index.ts';
import { baseCommit } from '../promotion/base.ts';
import { kindOfStage, type Kind } from '../promotion/kinds/index.ts';
import type { SluiceOptions } from '../pipeline/types.ts';
import { IMAGES } from '../service/types.ts';
import { tellPromotion } from '../executors/notifier.ts';
import { proveAll } from '../promotion/prove.ts';
import { statusOf } from '../promotion/status.ts';
import type { PromotionPlan } from '../promotion/types.ts';
import {
  itemsOf,
  planMarkdown,
  planOutputs,
  statusMarkdown,
  toOutputs,
  toSummary,
} from '../report/job/index.ts';
import { formatPlan } from '../report/plan.ts';
import { formatStatus } from '../report/status.ts';
import { formatVerify } from '../report/verify.ts';
import { planExit, requestsFor, type Perform } from './shared.ts';

export function baseCommand(program: Command, perform: Perform): void {
  program
    .command('base <stage>')
    .description(
      'print the commit for nx affected --base, alone: the oldest position of a project that is behind in this stage',
    )
    .addHelpText('after', '\n  npx nx affected -t promote -c test --base=$(npx sluice base test)')
    .action((stage: string) =>
      perform(async ({ context, answer }) => {
        const { options, repository } = context;
        const kind = kindOfStage(options, stage, 'base');
        const before = stageBefore(stagesOf(options, kind), stage, options.targets['publish-registry']);
        const state = await (await context.ledger()).refresh();
        answer(await baseCommit(repository, state, stage, before));
        return EXIT.done;
      }),
    );
}

export function changedCommand(program: Command, perform: Perform): void {
  program
    .command('changed <stage>')
    .description(
      'print the services to build for a stage, alone, separated by commas: those that were changed since what was last deployed there',
    )
    .option('--since <commit>', 'those that were changed since this commit')
    .option('--all', 'every service, changed or not')
    .addHelpText(
      'after',
      '\nAn empty line where there is nothing to build: Nx takes an empty --projects for all of them.',
    )
    .action((stage: string, flags: { since?: string; all?: boolean }) =>
      perform(async ({ context, answer }) => {
        const { options, repository, workspaceRoot, env } = context;
        const stages = options.services?.stages ?? [];
        const found = stages.find(({ name }) => name === stage);
        if (!found) throw errors.STAGE_UNKNOWN({ stage, stages: stages.map(({ name }) => name) });
        const { changedServices, nxOf } = await import('../promotion/changed.ts');
        const nx = nxOf(workspaceRoot, options.targets['publish-registry'], env);
        const hasHosts = (found.hosts ?? []).length > 0;
        const changed =
          flags.all || flags.since !== undefined
            ? await nx(flags.all ? undefined : flags.since)
            : await changedServices({
                repository,
                state: await (await context.ledger()).refresh(),
                stage,
                hasHosts,
                nx,
              });
        answer(changed.join(','));
        return EXIT.done;
      }),
    );
}

/** Names of a pipeline's stages in order; services are published to the registry that stands before the first one. */
function stagesOf(options: SluiceOptions, { pipeline }: Kind): string[] {
  const stages = (options[pipeline]?.stages ?? []).map((one) => one.name);
  return pipeline === 'services' ? [IMAGES, ...stages] : stages;
}

/** Works without a registry: only the names matter. */
function stageBefore(stages: string[], stage: string, publish: string): string {
  const index = stages.indexOf(stage);
  if (index < 0) throw errors.STAGE_UNKNOWN({ stage, stages });
  const before = stages[index - 1];
  if (before === undefined) throw errors.FIRST_STAGE({ stage, publish });
  return before;
}

interface PlanFlags {
  json?: boolean;
  version?: string;
  ask?: boolean;
  job?: boolean;
  expect?: string;
}

export function planCommand(program: Command, perform: Perform): void {
  program
    .command('plan <stage> [packages...]')
    .description(
      'what a promotion into the stage would do, and what its gate says; exit 3 where a gate is closed',
    )
    .option('--json', 'the plan as JSON')
    .option('--version <version>', 'plan this version (with one package)')
    .option('--ask', 'tell those whom the options name that approvals are missing')
    .option(
      '--job',
      "in a job of GitHub Actions: the plan in the job's summary; waiting, open and items as outputs of the step",
    )
    .option('--expect <items>', 'fail where something else would be promoted than these, as --job wrote them')
    .action((stage: string, packages: string[], options: PlanFlags) =>
      perform(async ({ context, signal, answer }) => {
        const kind = kindOfStage(context.options, stage, 'plan');
        const requests = await requestsFor(context, kind, packages, options.version);
        const { plan } = await kind.plan(context, { stage, signal, ...(requests ? { requests } : {}) });
        answer(options.json ? JSON.stringify(plan, undefined, 2) : formatPlan(plan));
        if (options.expect !== undefined) refuseOthers(plan, options.expect);
        if (options.ask) await tellPromotion(context, plan, []);
        if (options.job) {
          await toSummary(context.env, planMarkdown(plan));
          await toOutputs(context.env, planOutputs(plan));
        }
        // A job asks about all that there is; what did not come as far as the stage before is none of its business yet.
        const asked = options.job
          ? plan.items.filter(({ problem }) => problem?.code !== 'PREDECESSOR_EMPTY')
          : plan.items;
        return planExit(asked);
      }),
    );
}

/** Less than was shown is fine: the rest is there already. */
function refuseOthers(plan: PromotionPlan, shown: string): void {
  const known = new Set(shown.split(' '));
  const items = itemsOf(plan).filter((item) => !known.has(item));
  if (items.length > 0) throw errors.PLAN_CHANGED({ stage: plan.stage, items });
}

export function statusCommand(program: Command, perform: Perform): void {
  program
    .command('status')
    .description(
      'which version of every package is in which stage, since when, approved by whom, and what is waiting',
    )
    .option('--json', 'as JSON')
    .option('--job', "in a job of GitHub Actions: also in the job's summary, with a picture of the stages")
    .action((options: { json?: boolean; job?: boolean }) =>
      perform(async ({ context, answer }) => {
        const status = await statusOf(context);
        if (options.job) await toSummary(context.env, statusMarkdown(status));
        answer(options.json ? JSON.stringify(status, undefined, 2) : formatStatus(status, new Date()));
        return EXIT.done;
      }),
    );
}

export function verifyCommand(program: Command, perform: Perform): void {
  program
    .command('verify [stages...]')
    .description('download from every stage and prove the bytes, the approvals and the history of the ledger')
    .option('--json', 'as JSON')
    .action((stages: string[], options: { json?: boolean }) =>
      perform(async ({ context, signal, answer }) => {
        const [{ deploymentContext }, { hostWitness }] = await Promise.all([
          import('../executors/deployment-context.ts'),
          import('../executors/host-witness.ts'),
        ]);
        const witness = hostWitness(() => deploymentContext(context));
        const report = await proveAll(context, {
          signal,
          witness,
          ...(stages.length > 0 ? { stages } : {}),
        });
        answer(options.json ? JSON.stringify(report, undefined, 2) : formatVerify(report));
        return report.ok ? EXIT.done : EXIT.failed;
      }),
    );
}
