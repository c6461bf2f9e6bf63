import type { Outcome } from '../steps/index.ts';
import { tell } from './notify.ts';
import type { Passage } from './passage.ts';
import { failedRecord } from './records.ts';
import { failure, logOf, reasonOf, withTruth, type DeploymentResult } from './results.ts';
import type { DeploymentContext } from './types.ts';

export interface Conclusion {
  /** What a person reads where it went well. */
  line: () => string;
  succeeded: () => Promise<void>;
  /** Another service of the run that failed first. */
  by?: string | undefined;
}

/** Result, record and notification of one service whose rows have ended. */
export async function conclude(
  context: DeploymentContext,
  passage: Passage,
  outcome: Outcome,
  conclusion: Conclusion,
): Promise<DeploymentResult> {
  const { timings, backup, setting, verdict } = passage;
  const { project, name, version } = setting.release;
  const subject = { project, name, version };
  const common = {
    reached: outcome.reached,
    timings,
    release: setting.release.release,
    ...(backup === undefined ? {} : { backup }),
    ...(verdict ? { hosts: verdict.hosts } : {}),
  };
  if (outcome.status === 'done') {
    await conclusion.succeeded();
    return {
      ...subject,
      ...common,
      success: true,
      status: 'done',
      line: conclusion.line(),
      outcome: 'deployed',
    };
  }
  const reason = reasonOf(passage, outcome, conclusion.by);
  const error = withTruth(passage, reason, commandsFor(context, project, setting.stage.name));
  const ended = verdict?.outcome ?? 'unchanged';
  const unrecorded =
    ended === 'deployed'
      ? undefined
      : await context.records.write(() => [failedRecord(passage, reason, ended)]);
  await tell(context, passage, 'failed', { failed: error, outcome: ended });
  const notes = [
    ...passage.notes,
    ...(unrecorded ? [`the ledger does not know of it: ${unrecorded.message}`] : []),
  ];
  // What happened stands last, where a person looks first, and the log above it, as its "next" says.
  const line = logOf(error) + [error.format(), ...notes.map((note) => `  note: ${note}`)].join('\n');
  return { ...failure(subject, error, { ...common, outcome: ended, line }), status: outcome.status };
}

function commandsFor({ targets }: DeploymentContext, project: string, stage: string) {
  const command = (target: keyof typeof targets) => `npx nx run ${project}:${targets[target]}:${stage}`;
  return { deploy: command('deploy-vps'), rollback: command('rollback'), releases: command('releases') };
}
