import { annotation, cell } from '../report/notifications/github.ts';
import { table } from '../report/table.ts';
import type { Checked, Diagnosis, Verdict } from './types.ts';

const SHOWN: Record<Verdict, string> = {
  ok: 'ok',
  warning: 'warning',
  problem: 'PROBLEM',
  'not checked': 'not checked',
};

/** For a person: what is wrong with the command that mends it, then one line for every check. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { checks, counts, profile, stage, ok } = diagnosis;
  const wrong = (['problem', 'warning'] as const).flatMap((verdict) =>
    checks.filter((check) => check.verdict === verdict).map(details),
  );
  const count = (verdict: Verdict, one: string, many = one): string[] =>
    counts[verdict] === 0 ? [] : [`${counts[verdict]} ${counts[verdict] === 1 ? one : many}`];
  return [
    ...wrong.flatMap((text) => [text, '']),
    table(
      ['check', 'stage', 'result', ''],
      checks.map((check) => [
        `${check.room}: ${check.title}`,
        check.stage ?? '',
        SHOWN[check.verdict],
        short(check),
      ]),
    ),
    '',
    `${[
      ...count('ok', 'ok'),
      ...count('warning', 'warning', 'warnings'),
      ...count('problem', 'problem', 'problems'),
      ...count('not checked', 'not checked'),
    ].join(', ')} (${stage ? `stage ${stage}, ` : ''}profile ${profile}); nothing was changed`,
    ...(profile === 'local' ? [LIVE] : []),
    ...(ok ? [] : ['Next: the commands above, from the first one on; then this again']),
  ].join('\n');
}

const LIVE =
  'This is the local profile, with registries on this machine. SLUICE_PROFILE=live npx nx doctor looks at the real ones.';

/** What is wrong, in full: the first line leads, what follows belongs to it. */
function details(check: Checked): string {
  const { room, title, stage, verdict, said, next, code } = check;
  const head = `${SHOWN[verdict]} ${room}: ${title}${stage ? ` (${stage})` : ''}${code ? `, ${code}` : ''}`;
  return [head, ...indented(said), ...(next ? [`  next: ${next}`] : [])].join('\n');
}

const indented = (text: string): string[] => text.split('\n').map((line) => `  ${line}`);

const WIDEST = 100;

/** The first line of it; the whole stands above where it is wrong. */
function short({ said, verdict, next }: Checked): string {
  const [line = ''] = said.split('\n');
  const cut = line.length > WIDEST && verdict !== 'not checked' ? `${line.slice(0, WIDEST - 1)}…` : line;
  return verdict === 'not checked' && next ? `${cut}; ${next}` : cut;
}

/** Annotations for GitHub Actions, one for each problem and each warning. */
export function annotationsOf({ checks }: Diagnosis): string[] {
  return checks.flatMap(({ verdict, room, title, stage, said, next }) =>
    verdict === 'problem' || verdict === 'warning'
      ? [
          annotation(
            verdict === 'problem' ? 'error' : 'warning',
            `${room}: ${title}${stage ? ` (${stage})` : ''}`,
            next ? `${said}\nnext: ${next}` : said,
          ),
        ]
      : [],
  );
}

/** The same table for the summary of a job, in Markdown. */
export function summaryOf(diagnosis: Diagnosis): string {
  const signs: Record<Verdict, string> = { ok: '✅', warning: '⚠️', problem: '❌', 'not checked': '➖' };
  const rows = diagnosis.checks.map(
    ({ room, title, stage, verdict, said, next }) =>
      `| ${signs[verdict]} | ${room}: ${cell(title)} | ${stage ?? ''} | ${cell(said)}${next ? `<br>next: <code>${cell(next)}</code>` : ''} |`,
  );
  return [
    `### ${diagnosis.ok ? '✅' : '❌'} doctor${diagnosis.stage ? ` ${diagnosis.stage}` : ''}`,
    '',
    '| | check | stage | |',
    '|---|---|---|---|',
    ...rows,
    '',
    '',
  ].join('\n');
}
