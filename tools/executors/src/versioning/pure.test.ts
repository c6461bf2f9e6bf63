import { describe, expect, it } from 'vitest';
import { withSection } from './files.ts';
import { npmLock } from './lockfile.ts';
import { untitled } from './notes.ts';
import { inGraphOrder, nextVersion, rangeFor, withDependents } from './order.ts';
import { notesFor, recommended } from './release-it/conventional.ts';
import { conditionsOf } from './release-it/way.ts';
import { linksTo } from './semantic-release/commits.ts';
import { analysisOptions } from './semantic-release/config.ts';
import { missingModule } from './tools.ts';
import type { Bump, Manifest, Member } from './types.ts';

const member = (project: string, manifest: Manifest = {}, version = '1.0.0'): Member => ({
  project,
  name: `@acme/${project}`,
  root: `libs/${project}`,
  version,
  publishable: true,
  manifest,
});
const bump = (project: string, to: string): Bump => ({
  project,
  name: `@acme/${project}`,
  root: `libs/${project}`,
  from: '1.0.0',
  to,
  notes: '',
});

describe('rangeFor', () => {
  it.each([
    ['^1.0.0', '^1.1.0'],
    ['~1.0.0', '~1.1.0'],
    ['>=1.0.0', '>=1.1.0'],
    ['1.0.0', '1.1.0'],
    ['workspace:^1.0.0', 'workspace:^1.1.0'],
    ['*', '*'],
    ['workspace:^', 'workspace:^'],
    ['file:../units', 'file:../units'],
    ['>=1.0.0 <3', '>=1.0.0 <3'],
  ])('%s becomes %s', (range, wanted) => {
    expect(rangeFor(range, '1.1.0')).toBe(wanted);
  });
});

describe('nextVersion', () => {
  it.each([
    ['1.0.0', 'minor', undefined, '1.1.0'],
    ['1.0.0', 'minor', 'beta', '1.1.0-beta.0'],
    ['1.1.0-beta.0', 'minor', 'beta', '1.1.0-beta.1'],
    ['1.1.0-beta.1', 'minor', undefined, '1.1.0'],
  ] as const)('%s, a %s, %s: %s', (from, type, preid, wanted) => {
    expect(nextVersion(from, type, preid)).toBe(wanted);
  });
});

describe('the graph', () => {
  const units = member('units');
  const money = member('money', { dependencies: { '@acme/units': '^1.0.0' } });
  const invoice = member('invoice', { peerDependencies: { '@acme/money': '^1.0.0' } });
  const tests = member('tests', { devDependencies: { '@acme/units': '^1.0.0' } });
  const loose = member('loose', { dependencies: { '@acme/units': '*' } });

  it('puts dependencies first', () => {
    const ordered = inGraphOrder([invoice, money, tests, units]).map(({ project }) => project);
    expect(ordered).toEqual(['units', 'money', 'invoice', 'tests']);
  });

  it('ends with a circle in it', () => {
    const circle = member('units', { dependencies: { '@acme/money': '^1.0.0' } });
    expect(inGraphOrder([circle, money])).toHaveLength(2);
  });

  it('releases whose shipped ranges move, all the way, and nobody else', () => {
    const all = withDependents([units, money, invoice, tests, loose], [bump('units', '1.1.0')]);
    expect(all.map(({ project, to }) => `${project} ${to}`)).toEqual([
      'units 1.1.0',
      'money 1.0.1',
      'invoice 1.0.1',
    ]);
    expect(all[1]?.notes).toContain('- @acme/units 1.1.0');
  });
});

describe('withSection', () => {
  const add = (before: string) =>
    withSection(before, { name: '@acme/units', to: '1.1.0', notes: '- new\n' }, '2026-01-02');
  it('begins a changelog', () => {
    expect(add('')).toBe('# @acme/units\n\n## 1.1.0 (2026-01-02)\n\n- new\n');
  });
  it.each(['## 1.0.0 (2025-01-01)', '# [1.0.0](https://example.com) (2025-01-01)', '## v1.0.0'])(
    'puts the newest on top of %s, whichever tool wrote it',
    (heading) => {
      const before = `# Changelog\n\nAll that changed.\n\n${heading}\n\n- old\n`;
      expect(add(before)).toBe(
        `# Changelog\n\nAll that changed.\n\n## 1.1.0 (2026-01-02)\n\n- new\n\n${heading}\n\n- old\n`,
      );
    },
  );
  it('keeps text without a version, and a section that is there', () => {
    expect(add('Notes of old\n')).toBe('Notes of old\n\n## 1.1.0 (2026-01-02)\n\n- new\n');
    expect(add('## 1.1.0\n\n- mine\n')).toBe('## 1.1.0\n\n- mine\n');
    expect(add('## 1.1.0-beta.0\n\n- before\n')).toContain('- new');
  });
});

