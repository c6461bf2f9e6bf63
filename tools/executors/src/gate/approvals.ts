import type { Approved, Entry, RunApproval } from '../ledger/types.ts';
import type { ApprovalOptions } from '../pipeline/types.ts';
import { fieldProblem } from './approval-fields.ts';
import { behindEnvironment, sameLogin } from './environment-run.ts';
import { isOneOf, sameIdentity, type Identity } from './identities.ts';
import { approverOf, loginsOf, userName, userOf } from './people.ts';
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
  const judge = { context, asked, authors };
  const counted: Counted[] = [];
  const refused: string[] = [];
  for (const entry of context.state.approvals(context.stage.name)) {
    if (!concerns(entry.record, item)) continue;
    const judged = await judgeOne(judge, item, entry);
    add(nameOf(entry.record, entry.record.by), judged);
  }
  for (const user of await reviewers(context)) {
    const identity = userOf(context.trust.identities, user);
    const problem = await personProblem(judge, identity);
    add(userName(user.login), problem ?? { principal: userName(user.login), identity });
  }
  return describe(context, asked, counted, [...new Set(refused)], authors);

  function add(by: string, judged: Counted | string): void {
    if (typeof judged === 'string') refused.push(`an approval by ${by} does not count: ${judged}`);
    else if (!counted.some((one) => sameIdentity(one.identity, judged.identity))) counted.push(judged);
  }
}

/** Who approved: the one who wrote the comment that a job witnessed, else who signed. */
function nameOf({ user }: Approved, signer: string): string {
  return user ? userName(user.login) : signer;
}

interface Judge {
  context: GateContext;
  asked: ApprovalOptions;
  /** E-mail addresses. */
  authors: ReadonlySet<string>;
}

/** Who approved this run for the gate's environment: they count as those who sign do. */
async function reviewers(context: GateContext): Promise<RunApproval[]> {
  const { environment } = context.gate;
  if (environment === undefined || !context.job) return [];
  const behind = await behindEnvironment(context, environment);
  return behind.ok ? behind.run.approvals : [];
}

interface Counted {
  principal: string;
  identity: Identity;
  /** That of a signed approval, which is used up. */
  nonce?: string;
}

/** Others' approvals are not worth a word. */
function concerns(record: Approved, item: GateItem): boolean {
  return record.items.some((one) => one.name === item.name && one.version === item.version);
}

async function judgeOne(judge: Judge, item: GateItem, entry: Entry<Approved>): Promise<Counted | string> {
  const { context } = judge;
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
  const identity = approverOf(context.trust.identities, signed, record);
  if (typeof identity === 'string') return identity;
  const person = await personProblem(judge, identity);
  if (person) return person;
  const pinned = await context.trust.pinProblem(entry);
  if (pinned) return pinned;
  if (!(await context.repository.isAncestor(record.policy, context.policy.commit)))
    return `the policy it was given under (${record.policy}) is not on ${context.policy.branch}`;
  return { principal: nameOf(record, signed.principal), identity, nonce: record.nonce };
}

/** Why a person may not approve this; undefined where they may. */
async function personProblem(
  { context, asked, authors }: Judge,
  identity: Identity,
): Promise<string | undefined> {
  if (asked.from && !isOneOf(identity, asked.from)) return 'its signer may not approve for this stage';
  const author = 'its signer is an author of what would be promoted';
  if (isOneOf(identity, authors)) return author;
  const logins = loginsOf(identity);
  if (!context.job || logins.length === 0) return undefined;
  for (const email of authors) {
    const known = await context.job.login(email);
    if (known !== undefined && logins.some((login) => sameLogin(login, known))) return author;
  }
  return undefined;
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
  const used = counted.slice(0, asked.count).flatMap((one) => one.nonce ?? []);
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
