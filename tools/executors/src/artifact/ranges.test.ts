import { describe, expect, it } from 'vitest';
import { resolveDevRange, resolveRange } from './ranges.ts';
import type { Sibling } from './ranges.ts';

const siblings = new Map<string, Sibling>([
  ['@acme/units', { version: '1.2.3', root: 'libs/units' }],
  ['@acme/next', { version: '2.0.0-beta.1', root: 'libs/next' }],
  ['@acme/secret', { version: '1.0.0', root: 'libs/secret', private: true }],
  ['@acme/unversioned', { root: 'libs/unversioned' }],
]);

describe('resolveRange', () => {
  it.each([
    ['workspace:*', '1.2.3'],
    ['workspace:^', '^1.2.3'],
    ['workspace:~', '~1.2.3'],
    ['workspace:^1.2.0', '^1.2.0'],
    ['workspace:1.2.3', '1.2.3'],
    ['workspace:../units', '1.2.3'],
    ['*', '^1.2.3'],
    ['', '^1.2.3'],
    ['file:../units', '^1.2.3'],
    ['link:../units', '^1.2.3'],
    ['../units', '^1.2.3'],
    ['^1.0.0', '^1.0.0'],
    ['>=1 <3', '>=1 <3'],
    ['1.x || 2.x', '1.x || 2.x'],
  ])('%j becomes %j', (spec, range) => {
    expect(resolveRange('@acme/money', '@acme/units', spec, siblings)).toEqual({
      spec: range,
      sibling: { name: '@acme/units', version: '1.2.3', range },
    });
  });

  it.each([
    ['workspace:@acme/units@*', 'npm:@acme/units@1.2.3'],
    ['workspace:@acme/units@^', 'npm:@acme/units@^1.2.3'],
    ['npm:@acme/units@^1.0.0', 'npm:@acme/units@^1.0.0'],
    ['file:../units', 'npm:@acme/units@^1.2.3'],
  ])('an alias %j becomes %j', (spec, published) => {
    const resolved = resolveRange('@acme/money', 'measures', spec, siblings);
    expect(resolved.spec).toBe(published);
    expect(resolved.sibling).toMatchObject({ name: '@acme/units', version: '1.2.3' });
  });

  it('follows a prerelease', () => {
    expect(resolveRange('a', '@acme/next', '*', siblings).spec).toBe('^2.0.0-beta.1');
    expect(() => resolveRange('a', '@acme/next', '^2.0.0', siblings)).toThrow('2.0.0-beta.1');
  });

  it.each(['^4.0.0', 'github:sindresorhus/semver', 'https://example.com/s.tgz', 'npm:other@1', 'latest'])(
    'leaves what is not of this workspace: %j',
    (spec) => expect(resolveRange('a', 'semver', spec, siblings)).toEqual({ spec }),
  );

  it("leaves an address outside, also under a sibling's name", () => {
    const spec = 'git+ssh://git@example.com/units.git';
    expect(resolveRange('a', '@acme/units', spec, siblings)).toEqual({ spec });
  });

  it.each(['^2.0.0', 'workspace:^2.0.0', '0.1.0', 'latest', 'npm:@acme/units@^9'])(
    'SIBLING_RANGE_UNSATISFIED for %j',
    (range) =>
      expect(() => resolveRange('@acme/money', '@acme/units', range, siblings)).toThrow(
        expect.objectContaining({
          code: 'SIBLING_RANGE_UNSATISFIED',
          message: expect.stringContaining('1.2.3'),
        }),
      ),
  );

  it.each(['file:../gone', 'workspace:*', 'link:../gone', '../gone', './gone'])(
    'DEPENDENCY_LOCAL for %j',
    (spec) =>
      expect(() => resolveRange('@acme/money', 'gone', spec, siblings)).toThrow(
        expect.objectContaining({ code: 'DEPENDENCY_LOCAL' }),
      ),
  );

  it.each(['@acme/secret', '@acme/unversioned'])('DEPENDENCY_UNPUBLISHED for %s', (name) =>
    expect(() => resolveRange('@acme/money', name, '*', siblings)).toThrow(
      expect.objectContaining({ code: 'DEPENDENCY_UNPUBLISHED' }),
    ),
  );

  it('forgives all of these in development dependencies, which nobody installs', () => {
    expect(resolveDevRange('a', '@acme/secret', '*', siblings).spec).toBe('*');
    expect(resolveDevRange('a', '@acme/units', '^9.0.0', siblings).spec).toBe('^9.0.0');
    expect(resolveDevRange('a', '@acme/units', 'workspace:^', siblings).spec).toBe('^1.2.3');
  });
});
