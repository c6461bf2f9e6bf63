import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { FIELDS, rangeFor } from './order.ts';
import type { Bump, Workspace } from './types.ts';

/** Writes versions, and the ranges of all who depend on them. What else stands in a package.json keeps its form. */
export async function writeManifests({ root, members }: Workspace, bumps: Bump[]): Promise<void> {
  const versions = new Map(bumps.map(({ name, to }) => [name, to]));
  for (const member of members) {
    const edits: [path: string[], value: string][] = FIELDS.flatMap((field) =>
      Object.entries(member.manifest[field] ?? {}).flatMap(([name, range]): [string[], string][] => {
        const version = versions.get(name);
        const wanted = version === undefined ? range : rangeFor(range, version);
        return wanted === range ? [] : [[[field, name], wanted]];
      }),
    );
    const own = versions.get(member.name);
    if (own !== undefined) edits.push([['version'], own]);
    if (edits.length === 0) continue;
    const file = join(root, member.root, 'package.json');
    await writeFile(file, edited(await readFile(file, 'utf8'), edits));
  }
}

const edited = (text: string, edits: [string[], string][]): string =>
  edits.reduce((now, [path, value]) => applyEdits(now, modify(now, path, value, {})), text);

/** Puts the notes of a version on top of the package's CHANGELOG.md; a section that the version has already stays as it is. */
export async function writeChangelog(
  root: string,
  bump: Pick<Bump, 'name' | 'root' | 'to' | 'notes'>,
  today = new Date(),
): Promise<void> {
  const file = join(root, bump.root, 'CHANGELOG.md');
  const before = await readFile(file, 'utf8').catch(() => '');
  await writeFile(file, withSection(before, bump, today.toISOString().slice(0, 10)));
}

/** A changelog with one more section. Pure. */
export function withSection(
  before: string,
  { name, to, notes }: Pick<Bump, 'name' | 'to' | 'notes'>,
  day: string,
): string {
  const has = before.split('\n').some((line) => line.startsWith('#') && versionIn(line) === to);
  if (has) return before;
  const section = `## ${to} (${day})\n\n${notes.trim()}\n`;
  const at = before.search(/^#{1,6} .*\d+\.\d+\.\d+/m);
  if (at !== -1) return `${before.slice(0, at)}${section}\n${before.slice(at)}`;
  return before.trim() === '' ? `# ${name}\n\n${section}` : `${before.trimEnd()}\n\n${section}`;
}

const versionIn = (line: string): string | undefined => /\d+\.\d+\.\d+[0-9A-Za-z.+-]*/.exec(line)?.[0];
