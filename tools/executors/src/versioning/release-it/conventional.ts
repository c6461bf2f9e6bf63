import { rcompare } from 'semver';
import type { Repository } from '../../git/index.ts';
import type { Member, Workspace } from '../types.ts';
import { tagsOfHead, versionsOf } from '../agree.ts';

export interface Commit {
  hash: string;
  message: string;
}
export type Level = 'major' | 'minor' | 'patch';

interface Parsed {
  level: Level | undefined;
  breaking: string | undefined;
  scope: string | undefined;
  type: string;
  subject: string;
  hash: string;
}
const LEVELS: Record<string, Level> = { feat: 'minor', fix: 'patch', perf: 'patch', revert: 'patch' };
const TITLES = { feat: 'Features', fix: 'Fixes', perf: 'Performance', revert: 'Reverts' };

/**
 * Commits since the package's last release that touch its folder, newest first.
 * @param known a version that was released, where its tag may have another form
 */
export async function commitsSinceTag(
  workspace: Workspace,
  member: Member,
  known?: string,
): Promise<Commit[]> {
  const { git, tagOf } = workspace;
  const tagged = versionsOf(workspace, member.project, await tagsOfHead(workspace));
  const version = [...tagged, ...(known === undefined ? [] : [known])].toSorted(rcompare)[0];
  const range = version === undefined ? 'HEAD' : `${tagOf(member.project, version)}..HEAD`;
  return commitsIn(git, range, workspace.inGit(member.root));
}

async function commitsIn(git: Repository, range: string, folder: string): Promise<Commit[]> {
  const text = await git.run(['log', '-z', '--format=%H%n%B', range, '--', folder]);
  return text
    .split('\0')
    .filter(Boolean)
    .map((entry) => ({ hash: entry.slice(0, 40), message: entry.slice(41) }));
}

/** What the commits ask for by https://www.conventionalcommits.org; undefined where none says anything. Pure. */
export function recommended(commits: Commit[]): Level | undefined {
  const levels = new Set(parsed(commits).map(({ level }) => level));
  return (['major', 'minor', 'patch'] as const).find((level) => levels.has(level));
}

/** Release notes by kind of change, breaking ones first. Pure. */
export function notesFor(commits: Commit[]): string {
  const all = parsed(commits);
  const line = ({ scope, subject, hash }: Parsed, text = subject) =>
    `- ${scope ? `**${scope}:** ` : ''}${text} (${hash.slice(0, 7)})`;
  const section = (title: string, lines: string[]) =>
    lines.length > 0 ? [`### ${title}\n\n${lines.join('\n')}\n`] : [];
  return [
    ...section(
      'Breaking changes',
      all.flatMap((one) => (one.breaking === undefined ? [] : [line(one, one.breaking)])),
    ),
    ...Object.entries(TITLES).flatMap(([type, title]) =>
      section(
        title,
        all.filter((one) => one.type === type).map((one) => line(one)),
      ),
    ),
  ].join('\n');
}

function parsed(commits: Commit[]): Parsed[] {
  return commits.flatMap(({ hash, message }) => {
    const [head = '', ...body] = message.split('\n');
    const match = /^(\w+)(?:\(([^)]*)\))?(!)?: +(.+)$/.exec(head);
    if (!match) return [];
    const [, type = '', scope, mark, subject = ''] = match;
    const footer = /^BREAKING[ -]CHANGE: *(.+)$/m.exec(body.join('\n'))?.[1];
    const breaking = footer ?? (mark ? subject : undefined);
    const level = breaking === undefined ? LEVELS[type.toLowerCase()] : 'major';
    return [{ level, breaking, scope, type: type.toLowerCase(), subject, hash }];
  });
}
