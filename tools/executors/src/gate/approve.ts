import { randomBytes } from 'node:crypto';
import type { CommentingUser, Item, RecordBody } from '../ledger/types.ts';
import { planHash, type Planned } from './plan-hash.ts';

/** A week: long enough for a holiday's end, short enough that nobody forgets what was approved. */
export const APPROVAL_EXPIRES_MS = 7 * 24 * 3_600_000;

export interface ApprovalInput {
  plan: Omit<Planned, 'pipeline' | 'items'> & {
    pipeline: 'packages' | 'services';
    items: Item[];
    hash?: string;
  };
  /** Commit of the policy that the person saw. */
  policy: string;
  /** Ledger head at which the plan was made; the append's own, newest state. */
  ledgerHead: string | null;
  now: Date;
  /** Milliseconds until it does not count any more; a week unless given. */
  expiresInMs?: number;
  comment?: string;
  /** Who gave it with a comment on GitHub. */
  user?: CommentingUser;
}

/** The record by which a person allows exactly these items into the stage. It counts once the batch is signed. */
export function makeApproval(input: ApprovalInput): Extract<RecordBody, { type: 'approved' }> {
  const { plan, policy, ledgerHead, now, expiresInMs = APPROVAL_EXPIRES_MS, comment, user } = input;
  const hash = planHash(plan);
  if (plan.hash !== undefined && plan.hash !== hash)
    throw new TypeError('the plan is not the one that its hash names');
  return {
    type: 'approved',
    pipeline: plan.pipeline,
    stage: plan.stage,
    registry: plan.registry,
    planHash: hash,
    items: plan.items.map(({ project, name, version, integrity }) => ({ project, name, version, integrity })),
    nonce: randomBytes(16).toString('hex'),
    expires: new Date(now.getTime() + expiresInMs).toISOString(),
    ledgerHead,
    policy,
    ...(comment ? { comment } : {}),
    ...(user ? { user } : {}),
  };
}

export interface OverrideInput {
  stage: { pipeline: 'packages' | 'services'; name: string; identity: string };
  reason: string;
  /** Instant from which the freeze counts again. */
  until: Date;
}

/** The record by which a person lets promotions through a freeze, with the reason. It counts once the batch is signed. */
export function overrideFreeze({
  stage,
  reason,
  until,
}: OverrideInput): Extract<RecordBody, { type: 'freeze-overridden' }> {
  if (reason.trim() === '') throw new TypeError('an override needs a reason');
  return {
    type: 'freeze-overridden',
    pipeline: stage.pipeline,
    stage: stage.name,
    registry: stage.identity,
    reason: reason.trim(),
    until: until.toISOString(),
  };
}
