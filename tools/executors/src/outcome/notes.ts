import type { LedgerState } from '../ledger/types.ts';
import type { Candidate } from './types.ts';

/** The part of a changelog that is about one version, without its heading; undefined where it has none. Pure. */
export function changelogSection(changelog: string, version: string): string | undefined {
  const lines = changelog.split(/\r?\n/);
  const begin = lines.findIndex((line) => headingVersion(line) === version);
  if (begin < 0) return undefined;
  const level = /^#+/.exec(lines[begin] ?? '')?.[0].length ?? 2;
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => {
    const depth = /^#+(?=\s)/.exec(line)?.[0].length;
    return (depth !== undefined && depth < level) || headingVersion(line) !== undefined;
  });
  return (end < 0 ? rest : rest.slice(0, end)).join('\n').trim();
}

/** `## 1.2.0 (2026-11-21)`, `# [1.2.0](...)`, `## v1.2.0`, `## money@1.2.0` -> 1.2.0 */
function headingVersion(line: string): string | undefined {
  return /^#{1,3}\s+\[?(?:[^\s[\]]*@|v)?(\d+\.\d+\.\d+[^\s\])]*)/.exec(line)?.[1];
}

/** First lines of commits as a list, for a release without a changelog. */
export function commitList(commits: { hash: string; message: string }[]): string {
  return commits.map(({ hash, message }) => `- ${message.split('\n')[0]} (${hash.slice(0, 7)})`).join('\n');
}

/**
 * What stands below the changes in a release: what proves it. The ledger's head pins its history: who rewrites the ledger
 * has to rewrite this too. Pure.
 * @param stages names of the package stages, in order
 */
export function proofTable(candidate: Candidate, stages: string[], state: LedgerState): string {
  const { name, version, integrity, published, entry } = candidate;
  const way = stages.flatMap((stage) => {
    const at = state.standing(stage, name, version)?.record.at;
    return at === undefined ? [] : [`${stage} (${at.slice(0, 16).replace('T', ' ')} UTC)`];
  });
  const approvers = entry.record.type === 'promoted' ? approvedBy(state, entry.record) : [];
  const rows = [
    ['Integrity', `\`${integrity}\``],
    ['Built from', published.record.source.commit],
    ['Way', way.join(' → ')],
    ...(approvers.length > 0 ? [['Approved by', approvers.join(', ')]] : []),
    ...(state.head === null ? [] : [['Ledger', `\`${state.head}\``]]),
  ];
  return ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function approvedBy(
  state: LedgerState,
  record: Extract<Candidate['entry']['record'], { type: 'promoted' }>,
): string[] {
  const signed = state.approvals(record.stage).map(({ record: approval }) => approval);
  const people = record.approvals.flatMap((nonce) => signed.find((one) => one.nonce === nonce)?.by ?? []);
  // Not `@login`: GitHub counts whom a release mentions among those who wrote it.
  return [...new Set([...people, ...(record.environment?.approvals ?? []).map(({ login }) => login)])];
}