describe('npmLock', () => {
  it("changes the workspace's own packages, and keeps everything else and the form", () => {
    const packages = {
      'libs/money': {
        name: '@acme/money',
        version: '1.0.0',
        dependencies: { '@acme/units': '^1.0.0', semver: '^7.0.0' },
      },
      'node_modules/semver': { version: '7.0.0', integrity: 'sha512-x' },
    };
    const text = `${JSON.stringify({ lockfileVersion: 3, packages }, undefined, '\t')}\n`;
    const manifest = { version: '1.0.1', dependencies: { '@acme/units': '^1.1.0', semver: '^7.0.0' } };
    expect(npmLock(text, new Map([['libs/money', manifest]]))).toBe(
      text.replace('"version": "1.0.0"', '"version": "1.0.1"').replace('^1.0.0', '^1.1.0'),
    );
    expect(npmLock(text, new Map([['libs/other', manifest]]))).toBe(text);
  });
});

describe('untitled', () => {
  it.each([
    ['## 1.1.0 (2026-01-02)\n\n### Features\n\n- a', '### Features\n\n- a\n'],
    ['### Features\n\n- a', '### Features\n\n- a'],
  ])('%j', (notes, wanted) => {
    expect(untitled(notes, '1.1.0')).toBe(wanted);
  });
});

describe('conventional commits', () => {
  const commit = (message: string) => ({ hash: 'a'.repeat(40), message });
  it.each([
    [['feat: a', 'fix: b'], 'minor'],
    [['fix(x): a', 'docs: b'], 'patch'],
    [['feat!: a'], 'major'],
    [['fix: a\n\nBREAKING CHANGE: all of it'], 'major'],
    [['chore: a', 'whatever this is', 'Merge branch x'], undefined],
    [[], undefined],
  ])('%j: %s', (messages, wanted) => {
    expect(recommended(messages.map(commit))).toBe(wanted);
  });
  it('are told by kind', () => {
    expect(notesFor(['fix(x): b', 'feat!: a', 'docs: c'].map(commit))).toBe(
      '### Breaking changes\n\n- a (aaaaaaa)\n\n### Features\n\n- a (aaaaaaa)\n\n### Fixes\n\n- **x:** b (aaaaaaa)\n',
    );
  });
});

describe('what a gate asks for', () => {
  it('is said in words', () => {
    expect(conditionsOf(undefined)).toEqual([]);
    expect(conditionsOf({ approvals: 1, soak: '24h', environment: 'Production' })).toEqual([
      'the environment Production',
      '1 approval',
      '24h in the stage before',
    ]);
    expect(conditionsOf({ approvals: { count: 2 }, freeze: [{}], verified: 'install' })).toEqual([
      '2 approvals',
      'no freeze',
      'verification (install) of the stage before',
    ]);
  });
});

describe("semantic-release's notes", () => {
  it.each([
    ['file:///srv/git/store.git', { linkCompare: false, linkReferences: false }],
    ['https://github.com/acme/store.git', {}],
    ['git@github.com:acme/store.git', {}],
  ])('link to the pages of %s, where it has any', (url, options) => {
    expect(linksTo(url)).toEqual(options);
  });
});

describe("semantic-release's configuration", () => {
  it('gives the options of those who decide over versions, and of nobody else', () => {
    const plugins: (string | [string, object])[] = [
      ['@sluice/nx/semantic-release', { preset: 'conventionalcommits' }],
      ['@semantic-release/github', { assets: ['x'] }],
      '@semantic-release/commit-analyzer',
    ];
    expect(analysisOptions({ plugins })).toEqual({ preset: 'conventionalcommits' });
  });
});

describe('missingModule', () => {
  it('names the package that is not installed', async () => {
    const error = await import('nobody-has-this' as string).catch((thrown: unknown) => thrown);
    expect(missingModule(error)).toBe('nobody-has-this');
    expect(missingModule(new Error("package 'x'"))).toBeUndefined();
  });
});
