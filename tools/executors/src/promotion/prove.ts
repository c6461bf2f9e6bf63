import { auditHistory, policyHistory } from '../gate/index.ts';
import { stageNamed } from '../pipeline/index.ts';
import type { Context } from './context.ts';
import { verifyStages, type Finding, type StagesReport } from './verify.ts';

export interface VerifyReport extends StagesReport {
  schemaVersion: 1;
  /** Nothing but notes was found. */
  ok: boolean;
  history: { records: number; problems: number };
}

/** The whole proof: the bytes in every stage (or some), the approvals, and the history of the ledger itself. */
export async function proveAll(
  context: Context,
  options: { stages?: string[]; signal?: AbortSignal },
): Promise<VerifyReport> {
  for (const name of options.stages ?? []) stageNamed(context.options.packages.stages, name, 'verify');
  const [stages, history] = await Promise.all([verifyStages(context, options), historyFindings(context)]);
  const findings = [...history, ...stages.findings];
  const { count } = await (await context.ledger()).state();
  return {
    schemaVersion: 1,
    ok: findings.every((finding) => finding.kind === 'artifact'),
    ...stages,
    history: { records: count, problems: history.length },
    findings,
  };
}

async function historyFindings(context: Context): Promise<Finding[]> {
  const [policy, ledger] = await Promise.all([context.policy(), context.ledger()]);
  await ledger.refresh();
  const problems = await auditHistory({
    ledger,
    repository: context.repository,
    policy,
    history: policyHistory({ repository: context.repository, policy }),
    profile: context.profile,
    now: new Date(),
  });
  return problems.map(({ path, commit, problem }) => ({
    kind: 'history',
    what: `ledger commit ${commit.slice(0, 12)}${path ? ` (${path})` : ''}: ${problem}`,
  }));
}
