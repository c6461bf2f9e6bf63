import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { anchorsOf, deadLinks } from '../../../scripts/docs/links.ts';

const WORKSPACE = join(import.meta.dirname, '../../../..');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function workspaceOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-links-'));
  folders.push(folder);
  mkdirSync(join(folder, 'docs'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

describe('the pages of this repository', () => {
  it('link only to files and headings that are there', () => {
    const pages = globSync(
      ['*.md', 'docs/**/*.md', '.github/**/*.md', '{libs,apps,tools,verdaccio,bench}/**/*.md'],
      { cwd: WORKSPACE, exclude: ['**/node_modules/**', '**/dist/**', 'docs/site/**'] },
    );
    expect(pages.length).toBeGreaterThan(50);
    expect(deadLinks(WORKSPACE, pages)).toEqual([]);
  });
});

describe('a dead link', () => {
  it('is one to a file, a heading of another page, or one of the same page that is not there', () => {
    const workspace = workspaceOf({
      'README.md': [
        '# Title\n[gone](docs/gone.md) [there](docs/a.md) [gone](docs/a.md#no) [there](docs/a.md#the-one)',
        '[gone](#nowhere) [there](#title) [image](docs/gone.png) [out](../outside.md) [web](https://example.com/#x)',
        '[gone][below]\n\n[below]: docs/below.md#x\n',
        '```sh\n[code](docs/code.md)\n```\n`[code](docs/code.md)`',
      ].join('\n'),
      'docs/a.md':
        '# A\n\n## The `one`\n\n```sh\n# no\n```\n\n[up](../README.md#title) [gone](../README.md#a)\n',
    });
    expect(deadLinks(workspace, ['README.md', 'docs/a.md'])).toEqual([
      'README.md: docs/gone.md',
      'README.md: docs/a.md#no',
      'README.md: #nowhere',
      'README.md: docs/gone.png',
      'README.md: ../outside.md',
      'README.md: docs/below.md#x',
      'docs/a.md: ../README.md#a',
    ]);
  });
});

describe('the anchor of a heading', () => {
  it.each([
    ['## `sluice.json`, and more', 'sluicejson-and-more'],
    ['### `GATE_CLOSED`', 'gate_closed'],
    ['## A day – in Zürich?', 'a-day--in-zürich'],
    ['## [Stages](stages.md): *in order* ##', 'stages-in-order'],
    ['## 2. Stages, and who', '2-stages-and-who'],
  ])('%s', (heading, anchor) => {
    expect([...anchorsOf(`${heading}\n`)]).toEqual([anchor]);
  });

  it('is told apart from one before it by a number', () => {
    expect([...anchorsOf('# A\n## B\n## B\n## B\n')]).toEqual(['a', 'b', 'b-1', 'b-2']);
  });
});
