import { join } from 'node:path';
import { canonicalHash } from '../foundation/index.ts';
import { RAW_LOG, readObjects, type Repository } from '../git/index.ts';
import type { Batch, Ledger, LedgerState } from '../ledger/types.ts';
import type { Profile } from '../pipeline/types.ts';
import { AuditRules, type PlacedBatch } from './audit-rules.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { PolicyHistory } from './policy-history.ts';
import type { Policy } from './policy.ts';

/** Something in the history that ought not to be there. */
export interface AuditProblem {
  path?: string;
  commit: string;
  problem: string;
}

export interface AuditInput {
  ledger: Ledger;
  /** The workspace's repository; what was checked is remembered in its git folder. */
  repository: Repository;
  policy: Policy;
  history: PolicyHistory;
  profile: Profile;
  now: Date;
  /** The repository, as the ledger names it. */
  repositoryIdentity: string;
}

/** Signatures of so many batches are checked side by side. */
const CHUNK = 64;
/** What was checked is kept after so many of these, so that a long first audit can be interrupted. */
const KEEP_EVERY = 32;

/**
 * Everything in the ledger that its records alone cannot vouch for: each batch's signature by the policy of its time
 * and today's revocations, each promotion's approvals, pins, and the branch's own structure. Checks each batch once:
 * what was found up to a commit of the ledger is kept, until revocations change or history was rewritten.
 */
export async function auditHistory(input: AuditInput): Promise<AuditProblem[]> {
  const { ledger, repository, policy, profile } = input;
  const structure = await ledger.audit();
  const state = await ledger.state();
  const file = join(repository.commonDir, 'sluice', `audit-${profile}.json`);
  const start = await usable(input, state, await readCheckpoint(file));
  if (state.head === null || state.head === start.head) return [...structure, ...start.problems];

  const rules = new AuditRules({ ...input, state, start });
  const places = await batchesSince(ledger.repository, start.head, state.head);
  for (let at = 0; at < places.length; at += CHUNK) {
    const batches = await readBatches(ledger.repository, places.slice(at, at + CHUNK));
    await rules.judge(batches);
    const last = at + CHUNK >= places.length;
    if (!last && (at / CHUNK) % KEEP_EVERY !== KEEP_EVERY - 1) continue;
    const head = last ? state.head : (places[at + CHUNK - 1]?.commit ?? null);
    await writeCheckpoint(file, {
      ...rules.checkpoint(),
      head,
      policy: policy.commit,
      context: contextOf(policy),
    });
  }
  return [...structure, ...rules.checkpoint().problems];
}

/** What an earlier run found, if it would find the same today. */
async function usable(
  { ledger, policy, history }: AuditInput,
  state: LedgerState,
  found: Checkpoint | undefined,
): Promise<Checkpoint> {
  const fresh: Checkpoint = {
    head: null,
    policy: policy.commit,
    context: contextOf(policy),
    problems: [],
    newest: '',
    used: [],
  };
  if (!found?.head || !state.head || found.context !== fresh.context) return fresh;
  if (!(await history.at(found.policy))) return fresh;
  return (await ledger.isAncestor(found.head, state.head)) ? found : fresh;
}

/** A revoked key was never good: what was checked before the revocation is checked again. */
function contextOf(policy: Policy): string {
  return canonicalHash({ revoked: policy.revoked.toString('base64') });
}

type Place = Omit<PlacedBatch, 'batch'> & { blob: string };

async function batchesSince(repository: Repository, from: string | null, to: string): Promise<Place[]> {
  const range = from === null ? [to] : [to, `^${from}`];
  const text = await repository.run([
    'log',
    ...RAW_LOG,
    '--diff-filter=A',
    '--format=commit %H %ct',
    '--end-of-options',
    ...range,
    '--',
    'records',
  ]);
  const places: Place[] = [];
  let commit = '';
  let committed = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('commit ')) [, commit = '', committed = ''] = line.split(' ');
    const [meta = '', path = ''] = line.split('\t');
    if (!meta.startsWith(':') || !path.endsWith('.json')) continue;
    places.push({
      path,
      commit,
      committedAt: new Date(Number(committed) * 1000),
      blob: meta.split(' ')[3] ?? '',
    });
  }
  return places;
}

async function readBatches(repository: Repository, places: Place[]): Promise<PlacedBatch[]> {
  const batches: PlacedBatch[] = [];
  await readObjects(
    repository,
    places.map((place) => place.blob),
    (content, index) => {
      const { path, commit, committedAt } = places[index] as Place;
      const batch = content && parsed(content);
      if (batch) batches.push({ path, commit, committedAt, batch });
    },
  );
  return batches;
}

/** What does not parse is one of the ledger's own problems. */
function parsed(content: Buffer): Batch | undefined {
  try {
    const batch = JSON.parse(content.toString('utf8')) as Partial<Batch> | null;
    return Array.isArray(batch?.records) && batch.records.length > 0 ? (batch as Batch) : undefined;
  } catch {
    return undefined;
  }
}
