import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../foundation/index.ts';
import { tellPromotion, tellRollback } from '../executors/notifier.ts';
import { explainClosed } from '../gate/index.ts';
import { approve } from '../promotion/approve.ts';
import type { PackageResult } from '../promotion/carry.ts';
import { kindOf, kindOfStage, type Kind } from '../promotion/kinds/index.ts';
import type { Context } from '../promotion/context.ts';
import type { LedgerState } from '../ledger/types.ts';
import { nameOf } from '../promotion/named.ts';
import type { PromoteOptions } from '../promotion/promote.ts';
import { rollback } from '../promotion/rollback.ts';
import { openProgress, type Progress } from '../report/live/index.ts';
import { formatPlan } from '../report/plan.ts';
import { ask, planExit, requestsFor, type Door, type Perform } from './shared.ts';

interface PromoteFlags {
  json?: boolean;
  dryRun?: boolean;
  version?: string;
  allowTagBackwards?: boolean;
  key?: string;
  as?: string;
}

export function promoteCommand(program: Command, perform: Perform): void {
  program
    .command('promote <stage> [packages...]')
    .description('promote what waits for the stage (all, or these packages), dependencies first')
    .option('--dry-run', 'print the plan; change nothing')
    .option('--json', 'plan and result as JSON')
    .option('--version <version>', 'promote this version (with one package)')
    .option('--allow-tag-backwards', 'let the dist-tag move to a lower version')
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .action((stage: string, packages: string[], flags: PromoteFlags) =>
      perform(async (door) => {
        const { context, signal, answer, say } = door;
        const kind = kindOfStage(context.options, stage, 'promote');
        const requests = await requestsFor(context, kind, packages, flags.version);
        const options = {
          stage,
          signal,
          dryRun: flags.dryRun ?? false,
          backwards: flags.allowTagBackwards ?? false,
          ...(requests ? { requests } : {}),
        };
        if (!options.dryRun && process.stdin.isTTY && process.stderr.isTTY)
          await offerApproval(door, kind, options);
        const progress = await openProgress({
          title: `promote to ${stage}`,
          signal,
          quiet: flags.json || flags.dryRun || false,
        });
        const { plan, results } = await toItsEnd(progress, () =>
          kind.promote(context, {
            ...options,
            onEvent: progress.onEvent,
            onResult: (result) => void (isGate(result) || progress.settled(result)),
          }),
        );
        const closed = new Map(
          plan.items.flatMap((item) =>
            item.gate?.open === false ? [[`${item.name}@${item.version}`, item.gate] as const] : [],
          ),
        );
        if (closed.size > 0 && !flags.json && !flags.dryRun) say(explainClosed(closed, stage).format());
        if (!flags.dryRun) await tellPromotion(context, plan, results);
        if (flags.json) answer(JSON.stringify({ plan, results }, undefined, 2));
        else if (flags.dryRun) answer(formatPlan(plan));
        return flags.dryRun ? planExit(plan.items) : exitOf(results);
      }, flags),
    );
}

/** What is shown meanwhile ends with the work, whether that came to its end or not. */
export async function toItsEnd<R extends { results: PackageResult[] | undefined }>(
  progress: Progress,
  work: () => Promise<R>,
): Promise<R> {
  try {
    const done = await work();
    progress.end(done.results);
    return done;
  } catch (error) {
    progress.end();
    throw error;
  }
}

/** At a terminal, a person who may approve can do so on the spot. */
async function offerApproval(
  { context, say, signal }: Door,
  kind: Kind,
  options: PromoteOptions,
): Promise<void> {
  const { plan } = await kind.plan(context, options);
  const asks = plan.items.some((item) =>
    item.gate?.results.some(
      (result) => !result.open && (result.condition === 'approvals' || result.condition === 'environment'),
    ),
  );
  if (!asks) return;
  say(formatPlan(plan));
  if (await ask('Approve this plan with your SSH key now?', signal)) await approve(context, options);
}

/** Said once for all of them, with what is missing. */
const isGate = (result: PackageResult) => result.error?.code === 'GATE_CLOSED';

/** Nothing went wrong: a person is still to say yes. */
const isClosed = (result: PackageResult) => result.error?.exit === EXIT.gateClosed;

/** A closed gate counts as such only where nothing else happened. */
export function exitOf(results: PackageResult[]): ExitCode {
  const failed = results.filter((result) => !result.success);
  if (failed.length === 0) return EXIT.done;
  const moved = results.some((result) => result.status === 'done');
  const closed = failed.every((result) => isClosed(result) || result.status === 'blocked');
  return closed && !moved && failed.some(isClosed) ? EXIT.gateClosed : EXIT.failed;
}

