import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorRooms } from '../../../scripts/docs/errors.ts';
import { onSite, withSiteLinks } from '../../../scripts/site/addresses.ts';
import { commandsOf } from '../../../scripts/site/commands.ts';
import { chaptersOf } from '../../../scripts/site/contents.ts';
import { errorPages } from '../../../scripts/site/error-pages.ts';
import { errors } from '../../src/foundation/index.ts';
import { problemOf } from './command-line.ts';
import { split } from './commands.ts';

const WORKSPACE = join(import.meta.dirname, '../../../..');
const pages = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], {
  cwd: WORKSPACE,
  exclude: ['docs/site/**'],
})
  .sort()
  .map((path) => ({ path, text: readFileSync(join(WORKSPACE, path), 'utf8') }));
const rooms = await errorRooms(WORKSPACE);

describe('the site', () => {
  it('has a page for every error: what happened, what state things are in, what to type', async () => {
    const made = await errorPages(WORKSPACE, pages, (file) => `https://example.com/${file}`);
    const texts = new Map(made.map(({ path, text }) => [path, text]));
    for (const code of [...Object.keys(errors), 'UNEXPECTED']) {
      const text = texts.get(`reference/errors/${code}/index.md`);
      expect(text, code).toMatch(
        /^# [A-Z0-9_]+\n\n## What happened\n\n::: v-pre\n.+[\s\S]+## What state things are in\n\n::: v-pre\n.+[\s\S]+## What to type\n\n::: v-pre\n.+/m,
      );
      expect(text, code).toMatch(/Exit code of `sluice`: [123], .+Comes up in: .+/s);
    }
    expect(texts.size).toBe(Object.keys(errors).length + 2);
    const gate = texts.get('reference/errors/GATE_CLOSED/index.md');
    expect(gate).toContain('```sh\nnpx nx approve -c <stage>\n```');
    expect(gate).toContain('- Usually: an approval is missing');
    expect(gate).toContain('[Troubleshooting](../../../guide/troubleshooting.md)');
    expect(texts.get('reference/errors/LEDGER_REWRITTEN/index.md')).toContain(
      '[what to do](../../../guide/ledger.md#when-history-was-rewritten)',
    );
    expect(texts.get('reference/errors/LOCK_LOST/index.md')).toMatch(/In the code: .*host\/\S+/);
  });

  it('shows every page of the docs at its side', () => {
    const listed = chaptersOf(pages.find(({ path }) => path === 'docs/README.md')?.text ?? '');
    const shown = listed.flatMap((chapter) => chapter.pages.map(({ file }) => file));
    expect(shown.filter((file) => onSite(file) !== undefined).sort()).toEqual(
      pages.map(({ path }) => path).filter((path) => path !== 'docs/README.md'),
    );
  });

  it('has links to its own pages, to the page of an error, and to files of the repository', () => {
    const text = [
      '[a](guide/gates.md#soak) [b](reference/errors.md) [c](reference/errors.md#gate_closed) [d](../README.md)',
      '[e](../libs/money/README.md#api) [f](#here) [g](https://example.com/x.md)',
    ].join('\n');
    expect(withSiteLinks('docs/concepts.md', text, (file) => `https://example.com/${file}`)).toBe(
      [
        '[a](guide/gates.md#soak) [b](reference/errors/index.md) [c](reference/errors/GATE_CLOSED/) [d](introduction.md)',
        '[e](https://example.com/libs/money/README.md#api) [f](#here) [g](https://example.com/x.md)',
      ].join('\n'),
    );
    expect(withSiteLinks('docs/guide/gates.md', '[a](../reference/errors.md#held)', String)).toBe(
      '[a](../reference/errors/HELD/)',
    );
  });

  it('has pictures that say what is on them', () => {
    const pictures = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/```mermaid\n([\s\S]*?)```/g)].map(([, picture = '']) => ({ path, picture })),
    );
    expect(pictures.length).toBeGreaterThan(5);
    for (const { path, picture } of pictures)
      expect(picture, path).toMatch(/^ +accTitle: \S.*\n +accDescr: \S.*$/m);
  });
});

describe('what an error tells to type', () => {
  it.each(rooms.flatMap(({ errors: all }) => all).map(({ code, next }) => [code, next]))('%s', (_, next) => {
    const commands = commandsOf(next);
    const ours = commands.filter((command) => /^(npx nx|npx sluice|npm run) /.test(command));
    expect(ours.flatMap((command) => split(command).flatMap((words) => problemOf(words) ?? []))).toEqual([]);
    // A command ends where the sentence goes on: in brackets, or behind a mark.
    for (const command of commands)
      expect(command.replaceAll(/"[^"]*"|<[^>]*>/g, '')).not.toMatch(
        /\s(to|which|that|shows|lists|tells|says|sets|it|them|where|before|with|adds|writes|and|then|of)\s/,
      );
  });

  it.each([
    ['npx sluice status (then run it again)', ['npx sluice status']],
    [
      'look at it: git log a..b; or wait, then npx nx approve -c test',
      ['git log a..b', 'npx nx approve -c test'],
    ],
    [
      'git commit -m "a, b", or export A=$(gh auth token)',
      ['git commit -m "a, b"', 'export A=$(gh auth token)'],
    ],
    ['install git 2.34 or newer', []],
  ])('%s', (next, commands) => {
    expect(commandsOf(next)).toEqual(commands);
  });
});
