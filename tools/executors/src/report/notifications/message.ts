import type { Change, Happening, Notification } from './types.ts';

/** The words of a notification, before any channel's markup. */
export interface Message {
  title: string;
  /** Label and text, in the order of interest. */
  facts: [string, string][];
  /** What went wrong, in whole sentences. */
  problem?: string;
  next?: string;
  link?: string;
  mood: 'neutral' | 'good' | 'bad' | 'warning';
}

const MOODS: Record<Happening, Message['mood']> = {
  started: 'neutral',
  'approval-requested': 'warning',
  succeeded: 'good',
  failed: 'bad',
  'rolled-back': 'warning',
};

/** Pure: the same words for every channel. */
export function messageOf(n: Notification): Message {
  const facts: [string, string | undefined][] = [
    ['By', n.by],
    ['From', n.from],
    ['To', n.action === 'promotion' ? n.stage : n.action === 'rollback' ? n.to : n.release],
    ['Versions', n.changes?.map(changed).join('\n')],
    ['Waits for', n.waitsFor?.join('\n')],
    ['Hosts', n.hosts?.join(', ')],
    ['State', n.outcome ?? n.error?.state],
    ['Way back', n.wayBack],
    ['Digest', n.digest],
    ['Repository', n.repository],
    ['Took', n.ms === undefined ? undefined : duration(n.ms)],
    ['Run', n.run],
  ];
  const next = n.next ?? n.error?.next;
  return {
    title: titleOf(n),
    facts: facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== ''),
    ...(n.error ? { problem: `${n.error.code}: ${n.error.what}` } : {}),
    ...(next ? { next } : {}),
    ...(n.link ? { link: n.link } : {}),
    mood: MOODS[n.event],
  };
}

function titleOf(n: Notification): string {
  const what = `${n.project} ${n.version}`.trimEnd();
  const several = n.version === '';
  const were = several ? 'were' : 'was';
  switch (n.event) {
    case 'started':
      return `${what} is being deployed to ${n.stage}`;
    case 'approval-requested':
      return `${what} ${several ? 'wait' : 'waits'} for an approval to enter ${n.stage}`;
    case 'succeeded':
      return n.action === 'promotion' ? `${what} ${were} promoted to ${n.stage}` : `${what} is in ${n.stage}`;
    case 'failed':
      if (n.action === 'promotion') return `${what} ${were} not promoted to ${n.stage}`;
      return n.action === 'rollback'
        ? `The rollback of ${what} in ${n.stage} failed`
        : `${what} failed in ${n.stage}`;
    case 'rolled-back':
      return n.to && !several
        ? `${n.project} in ${n.stage} went back to ${n.to}`
        : `${what} ${were} taken back in ${n.stage}`;
  }
}

const changed = ({ project, version, previous }: Change): string =>
  `${project} ${previous === undefined ? '' : `${previous} -> `}${version}`;

/** Plain text, as an e-mail's body and a fallback elsewhere. */
export function plainText({ title, facts, problem, next, link }: Message): string {
  return [
    title,
    '',
    ...(problem ? [problem, ''] : []),
    ...facts.map(([label, text]) => `${label}: ${text}`),
    ...(next ? ['', `Next: ${next}`] : []),
    ...(link ? ['', link] : []),
    '',
  ].join('\n');
}

/** "850 ms", "12 s", "3 min 5 s". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
