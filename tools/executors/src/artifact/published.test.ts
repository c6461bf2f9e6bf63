import { describe, expect, it } from 'vitest';
import { publishedManifest, withoutSources } from './published.ts';
import type { Sibling } from './ranges.ts';

const siblings = new Map<string, Sibling>([
  ['@acme/units', { version: '1.2.3', root: 'libs/units' }],
  ['@acme/next', { version: '2.0.0-beta.1', root: 'libs/next' }],
  ['@acme/secret', { version: '1.0.0', root: 'libs/secret', private: true }],
  ['@acme/unversioned', { root: 'libs/unversioned' }],
]);

describe('publishedManifest', () => {
  it('rewrites every field, and counts only what users install', () => {
    const source = {
      name: '@acme/money',
      version: '1.0.0',
      nx: { name: 'money' },
      dependencies: { semver: '^7.0.0', '@acme/units': 'workspace:~' },
      peerDependencies: { '@acme/next': 'workspace:^' },
      devDependencies: { '@acme/units': '*', '@acme/secret': '*' },
    };
    const before = structuredClone(source);
    const { manifest, workspaceDependencies, rewritten } = publishedManifest(source, siblings);
    expect(manifest).toEqual({
      name: '@acme/money',
      version: '1.0.0',
      dependencies: { semver: '^7.0.0', '@acme/units': '~1.2.3' },
      peerDependencies: { '@acme/next': '^2.0.0-beta.1' },
      devDependencies: { '@acme/units': '^1.2.3', '@acme/secret': '*' },
    });
    expect(workspaceDependencies).toEqual({
      '@acme/next': { version: '2.0.0-beta.1', range: '^2.0.0-beta.1' },
      '@acme/units': { version: '1.2.3', range: '~1.2.3' },
    });
    expect(rewritten.map(({ field, name, to }) => `${field} ${name} ${to}`)).toEqual([
      'dependencies @acme/units ~1.2.3',
      'peerDependencies @acme/next ^2.0.0-beta.1',
      'devDependencies @acme/units ^1.2.3',
    ]);
    expect(source).toEqual(before);
  });

  it('applies publishConfig as pnpm does, and keeps what is for the registry', () => {
    const { manifest } = publishedManifest(
      {
        name: 'a',
        version: '1.0.0',
        main: './src/index.ts',
        publishConfig: { access: 'public', main: './dist/index.js', exports: './dist/index.js' },
      },
      siblings,
    );
    expect(manifest).toEqual({
      name: 'a',
      version: '1.0.0',
      main: './dist/index.js',
      exports: './dist/index.js',
      publishConfig: { access: 'public' },
    });
  });
});

describe('withoutSources', () => {
  const packed = new Set(['dist/index.js', 'dist/dev.js', 'src/index.ts', 'dist/index.d.ts']);
  const clean = (exports: unknown) =>
    withoutSources({ name: 'a', version: '1.0.0', exports }, packed).exports;

  it('takes out what leads to sources, at any depth', () => {
    expect(
      clean({
        '.': {
          development: './src/index.ts',
          import: { development: './gone.js', default: './dist/index.js' },
        },
      }),
    ).toEqual({ '.': { import: { default: './dist/index.js' } } });
    expect(clean({ '.': './dist/index.js', './x': { development: './src/x.ts' } })).toEqual({
      '.': './dist/index.js',
    });
    expect(clean([{ development: './src/index.ts' }, './dist/index.js'])).toEqual(['./dist/index.js']);
  });

  it.each(['development', 'source', '@acme/source'])(
    'knows %s, but no condition of a runtime',
    (condition) => {
      const gone = './src/gone.ts';
      expect(clean({ [condition]: gone, default: './dist/index.js' })).toEqual({
        default: './dist/index.js',
      });
      for (const standard of ['node', 'import', 'types', 'types@<5', 'browser']) {
        expect(clean({ [standard]: gone })).toEqual({ [standard]: gone });
      }
    },
  );

  it('leaves a development build that users get, and a closed subpath', () => {
    const exports = {
      '.': {
        development: { types: './dist/index.d.ts', default: './dist/dev.js' },
        default: './dist/index.js',
      },
      './internal': null,
    };
    expect(clean(exports)).toEqual(exports);
  });
});