interface RollbackFlags {
  to?: string;
  version?: string;
  reason?: string;
  restoreDatabase?: string | boolean;
  restoreVolumes?: boolean;
  confirm?: string;
  acrossContract?: boolean;
  envFile?: string;
  ofThisRun?: boolean;
  dryRun?: boolean;
  json?: boolean;
  key?: string;
  as?: string;
}

export function rollbackCommand(program: Command, perform: Perform): void {
  program
    .command('rollback <stage> [packages...]')
    .description(
      'packages: move the dist-tag back, deprecate the bad version where the registry can, and hold its digest; services: go back to a release as it was, on all hosts',
    )
    .option(
      '--to <version>',
      'go back to this version (of a service: release, version or digest); default: the good one before; none: only deprecate and hold',
    )
    .option('--version <version>', 'the bad version; default: the one that stands in the stage')
    .option('--reason <text>', 'stands in the deprecation message and in the ledger')
    .option(
      '--restore-database [file]',
      'services: put the databases back too, from this backup; without a name from the one that was made when the release was replaced',
    )
    .option('--restore-volumes', 'services: the volumes (uploads) too, from the same backup; or they alone')
    .option('--confirm <service>', 'services: its name, to say that a restore is meant')
    .option(
      '--across-contract',
      'services: go back although a migration since took something away from the database',
    )
    .option('--of-this-run', 'services: all whose release that serves now was deployed by this run of CI')
    .option('--env-file <file>', "services: NAME=value lines for the compose file's variables")
    .option('--dry-run', 'print what would happen; change nothing')
    .option('--json', 'plan and result as JSON')
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .action((stage: string, packages: string[], flags: RollbackFlags, command: Command) => {
      if (packages.length === 0 && !flags.ofThisRun) command.error("error: missing argument 'packages'");
      return perform(async ({ context, signal, answer }) => {
        const { to, version, reason, dryRun } = flags;
        const kind = kindOfStage(context.options, stage, 'rollback');
        if (flags.ofThisRun) {
          const state = await (await context.ledger()).refresh();
          packages = deployedBy(state, stage, context.run);
          if (packages.length === 0) {
            answer(`nothing that serves in ${stage} was deployed by ${context.run}: nothing to do`);
            return EXIT.done;
          }
        }
        if (kind.pipeline === 'services')
          return rollbackServices(context, { stage, names: packages, signal, flags, answer });
        const progress = await openRollback(stage, signal, flags);
        const { plans, results } = await toItsEnd(progress, () =>
          rollback(context, {
            stage,
            packages,
            signal,
            onEvent: progress.onEvent,
            dryRun: dryRun ?? false,
            ...(to ? { to } : {}),
            ...(version ? { version } : {}),
            ...(reason ? { reason } : {}),
          }),
        );
        if (!dryRun) await tellRollback(context, stage, { plans, results });
        answer(
          flags.json
            ? JSON.stringify({ plans, results }, undefined, 2)
            : results.map((result) => result.line).join('\n'),
        );
        return exitOf(results);
      }, flags);
    });
}

/** The results are the answer, so they are said there alone. */
const openRollback = (stage: string, signal: AbortSignal, { json, dryRun }: RollbackFlags) =>
  openProgress({ title: `roll back in ${stage}`, signal, quiet: json || dryRun || false });

/** Services that serve in a stage by a deployment of this run. */
function deployedBy(state: LedgerState, stage: string, run: string): string[] {
  return state.services().filter((name) => {
    const record = state.running(stage, name)?.record;
    return record?.type === 'deployed' && record.run === run;
  });
}

/** The services' half: back to a release as it was, on all hosts. */
async function rollbackServices(
  context: Context,
  given: {
    stage: string;
    names: string[];
    signal: AbortSignal;
    flags: RollbackFlags;
    answer: (text: string) => void;
  },
): Promise<ExitCode> {
  const { stage, names, signal, flags, answer } = given;
  const state = await (await context.ledger()).refresh();
  const { rollbackServiceTasks } = await import('../executors/deployment-work.ts');
  const tasks = names.map((given) => {
    const name = nameOf(kindOf('services'), state, given);
    const project = state.project(name) ?? name;
    const { json: _, key: __, as: ___, version: ____, ofThisRun: _____, ...own } = flags;
    const options = { stage, ...own };
    return {
      id: project,
      project,
      root: '.',
      name,
      pipeline: 'services' as const,
      target: 'rollback',
      options,
    };
  });
  const progress = await openRollback(stage, signal, flags);
  const { onEvent, watched } = progress;
  const how = { signal, onEvent, settle: () => {}, ...(watched ? { watched } : {}) };
  const { data, results } = await toItsEnd(progress, () => rollbackServiceTasks(context, stage, tasks, how));
  answer(flags.json ? JSON.stringify(data, undefined, 2) : results.map(({ line }) => line).join('\n'));
  return exitOf(results);
}
