import { describe, expect, it } from 'vitest';
import { binaries, missingEntries } from './entries.ts';

describe('missingEntries', () => {
  const packed = new Set(['package.json', 'dist/index.js', 'dist/index.d.ts', 'dist/a/one.js', 'bin/x.js']);
  const missing = (fields: object) =>
    missingEntries({ name: '@acme/x', version: '1.0.0', ...fields }, packed);

  it.each([
    {},
    { exports: './dist/index.js' },
    {
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './a/*': './dist/a/*.js',
        './no': null,
      },
    },
    { exports: { './package.json': './package.json', './a/': './dist/a/' } },
    { main: 'dist', types: './dist/index.d.ts' },
    { main: 'dist/index' },
    { bin: './bin/x.js' },
    { bin: { x: 'bin/x.js' } },
  ])('finds nothing in %j', (fields) => expect(missing(fields)).toEqual([]));

  it.each([
    [{ exports: './dist/gone.js' }, 'exports -> ./dist/gone.js'],
    [
      { exports: { '.': { import: { types: './dist/gone.d.ts' } } } },
      'exports["."]["import"]["types"] -> ./dist/gone.d.ts',
    ],
    [{ exports: { './b/*': './dist/b/*.js' } }, 'exports["./b/*"] -> ./dist/b/*.js'],
    [{ exports: { '.': 'dist/index.js' } }, 'exports["."] -> dist/index.js'],
    [{ exports: { '.': './dist/index' } }, 'exports["."] -> ./dist/index'],
    [{ main: 'lib/index.js' }, 'main -> lib/index.js'],
    [{ types: './dist/gone.d.ts' }, 'types -> ./dist/gone.d.ts'],
    [{ bin: { x: './bin/y.js' } }, 'bin["x"] -> bin/y.js'],
  ])('names what is missing in %j', (fields, entry) => expect(missing(fields)).toEqual([entry]));

  it('reads bin as npm does', () => {
    expect(binaries({ name: '@acme/x', version: '1.0.0', bin: './bin/x.js' })).toEqual({ x: 'bin/x.js' });
  });
});
