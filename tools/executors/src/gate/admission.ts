import type { Entry, Promoted } from '../ledger/types.ts';
import { AuditRules } from './audit-rules.ts';
import { gateContext, whole } from './evaluate.ts';
import { origin } from './origin.ts';
import { refuseLostPins } from './pins.ts';
import { policyHistory } from './policy-history.ts';
import { checkStage } from './policy-stage.ts';
import type { ConditionResult, GateDecision, GateInput } from './types.ts';

export interface AdmissionInput extends Omit<GateInput, 'items'> {
  /** Folder of the artifact's sources, relative to the workspace. */
  root: string;
  /** Command that promotes anew. */
  next: string;
}

/**
 * Whether an artifact came into a stage through its gate, asked before anything of the stage is deployed: a record alone proves
 * nothing, for whoever can push the ledger's branch can write one. Judged like the audit does: by the policy of its time, with the
 * revocations of today. Undefined in the local profile, whose ledger nobody else writes.
 * @throws STAGE_NOT_IN_POLICY, POLICY_DIFFERS, SHALLOW_CLONE, LEDGER_PIN_LOST
 */
export async function judgeAdmission(
  given: AdmissionInput,
  entry: Entry<Promoted>,
): Promise<GateDecision | undefined> {
  return whole(entry.record, () => judge(given, entry));
}

async function judge(
  { root, next, ...given }: AdmissionInput,
  entry: Entry<Promoted>,
): Promise<GateDecision | undefined> {
  const input: GateInput = { ...given, items: [] };
  const { policy, stage, state } = input;
  if (input.profile !== 'live') return undefined;
  const gate = policy.stage(stage.name);
  checkStage(input);
  const context = await gateContext(input, gate ?? {});
  await refuseLostPins(context, state.approvals(stage.name));
  const { record } = entry;
  const results: ConditionResult[] = [];
  if (gate) {
    const { project, name, version, integrity } = record;
    const { approvals: _, ...judged } = await origin.judge(context, {
      project,
      name,
      version,
      integrity,
      root,
    });
    results.push({ condition: 'origin', ...judged });
  }
  const problems = await problemsOf(input, entry, context.repositoryIdentity);
  const changed = await context.trust.changed(entry.batch);
  if (changed) problems.unshift(changed);
  const open = problems.length === 0;
  const detail = open
    ? `promoted by ${record.by}${approved(record)}`
    : `the record of its promotion does not count: ${problems.join('; ')}`;
  results.push({ condition: 'approvals', open, detail, ...(open ? {} : { next }) });
  return {
    open: results.every((result) => result.open),
    results,
    approvals: [],
    policy: policy.commit,
  };
}

async function problemsOf(input: GateInput, entry: Entry<Promoted>, repository: string): Promise<string[]> {
  const { policy, stage, state, ledger, now } = input;
  const { record, batch, order } = entry;
  const rules = new AuditRules({
    ...input,
    repositoryIdentity: repository,
    history: policyHistory({ repository: input.repository, policy }),
    start: { head: null, policy: policy.commit, context: '', problems: [], newest: '', used: [] },
  });
  const commit = await ledger.commitOf(batch);
  const placed = { path: batch, commit, committedAt: now, batch: await ledger.batch(batch) };
  const problems = await rules.promotionProblems(record, placed);
  if (record.repository !== repository) problems.push(`it is for another repository (${record.repository})`);
  // A copy of an honest promotion brings its approvals along.
  const before = state
    .history(stage.name, record.name)
    .filter((one) => one.order < order && one.record.version === record.version);
  for (const { record: one } of before) {
    if (one.type !== 'promoted') continue;
    for (const nonce of one.approvals)
      if (record.approvals.includes(nonce)) problems.push(`its approval ${nonce} was used up before`);
  }
  return problems;
}

function approved({ approvals }: Promoted): string {
  if (approvals.length === 0) return '';
  return `, with ${approvals.length} ${approvals.length === 1 ? 'approval' : 'approvals'}`;
}
