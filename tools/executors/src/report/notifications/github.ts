import { appendFile } from 'node:fs/promises';
import { messageOf } from './message.ts';
import type { Channel } from './types.ts';

/** Inside GitHub Actions: a section in the job's summary, and an annotation for what failed. */
export function githubJob(summary: string, write: (line: string) => void): Channel {
  return {
    name: 'the job summary',
    send: async (notification) => {
      const { title, facts, problem, next, mood } = messageOf(notification);
      if (notification.event === 'started') return;
      const sign = { good: '✅', bad: '❌', warning: '⚠️', neutral: '' }[mood];
      const rows = facts.map(([label, text]) => `| ${label} | ${cell(text)} |`);
      const parts = [
        `### ${sign} ${cell(title)}`,
        ...(problem ? [cell(problem)] : []),
        ['| | |', '|---|---|', ...rows].join('\n'),
        ...(next ? [`Next: <code>${cell(next)}</code>`] : []),
      ];
      await appendFile(summary, `${parts.join('\n\n')}\n\n`);
      // What a promotion failed with is annotated by its command, package by package.
      const isSaid = mood === 'bad' && notification.action === 'promotion';
      if (!isSaid && (mood === 'bad' || mood === 'warning'))
        write(annotation(mood === 'bad' ? 'error' : 'warning', title, problem ?? next ?? title));
    },
  };
}

/** Project-supplied text stays text in Markdown and in HTML. */
export const cell = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/([\\`*_{}[\]()#+!|~-])/g, '\\$1')
    .replaceAll(/\r?\n/g, '<br>');

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions: data and properties have their own escapes. */
export function annotation(level: 'error' | 'warning', title: string, text: string): string {
  const data = (s: string) => s.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (s: string) => data(s).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${level} title=${property(title)}::${data(text)}`;
}
