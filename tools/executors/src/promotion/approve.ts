import { errors } from '../foundation/index.ts';
import { makeApproval, overrideFreeze } from '../gate/index.ts';
import type { CommentingUser, Signer } from '../ledger/types.ts';
import { durationMs } from '../pipeline/index.ts';
import { principalsOf } from '../signing/index.ts';
import type { Context } from './context.ts';
import type { Request } from './plan.ts';
import { kindOfStage } from './kinds/index.ts';
import { record } from './recording.ts';
import type { PlanItem, PromotionPlan } from './types.ts';

export interface ApproveOptions {
  stage: string;
  requests?: Request[];
  comment?: string;
  /** "7d" unless given. */
  expires?: string;
  dryRun?: boolean;
  /** A person gave it elsewhere, and saw this plan: the CI job that this runs in signs that it was so. */
  witnessed?: { user: CommentingUser; planHash: string };
  /** Shown the plan before anything is signed; false stops here. */
  confirm?: (plan: PromotionPlan, signer: Signer) => Promise<boolean>;
}

export interface Approved {
  plan: PromotionPlan;
  /** Who signed; undefined where nothing was written. */
  by?: string;
  /** Items whose gate is open now, and what the others still miss. */
  open: string[];
  closed: { id: string; missing: string[] }[];
}

/**
 * Writes an approval of everything that waits for a stage (or of what is asked for), bound to the digests in the plan
 * and signed with the person's key. Checks afterwards that the gate counts it.
 */
export async function approve(context: Context, options: ApproveOptions): Promise<Approved> {
  const expiresInMs = options.expires === undefined ? undefined : parsedDuration(options.expires);
  const kind = kindOfStage(context.options, options.stage, context.options.targets.approve);
  const { plan } = await kind.plan(context, options);
  const items = waiting(plan);
  const { witnessed } = options;
  if (witnessed && items.length > 0 && witnessed.planHash !== plan.hash)
    throw errors.COMMENT_OTHER_PLAN({
      stage: options.stage,
      hash: plan.hash,
      items: items.map(({ name, version }) => `${name}@${version}`),
    });
  if (items.length === 0 || options.dryRun) return { plan, ...gateState(plan) };
  if (!items.some(asksApproval)) throw errors.APPROVAL_NOT_ASKED({ stage: options.stage });
  const signer = witnessed ? await witness(context) : await approver(context);
  if (options.confirm && !(await options.confirm(plan, signer))) return { plan, ...gateState(plan) };
  const now = new Date();
  const approval = makeApproval({
    plan: { ...plan, items },
    policy: plan.policy,
    ledgerHead: plan.ledgerHead,
    now,
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
    ...(options.comment ? { comment: options.comment } : {}),
    ...(witnessed ? { user: witnessed.user } : {}),
  });
  // The append may be repeated after an answer was lost: it must not leave two. The head that it pins is the newest one,
  // since batches of ours that were not sent yet get new commits on the way.
  const problem = await record(context, signer, (state) =>
    state.approvals(approval.stage).some((entry) => entry.record.nonce === approval.nonce)
      ? []
      : [{ ...approval, ledgerHead: state.head }],
  );
  if (problem) throw problem;
  const after = (await kind.plan(context, options)).plan;
  const counted = waiting(after).some((item) => item.gate?.approvals.includes(approval.nonce));
  const state = gateState(after);
  if (!counted && state.closed.length > 0) {
    const why = [...new Set(state.closed.flatMap((item) => item.missing))];
    throw errors.APPROVAL_DOES_NOT_COUNT({ stage: options.stage, why });
  }
  return { plan: after, by: signer.principal, ...state };
}

export const waiting = (plan: PromotionPlan): PlanItem[] =>
  plan.items.filter((item) => item.action === 'promote');

/** In the local profile an environment asks for nothing, and says so in its own detail. */
const asksApproval = (item: PlanItem): boolean =>
  (item.gate?.results ?? []).some(
    (result) => result.condition === 'approvals' || (result.condition === 'environment' && !result.open),
  );

function gateState(plan: PromotionPlan): Pick<Approved, 'open' | 'closed'> {
  const id = (item: PlanItem) => `${item.name}@${item.version}`;
  const items = waiting(plan);
  return {
    open: items.filter((item) => item.gate?.open !== false).map(id),
    closed: items
      .filter((item) => item.gate?.open === false)
      .map((item) => ({
        id: id(item),
        missing: (item.gate?.results ?? [])
          .filter((result) => !result.open)
          .map((result) => `${result.condition}: ${result.detail}`),
      })),
  };
}

/** The person at the keyboard, who has to stand in the approvers' file as the policy has it. */
async function approver(context: Context): Promise<Signer> {
  const { approvers } = context.options;
  const signer = await context.signer();
  if (!signer) throw errors.APPROVER_MISSING({ approvers });
  const known = principalsOf((await context.policy()).allowedSigners).flatMap((line) => line.principals);
  if (!known.includes(signer.principal))
    throw errors.APPROVER_UNKNOWN({ principal: signer.principal, approvers, known });
  return signer;
}

/** The job's own token: a key would sign for the person whom it belongs to. */
async function witness(context: Context): Promise<Signer> {
  const signer = await context.signer();
  if (!signer?.principal.startsWith('github:')) throw errors.COMMENT_WITHOUT_TOKEN({});
  return signer;
}

/** Lets promotions through a freeze until an instant, with the reason on record. */
export async function override(
  context: Context,
  given: { stage: string; reason: string; lasts: string },
): Promise<{ until: Date; by: string }> {
  if (given.reason.trim() === '') throw errors.REASON_MISSING({ command: `override ${given.stage}` });
  const lasts = parsedDuration(given.lasts);
  const { pipeline } = kindOfStage(context.options, given.stage, 'override');
  const stage =
    pipeline === 'packages'
      ? await context.stage(given.stage, 'override')
      : await context.serviceStage(given.stage, 'override');
  const signer = await approver(context);
  const until = new Date(Date.now() + lasts);
  const body = overrideFreeze({ stage, reason: given.reason, until });
  const problem = await record(context, signer, (state) =>
    state.overrides(stage.name, new Date()).some(({ record: one }) => one.until === body.until) ? [] : [body],
  );
  if (problem) throw problem;
  return { until, by: signer.principal };
}

/** Milliseconds. @throws DURATION_INVALID */
export function parsedDuration(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw errors.DURATION_INVALID({ said: text });
  }
}
