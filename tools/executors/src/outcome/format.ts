import type { Outcome } from './types.ts';

const WORDS: Record<Outcome['status'], string> = {
  made: 'made',
  there: 'there already',
  planned: 'would be made',
  failed: 'failed',
};

/** One outcome for a person: a line, what is missing below it, and how to go on after a failure. */
export function formatOutcome({ what, name, version, status, url, notes, problem }: Outcome): string {
  return [
    `${what} ${name}@${version}: ${WORDS[status]}${url ? ` (${url})` : ''}`,
    ...notes.map((note) => `  ${note}`),
    ...(problem
      ? [`  ${problem.code}: ${problem.what}`, `  now:  ${problem.state}`, `  next: ${problem.next}`]
      : []),
  ].join('\n');
}
