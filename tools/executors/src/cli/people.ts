import type { Command } from 'commander';
import { EXIT } from '../foundation/index.ts';
import { override, waiting } from '../promotion/approve.ts';
import { approveByComment } from '../promotion/approve-comment.ts';
import { APPROVAL_WAIT, approveAll, asData, waitMs } from '../promotion/approve-staged.ts';
import { unhold } from '../promotion/rollback.ts';
import { openProgress } from '../report/live/index.ts';
import { formatApprovals, formatPlan } from '../report/plan.ts';
import { exitOf, toItsEnd } from './moving.ts';
import { kindOfStage } from '../promotion/kinds/index.ts';
import { ask, requestsFor, type Perform } from './shared.ts';

interface ApproveFlags {
  key?: string;
  as?: string;
  comment?: string;
  expires?: string;
  wait?: string;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function approveCommand(program: Command, perform: Perform): void {
  program
    .command('approve <stage> [packages...]')
    .description(
      'show the plan of what waits for the stage and sign an approval of exactly its digests with your SSH key',
    )
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .option('--comment <text>', 'stands in the record')
    .option('--expires <duration>', 'how long it may be used', '7d')
    .option(
      '--wait <duration>',
      'where versions are staged: how long to wait for the approval of each in the registry',
      APPROVAL_WAIT,
    )
    .option('--dry-run', 'show the plan; sign nothing')
    .option('--yes', 'do not ask, even at a terminal')
    .option('--json', 'as JSON')
    .action((stage: string, packages: string[], flags: ApproveFlags) =>
      perform(async ({ context, signal, answer, say }) => {
        const requests = await requestsFor(context, kindOfStage(context.options, stage, 'approve'), packages);
        const progress = await openProgress({
          title: `approvals for ${stage}`,
          signal,
          quiet: flags.json || flags.dryRun || false,
        });
        const { done } = await toItsEnd(progress, async () => {
          const done = await approveAll(context, {
            stage,
            say,
            signal,
            onEvent: progress.onEvent,
            waitMs: waitMs(flags.wait),
            dryRun: flags.dryRun ?? false,
            ...(requests ? { requests } : {}),
            ...(flags.comment ? { comment: flags.comment } : {}),
            ...(flags.expires ? { expires: flags.expires } : {}),
            confirm: async (plan, signer) => {
              say(formatPlan(plan));
              if (flags.yes || !process.stdin.isTTY) return true;
              return ask(`Approve these ${waiting(plan).length} as ${signer.principal}?`, signal);
            },
          });
          return { done, results: done.session?.results };
        });
        answer(flags.json ? JSON.stringify(asData(done), undefined, 2) : formatApprovals(done));
        return exitOf(done.session?.results ?? []);
      }, flags),
    );
}

export function approveCommentCommand(program: Command, perform: Perform): void {
  program
    .command('approve-comment <event>')
    .description('record the approval in a comment on GitHub, from the file of the event; for a workflow')
    .option('--json', 'as JSON')
    .action((event: string, flags: { json?: boolean }) =>
      perform(async ({ context, answer, say }) => {
        const done = await approveByComment(context, event);
        if (done.outcome === 'none') say('the comment approves nothing');
        if (done.outcome === 'before')
          say(`the approval of ${done.login} for ${done.stage} is recorded already`);
        if (flags.json) answer(JSON.stringify(done, undefined, 2));
        else if (done.approved) answer(formatApprovals({ approved: done.approved }));
        return EXIT.done;
      }),
    );
}

export function unholdCommand(program: Command, perform: Perform): void {
  program
    .command('unhold <package> <version>')
    .description('let a version that was rolled back be promoted again')
    .requiredOption('--reason <text>', 'why it is good after all; stands in the record')
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .action((name: string, version: string, flags: { reason: string; key?: string; as?: string }) =>
      perform(async ({ context, answer }) => {
        answer(await unhold(context, { name, version, reason: flags.reason }));
        return EXIT.done;
      }, flags),
    );
}

export function overrideCommand(program: Command, perform: Perform): void {
  program
    .command('override <stage>')
    .description('let promotions through a freeze window of the stage, for a while, with a reason on record')
    .requiredOption('--reason <text>', 'why it cannot wait')
    .option('--lasts <duration>', 'how long', '1h')
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .action((stage: string, flags: { reason: string; lasts: string; key?: string; as?: string }) =>
      perform(async ({ context, answer }) => {
        const { until, by } = await override(context, { stage, reason: flags.reason, lasts: flags.lasts });
        answer(
          `freeze windows of ${stage} do not count until ${until.toISOString()} (by ${by}: ${flags.reason})`,
        );
        return EXIT.done;
      }, flags),
    );
}
