import { expect, it } from 'vitest';
import type { PackageManifest } from '../artifact/types.ts';
import { entriesOf } from './package-entries.ts';

const of = (fields: Partial<PackageManifest>, hasIndex = false): string[] =>
  entriesOf({ name: '@acme/lib', version: '1.0.0', ...fields }, hasIndex).map(({ entry, check, paths }) =>
    [entry, check, ...paths].join(' '),
  );

it.each<[string, Partial<PackageManifest>, string[]]>([
  ['a string', { exports: './index.js' }, ['. import']],
  [
    'conditions without subpaths',
    { exports: { types: './a.d.ts', import: './a.js', require: './a.cjs' } },
    ['. import'],
  ],
  ['a fallback array', { exports: ['./a.js', './b.js'] }, ['. import']],
  [
    'nested conditions',
    { exports: { '.': { node: { import: './a.mjs' }, default: './b.js' } } },
    ['. import'],
  ],
  ['only for require', { exports: { '.': { types: './a.d.ts', require: './a.cjs' } } }, ['. require']],
  [
    'only types',
    { exports: { '.': './a.js', './types': { types: './t.d.ts' } } },
    ['. import', './types file ./t.d.ts'],
  ],
  ['a declaration file', { exports: { './t': './t.d.ts' } }, ['./t file ./t.d.ts']],
  [
    'JSON and styles',
    { exports: { './package.json': './package.json', './s.css': './s.css' } },
    ['./package.json file ./package.json', './s.css file ./s.css'],
  ],
  ['only for browsers', { exports: { './b': { browser: './b.js' } } }, ['./b file ./b.js']],
  [
    'wildcards and folders are left out',
    { exports: { '.': './a.js', './x/*': './x/*.js', './y/': './y/' } },
    ['. import'],
  ],
  ['closed subpaths are left out', { exports: { '.': './a.js', './internal': null } }, ['. import']],
  ['main', { main: 'dist/index' }, ['. import']],
  ['main that is JSON', { main: 'data.json' }, ['. file data.json']],
  ['types beside main', { main: 'a.js', types: 'a.d.ts' }, ['. import', 'types file a.d.ts']],
  ['a command alone', { bin: './cli.js' }, ['bin:@acme/lib file ./cli.js']],
  [
    'several commands',
    { bin: { a: 'a.js', b: 'b.js' }, exports: {} },
    ['bin:a file a.js', 'bin:b file b.js'],
  ],
  ['nothing at all', {}, []],
])('%s', (_, fields, expected) => {
  expect(of(fields)).toEqual(expected);
});

it('takes index.js where nothing else is said', () => {
  expect(of({}, true)).toEqual(['. import']);
});
