import type { Happening, Notification } from './types.ts';

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
  const what = `${n.project} ${n.version}`.trimEnd();
  const several = n.version === '';
  const titles: Record<Happening, string> = {
    started: `${what} is being deployed to ${n.stage}`,
    'approval-requested': `${what} ${several ? 'wait' : 'waits'} for an approval to enter ${n.stage}`,
    succeeded: `${what} is in ${n.stage}`,
    failed: `${what} failed in ${n.stage}`,
    'rolled-back': n.to
      ? `${n.project} in ${n.stage} went back to ${n.to}`
      : `${what} was taken back in ${n.stage}`,
  };
  const facts: [string, string | undefined][] = [
    ['By', n.by],
    ['From', n.from],
    ['Hosts', n.hosts?.join(', ')],
    ['Release', n.release],
    ['Digest', n.digest],
    ['State', n.outcome ?? n.error?.state],
    ['Took', n.ms === undefined ? undefined : duration(n.ms)],
    ['Run', n.run],
  ];
  const next = n.next ?? n.error?.next;
  return {
    title: titles[n.event],
    facts: facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== ''),
    ...(n.error ? { problem: `${n.error.code}: ${n.error.what}` } : {}),
    ...(next ? { next } : {}),
    ...(n.link ? { link: n.link } : {}),
    mood: MOODS[n.event],
  };
}

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
