import { auditHistory, policyHistory } from '../gate/index.ts';
import { pipelineOf } from '../pipeline/index.ts';
import { IMAGES } from '../service/types.ts';
import type { Context } from './context.ts';
import type { HostWitness } from './image/verify.ts';
import { kinds } from './kinds/index.ts';
import type { Finding, StagesReport } from './verify.ts';

export interface VerifyReport extends StagesReport {
  schemaVersion: 1;
  /** Nothing but notes was found. */
  ok: boolean;
  history: { records: number; problems: number };
}

/** The whole proof: the bytes in every stage (or some), the approvals, and the history of the ledger itself. */
export async function proveAll(
  context: Context,
  options: { stages?: string[]; signal?: AbortSignal; witness?: HostWitness },
): Promise<VerifyReport> {
  const { services } = context.options;
  for (const name of options.stages ?? [])
    if (!services || name !== IMAGES) pipelineOf(context.options, name, 'verify');
  const asked = kinds.filter(({ pipeline }) => concerns(context, pipeline, options.stages));
  const [history, ...stages] = await Promise.all([
    historyFindings(context),
    ...asked.map((kind) => kind.verify(context, options)),
  ]);
  const findings = [...history, ...stages.flatMap((one) => one.findings)];
  const { count } = await (await context.ledger()).state();
  return {
    schemaVersion: 1,
    ok: findings.every((finding) => finding.kind === 'artifact'),
    proved: sum(stages.map((one) => one.proved)),
    bytes: sum(stages.map((one) => one.bytes)),
    agreed: sum(stages.map((one) => one.agreed ?? 0)),
    history: { records: count, problems: history.length },
    findings,
  };
}

/** Whether a kind has stages to look at: no registry is started, or asked, for nothing. */
function concerns(
  { options }: Context,
  pipeline: 'packages' | 'services',
  stages: string[] | undefined,
): boolean {
  const own = options[pipeline]?.stages.map((stage) => stage.name) ?? [];
  const all = pipeline === 'services' && own.length > 0 ? [IMAGES, ...own] : own;
  return all.some((name) => !stages || stages.includes(name));
}

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);

async function historyFindings(context: Context): Promise<Finding[]> {
  const [policy, ledger] = await Promise.all([context.policy(), context.ledger()]);
  await ledger.refresh();
  const problems = await auditHistory({
    ledger,
    repository: context.repository,
    policy,
    history: policyHistory({ repository: context.repository, policy }),
    profile: context.profile,
    repositoryIdentity: context.identity,
    now: new Date(),
  });
  return problems.map(({ path, commit, problem }) => ({
    kind: 'history',
    what: `ledger commit ${commit.slice(0, 12)}${path ? ` (${path})` : ''}: ${problem}`,
  }));
}
