import { asSluiceError, SluiceError } from '../foundation/index.ts';
import type { PhaseName } from '../host/types.ts';
import { truthOf, type HostTruth } from './facts.ts';
import { isOurs, runOn, type Member } from './fleet.ts';
import { inputFor, type PhaseOptions } from './inputs.ts';
import type { Passage } from './passage.ts';
import type { DeploymentOutcome } from './types.ts';

/** What was found on one host after something failed. */
export interface HostVerdict {
  host: string;
  /** Release that serves; null where none does or nobody could tell. */
  serving: string | null;
  /** It serves what it should (what it served before; after the point of no return the new release), and that answers. */
  asExpected: boolean;
  problem?: string;
}
export interface Verdict {
  outcome: Exclude<DeploymentOutcome, 'nothing'>;
  hosts: HostVerdict[];
}

/** How often a host that does not answer is asked again, and the longest pause in between. */
const ATTEMPTS = 6;
const PAUSE = 500;
const LONGEST = 4_000;

/**
 * Takes everything back on all hosts, side by side, then looks whether that is true. Only this says that a release was put back.
 * Never throws: what could not be done stands in the verdict.
 */
export async function putBack(passage: Passage): Promise<void> {
  const involved = await Promise.all(passage.members.map((member) => holdsLock(passage, member)));
  const members = passage.members.filter((_, index) => involved[index]);
  if (passage.committed || passage.oneWay !== undefined) return leaveAsItIs(passage, members);
  const changed = members.some((member) => member.changed);
  const hosts = await Promise.all(members.map((member) => putBackOn(passage, member)));
  const outcome = hosts.every(({ asExpected }) => asExpected)
    ? changed
      ? 'restored'
      : 'unchanged'
    : 'broken';
  passage.verdict = { outcome, hosts };
}

/** Whether the lock on this host is ours; where its answer was lost, the host says. */
async function holdsLock(passage: Passage, member: Member): Promise<boolean> {
  if (member.lock !== 'asked') return member.lock === 'held';
  try {
    const truth = truthOf(await insist(passage, member, 'truth'));
    return isOurs(truth, passage.setting.run);
  } catch {
    // It cannot be told; if we hold it, the host gives it up by itself when the lease is over.
    return false;
  }
}

async function putBackOn(passage: Passage, member: Member): Promise<HostVerdict> {
  try {
    if (member.changed) await insist(passage, member, 'undo');
    if (passage.page) await insist(passage, member, 'maintenance', { page: 'off' });
    const found = await look(passage, member);
    if (found.asExpected) await release(passage, member);
    return found;
  } catch (thrown) {
    return unknown(member, thrown);
  }
}

/** Nothing is undone: the locks go, so that the hosts do not undo it by themselves, and what is true is looked at. */
async function leaveAsItIs(passage: Passage, members: Member[]): Promise<void> {
  const hosts = await Promise.all(
    members.map(async (member) => {
      const found = await look(passage, member).catch((thrown: unknown) => unknown(member, thrown));
      if (!found.asExpected && (await isAhead(passage, member))) {
        member.host.stopHeartbeat();
        passage.notes.push(`${member.name}: when the lease is over it takes away itself what is left there`);
      } else await release(passage, member);
      return found;
    }),
  );
  const done = passage.committed && hosts.every(({ asExpected }) => asExpected);
  passage.verdict = { outcome: done ? 'deployed' : 'broken', hosts };
}

/** Whether what the host does when the lease is over, to go back to its current release, leads forward by now. */
async function isAhead(passage: Passage, member: Member): Promise<boolean> {
  if (!passage.committed) return false;
  try {
    return truthOf(await insist(passage, member, 'truth')).current === passage.setting.release.release;
  } catch {
    return false;
  }
}

const unknown = (member: Member, thrown: unknown): HostVerdict => {
  const { code, message } = asSluiceError(thrown);
  return { host: member.name, serving: null, asExpected: false, problem: `${code}: ${message}` };
};

async function look(passage: Passage, member: Member): Promise<HostVerdict> {
  const truth = truthOf(await insist(passage, member, 'truth'));
  const problem = await differs(passage, member, truth);
  return {
    host: member.name,
    serving: truth.serving ?? null,
    asExpected: problem === undefined,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** In what a host is not as it was before; undefined where it is. */
async function differs(passage: Passage, member: Member, truth: HostTruth): Promise<string | undefined> {
  const { release: next } = passage.setting;
  const wanted = passage.committed
    ? { release: next.release, manifest: next }
    : passage.before.get(member.name);
  if (truth.serving !== wanted?.release)
    return `${truth.serving ?? 'nothing'} serves instead of ${wanted?.release ?? 'nothing'}`;
  if (truth.current !== wanted?.release) return `${truth.current ?? 'nothing'} counts as the current release`;
  const mayNotBe = ({ release: one }: { release: string }) =>
    passage.committed ? one !== next.release : one === next.release && one !== wanted?.release;
  const left = truth.containers.find(mayNotBe);
  if (left) return `containers of ${left.release} are left`;
  if (!wanted?.manifest || !member.changed) return undefined;
  try {
    await insist(passage, member, 'watch', { release: wanted.manifest, seconds: 0 });
    return undefined;
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    return `${wanted.release} does not answer as it should: ${code}: ${message}`;
  }
}

/** Gives the lock up. Where that fails the host does it when the lease is over; what serves is not touched by it. */
export async function release(passage: Passage, member: Member): Promise<void> {
  member.host.stopHeartbeat();
  try {
    await insist(passage, member, 'unlock');
    member.lock = 'none';
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    passage.notes.push(`${member.name}: its lock goes when the lease is over (${code}: ${message})`);
  }
}

/** Runs a phase, again and again for a while where the host is away: this is the last chance. Not stopped by a signal. */
async function insist(passage: Passage, member: Member, phase: PhaseName, options: PhaseOptions = {}) {
  // What the failed phase said is for the person; what comes now is not.
  const { tail } = member;
  try {
    for (let attempt = 1, pause = PAUSE; ; attempt += 1, pause = Math.min(2 * pause, LONGEST)) {
      try {
        return await runOn(member, phase, inputFor(passage.setting, phase, options), {
          ...passage.reach,
          patienceMs: 0,
        });
      } catch (error) {
        const away =
          error instanceof SluiceError && ['CONNECTION_LOST', 'HOST_UNREACHABLE'].includes(error.code);
        if (!away || attempt >= ATTEMPTS) throw error;
        await passage.reach.sleep(pause);
      }
    }
  } finally {
    member.tail = tail;
  }
}
