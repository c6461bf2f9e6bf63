import type { Approved, Entry } from '../ledger/types.ts';
import type { ApprovalOptions } from '../pipeline/types.ts';
import { fieldProblem } from './approval-fields.ts';
import { identityOf, isOneOf, sameIdentity, type Identity } from './identities.ts';
import { approvalOptions } from './requirements.ts';
import type { Condition, GateContext, GateItem, Judgement } from './types.ts';

/** Approvals by persons who may give them, and who did not write what they approve. */
export const approvals: Condition = {
  name: 'approvals',
  applies: (gate) => approvalOptions(gate).count > 0,
  judge: (context, item) => judgeApprovals(context, item, approvalOptions(context.gate)),
};

/** Counts the approvals for one item; says who approved, what is missing, and who can give it. */
export async function judgeApprovals(
  context: GateContext,
  item: GateItem,
  asked: ApprovalOptions,
): Promise<Judgement> {
  const authors = asked.allowAuthor ? new Set<string>() : await context.authors.of(context, item);
  if (!authors)
    return {
      open: false,
      detail:
        'its commit is not in this clone, so its authors are not known, and they may not approve it themselves',
      next: 'git fetch --all',
    };
  const counted: Counted[] = [];
  const refused: string[] = [];
  for (const entry of context.state.approvals(context.stage.name)) {
    if (!concerns(entry.record, item)) continue;
    const judged = await judgeOne(context, item, entry, asked, authors);
    if (typeof judged === 'string')
      refused.push(`an approval by ${entry.record.by} does not count: ${judged}`);
    else if (!counted.some((one) => sameIdentity(one.identity, judged.identity))) counted.push(judged);
  }
  return describe(context, asked, counted, [...new Set(refused)], authors);
}

interface Counted {
  principal: string;
  identity: Identity;
  nonce: string;
}

/** Others' approvals are not worth a word. */
function concerns(record: Approved, item: GateItem): boolean {
  return record.items.some((one) => one.name === item.name && one.version === item.version);
}

async function judgeOne(
  context: GateContext,
  item: GateItem,
  entry: Entry<Approved>,
  asked: ApprovalOptions,
  authors: ReadonlySet<string>,
): Promise<Counted | string> {
  const { record } = entry;
  const problem = fieldProblem(record, {
    pipeline: context.stage.pipeline,
    repository: context.repositoryIdentity,
    stage: context.stage.name,
    registry: context.registryIdentity,
    item,
    now: context.now,
    spent: context.state.spent(record.nonce),
  });
  if (problem) return problem;
  const signed = await context.trust.signature(entry, { stillValid: true });
  if (!signed.ok) return signed.problem;
  const identity = identityOf(context.trust.identities, signed);
  if (asked.from && !isOneOf(identity, asked.from)) return 'its signer may not approve for this stage';
  if (isOneOf(identity, authors)) return 'its signer is an author of what would be promoted';
  const pinned = await context.trust.pinProblem(entry);
  if (pinned) return pinned;
  if (!(await context.repository.isAncestor(record.policy, context.policy.commit)))
    return `the policy it was given under (${record.policy}) is not on ${context.policy.branch}`;
  return { principal: signed.principal, identity, nonce: record.nonce };
}

function describe(
  context: GateContext,
  asked: ApprovalOptions,
  counted: Counted[],
  refused: string[],
  authors: ReadonlySet<string>,
): Judgement {
  const by = counted.map((one) => one.principal).join(', ');
  const have = `${counted.length} of ${asked.count} approvals${by && ` (${by})`}`;
  const used = counted.slice(0, asked.count).map((one) => one.nonce);
  if (counted.length >= asked.count) return { open: true, detail: have, approvals: used };
  const who = whoMayApprove(context, asked)
    .filter(
      ({ identity }) =>
        !isOneOf(identity, authors) && !counted.some((one) => sameIdentity(one.identity, identity)),
    )
    .map(({ principal }) => principal);
  return {
    open: false,
    detail: [
      `${have}; ${asked.count - counted.length} missing, ${whoCan(context, asked, who)}`,
      ...refused,
    ].join('; '),
    who,
    next: who.length > 0 ? `npx nx approve -c ${context.stage.name}` : addApprover(context),
    // Also while others are missing: whoever approves first has to see that it counts.
    approvals: used,
  };
}

function whoCan(context: GateContext, asked: ApprovalOptions, who: string[]): string {
  if (who.length > 0) return `can be given by ${who.join(', ')}`;
  const { policy, trust } = context;
  const { approvers } = policy.options;
  if (trust.identities.length === 0) return `and nobody stands in ${approvers} on ${policy.branch}`;
  if (whoMayApprove(context, asked).length === 0)
    return `and nobody whom the gate names (${asked.from?.join(', ')}) stands in ${approvers} on ${policy.branch}`;
  return 'and nobody who may approve is left: every one is an author, or approved already';
}

function addApprover({ policy }: GateContext): string {
  const { approvers } = policy.options;
  return `add a person: echo "<e-mail address> namespaces=\\"sluice\\" $(cat <their key>.pub)" >> ${approvers}, and commit that on ${policy.branch}`;
}

/** The names in the approvers' file that may approve for this stage; one for each person. */
export function whoMayApprove(
  context: Pick<GateContext, 'trust'>,
  asked: Pick<ApprovalOptions, 'from'>,
): { principal: string; identity: Identity }[] {
  return context.trust.identities.flatMap((identity) => {
    if (asked.from && !isOneOf(identity, asked.from)) return [];
    const principal = asked.from?.find((name) => isOneOf(identity, [name])) ?? identity.principals[0];
    return principal === undefined ? [] : [{ principal, identity }];
  });
}
