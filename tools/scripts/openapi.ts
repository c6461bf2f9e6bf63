import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { OPERATIONS } from '../executors/src/testing/github/operations.ts';

/**
 * `node tools/scripts/openapi.ts [version]` writes the part of GitHub's own description of its API that the tests need.
 * The package that holds it is 390 MB large unpacked, so it is fetched for this once and is no dependency.
 */
const VERSION = process.argv[2] ?? '23.0.2';
const FILE = 'package/generated/api.github.com.json';
const target = join(import.meta.dirname, '../executors/src/testing/github/openapi.json');
/** Words for people, and what only other tools read; a fifth of the size is left. */
const LEFT_OUT = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'title', 'tags']);

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Node = Record<string, Json>;

const whole = await description();
const source = JSON.parse(whole) as Node;
const paths: Node = {};
for (const operation of OPERATIONS) {
  const [method = '', path = ''] = operation.split(' ');
  const found = at(source, ['paths', path, method.toLowerCase()]);
  if (found === undefined) throw new Error(`${operation} is not in the description`);
  paths[path] = { ...(paths[path] as Node), [method.toLowerCase()]: lean(found) };
}
const components: Node = {};
const left: Json[] = [paths];
while (left.length > 0)
  for (const ref of references(left.pop() ?? null)) {
    const [, , kind = '', name = ''] = ref.split('/');
    const group = (components[kind] ??= {}) as Node;
    if (group[name] !== undefined) continue;
    group[name] = lean(at(source, ['components', kind, name]) ?? null);
    left.push(group[name]);
  }

const written = {
  from: `@octokit/openapi ${VERSION}, generated/api.github.com.json`,
  sha256: createHash('sha256').update(whole).digest('hex'),
  license: 'MIT',
  paths,
  components: sorted(components),
};
const config = await resolveConfig(target);
await writeFile(target, await format(JSON.stringify(written), { ...config, filepath: target }));

async function description(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-openapi-'));
  const run = promisify(execFile);
  try {
    const { stdout } = await run('npm', ['pack', `@octokit/openapi@${VERSION}`, '--json'], { cwd: folder });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await run('tar', ['xzf', filename, FILE], { cwd: folder });
    return await readFile(join(folder, FILE), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function at(node: Json, path: string[]): Json | undefined {
  return path.reduce<Json | undefined>((one, name) => (one as Node | undefined)?.[name], node);
}

/** Without words; a property that is called as one of them stays. */
function lean(node: Json, names = false): Json {
  if (Array.isArray(node)) return node.map((one) => lean(one));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name]) => names || !(LEFT_OUT.has(name) || name.startsWith('x-')))
      .map(([name, value]) => [name, lean(value, !names && (name === 'properties' || name === 'headers'))]),
  );
}

function references(node: Json): string[] {
  if (node === null || typeof node !== 'object') return [];
  if (Array.isArray(node)) return node.flatMap(references);
  return Object.entries(node).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : references(value),
  );
}

function sorted(node: Node): Node {
  return Object.fromEntries(
    Object.entries(node)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        name,
        Object.fromEntries(Object.entries(value as Node).sort(([a], [b]) => (a < b ? -1 : 1))),
      ]),
  );
}
