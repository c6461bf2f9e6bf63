import { describe, expect, it } from 'vitest';
import { inferredStages, type Evidence } from './evidence.ts';

const isDefault = (address: string) => address === 'https://default.example.com';
const stages = (evidence: Partial<Evidence>) =>
  inferredStages({ packages: [{ name: '@acme/a' }], ...evidence }, isDefault);

describe('inferredStages', () => {
  it('says nothing where nothing is said', () => {
    expect(stages({})).toEqual([]);
    expect(
      stages({ npmrc: '# registry=https://x.example.com\n;@acme:registry=y\nloglevel=error\n' }),
    ).toEqual([]);
    expect(stages({ yarnrc: '{ broken' })).toEqual([]);
  });

  it('finds the registry of a scope, and the variable of its token, never a token', () => {
    const npmrc =
      '@acme:registry=https://npm.test.example.com/\n//npm.test.example.com/:_authToken=${TEST_TOKEN}\n@else:registry=https://x.example.com\n';
    expect(stages({ npmrc })).toEqual([
      { name: 'test', registry: 'https://npm.test.example.com', tokenEnv: 'TEST_TOKEN' },
    ]);
    const secret = stages({ npmrc: npmrc.replace('${TEST_TOKEN}', 'npm_abc') });
    expect(secret).toEqual([{ name: 'test', registry: 'https://npm.test.example.com' }]);
  });

  it('puts GitHub first and the default registry last', () => {
    const packages = [
      { name: '@acme/a', publishConfig: { registry: 'https://default.example.com/', access: 'public' } },
      { name: '@acme/b', publishConfig: { registry: 'https://npm.pkg.github.com' } },
      { name: '@acme/c', publishConfig: { '@acme:registry': 'https://registry.qa.example.com/npm/' } },
    ];
    expect(stages({ packages })).toEqual([
      { name: 'github', registry: 'https://npm.pkg.github.com', tokenEnv: 'GITHUB_TOKEN' },
      { name: 'qa', registry: 'https://registry.qa.example.com/npm' },
      { name: 'public', access: 'public' },
    ]);
  });

  it('numbers registries that would have one name', () => {
    const packages = ['http://127.0.0.1:4873', 'http://localhost:4874/'].map((registry) => ({
      name: 'a',
      publishConfig: { registry },
    }));
    expect(stages({ packages }).map(({ name }) => name)).toEqual(['registry', 'registry-2']);
  });

  it('takes a registry for everything for the place to publish to only where no other is named', () => {
    const npmrc = 'registry=https://mirror.example.com/\n';
    expect(stages({ npmrc })).toEqual([{ name: 'mirror', registry: 'https://mirror.example.com' }]);
    const packages = [{ name: 'a', publishConfig: { registry: 'https://default.example.com' } }];
    expect(stages({ npmrc, packages })).toEqual([{ name: 'public' }]);
  });

  it('reads what yarn has instead', () => {
    const yarnrc =
      'npmScopes:\n  acme:\n    npmPublishRegistry: "https://npm.acme.example.com"\n    npmAuthToken: "${ACME_TOKEN:-}"\n';
    expect(stages({ yarnrc })).toEqual([
      { name: 'acme', registry: 'https://npm.acme.example.com', tokenEnv: 'ACME_TOKEN' },
    ]);
  });
});
