import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksIn, blocksOf, patternOf, WORKSPACE } from './page.ts';
import { isTold, LEFT_OUT, leftOut, STORIES, type Story } from './stories.ts';

const stories: Story[] = Object.values(STORIES).flat();
const pages = globSync(['README.md', 'docs/**/*.md'], {
  cwd: WORKSPACE,
  exclude: ['docs/site/**', 'docs/reference/**', 'docs/decisions/**'],
}).sort();
const told = (page: string, under: string): boolean =>
  stories.some((story) => story.page === page && isTold(story, under));
const commands = pages.flatMap((page) =>
  blocksIn(page).flatMap(({ under, commands: inBlock }) =>
    inBlock.map(({ line, text }) => ({ at: `${page}:${line}: ${text}`, page, under, text })),
  ),
);
const typed = new Set(
  commands
    .filter(({ page, under, text }) => told(page, under) && !leftOut(page, text))
    .map(({ text }) => text),
);

describe('every command in the docs', () => {
  it('is typed by a story, there or on another page, or it is said why not', () => {
    const nowhere = commands.filter(
      // What is exported is nothing that runs.
      ({ page, text }) => !typed.has(text) && !leftOut(page, text) && !/^export [^$]*$/.test(text),
    );
    expect(nowhere.map(({ at }) => at)).toEqual([]);
    expect(typed.size).toBeGreaterThan(150);
  });

  it('that is left out stands in a page, is typed nowhere, and its test is there', () => {
    const superfluous = LEFT_OUT.filter(
      ({ command, page }) =>
        typed.has(command) ||
        !commands.some((one) => one.text === command && (page ?? one.page) === one.page),
    );
    expect(superfluous).toEqual([]);
    expect(LEFT_OUT.filter(({ test }) => test && !existsSync(join(WORKSPACE, test)))).toEqual([]);
  });

  it('belongs to one story, each of which has some', () => {
    const empty = stories.filter(({ page, under }) => {
      const headings = new Set(blocksIn(page).map((block) => block.under));
      return (under ?? ['']).some((heading) => ![...headings].some((one) => one.startsWith(heading)));
    });
    expect(empty).toEqual([]);
    const twice = commands.filter(
      ({ page, under }) => stories.filter((story) => story.page === page && isTold(story, under)).length > 1,
    );
    expect(twice.map(({ at }) => at)).toEqual([]);
  });
});

describe('a page', () => {
  it('says how commands end, what belongs together, and what is shown', () => {
    const page = [
      '## First',
      '```sh',
      'npx sluice plan public   # exit code 3: somebody has to approve',
      'npx nx run-many -t promote -c public  # GATE_CLOSED, where it has a gate',
      '',
      'if [ -n "$a" ]; then # a remark',
      '  npx nx status',
      'fi',
      '# only a remark',
      '```',
      'Then:',
      '```text',
      'money 1.0.2',
      '```',
      '## Second',
      '```text',
      'nobody typed this',
      '```',
    ].join('\n');
    expect(blocksOf(page)).toEqual([
      {
        under: 'First',
        commands: [
          { line: 3, text: 'npx sluice plan public', ends: 3 },
          { line: 4, text: 'npx nx run-many -t promote -c public', ends: 'GATE_CLOSED' },
          { line: 6, text: 'if [ -n "$a" ]; then\nnpx nx status\nfi' },
        ],
        shows: ['money 1.0.2'],
      },
    ]);
  });

  it.each([
    ['api sha-238f7356f799 serves (50.1 s)', 'api sha-c0c9345aeaaa serves (7.3 s)', true],
    ['@acme/money  1.0.1  3 records', '@acme/money 1.0.1 16 records', true],
    ['@acme/money  1.0.1  3 records', '@acme/money 1.0.2 3 records', false],
    ['backup_x_20261121T014854Z.tar.gz  6.1 kB', 'backup_x_20270101T000000Z.tar.gz 12 kB', true],
    ['plan c4cb185364bd for public', 'plan 000000000000 for test', false],
  ])('shows %s for %s: %s', (shown, screen, matches) => {
    expect(patternOf(shown)?.test(screen)).toBe(matches);
  });
});
