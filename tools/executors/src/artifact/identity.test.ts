import { describe, expect, it } from 'vitest';
import { checkIdentity, isTarballOf, tarballName } from './identity.ts';

describe('checkIdentity', () => {
  const check = (manifest: Record<string, unknown>) => () => checkIdentity(manifest, 'libs/x/package.json');

  it.each([
    '',
    'Acme',
    '.hidden',
    '_x',
    'a b',
    '@acme',
    '@acme/',
    '@Acme/x',
    '../x',
    'fs',
    `a${'a'.repeat(214)}`,
    undefined,
    7,
  ])('PACKAGE_NAME_INVALID for %j', (name) =>
    expect(check({ name, version: '1.0.0' })).toThrow(
      expect.objectContaining({
        code: 'PACKAGE_NAME_INVALID',
        message: expect.stringContaining('libs/x/package.json'),
      }),
    ),
  );
  it.each(['1.0', 'v1.0.0', '1.0.0+build.7', '^1.0.0', '', undefined, 1])(
    'VERSION_INVALID for %j',
    (version) =>
      expect(check({ name: 'x', version })).toThrow(expect.objectContaining({ code: 'VERSION_INVALID' })),
  );
  it('PACKAGE_PRIVATE', () => {
    expect(check({ name: 'x', version: '1.0.0', private: true })).toThrow(
      expect.objectContaining({ code: 'PACKAGE_PRIVATE' }),
    );
  });
  it.each([
    { bundleDependencies: ['semver'] },
    { bundledDependencies: ['semver'] },
    { bundleDependencies: true },
  ])('BUNDLED_DEPENDENCIES for %j', (fields) =>
    expect(check({ name: 'x', version: '1.0.0', ...fields })).toThrow(
      expect.objectContaining({ code: 'BUNDLED_DEPENDENCIES' }),
    ),
  );
  it('takes what npm takes', () => {
    expect(check({ name: '@acme/money-2.x', version: '1.0.0-beta.1', bundleDependencies: [] })).not.toThrow();
  });

  it('names tarballs as npm does, and knows its own', () => {
    expect(tarballName('@acme/money', '1.2.0-beta.1')).toBe('acme-money-1.2.0-beta.1.tgz');
    expect(isTarballOf('@acme/money', 'acme-money-1.2.0-beta.1.tgz')).toBe(true);
    expect(isTarballOf('@acme/money', 'acme-money-box-1.0.0.tgz')).toBe(false);
    expect(isTarballOf('@acme/money', 'acme-money-notes.tgz')).toBe(false);
  });
});
