import { describe, expect, it } from 'vitest';
import { isPublishable, workspaceMember } from './projects.ts';
import { pluginSources } from './tool.ts';

describe('workspaceMember', () => {
  it.each([
    [['libs/*'], 'libs/a/package.json', true],
    [['./libs/*/'], 'libs/a/package.json', true],
    [['libs/*'], 'libs/a/b/package.json', false],
    [['libs/**'], 'libs/a/b/package.json', true],
    [['libs/*', '!libs/old'], 'libs/old/package.json', false],
    [['tools/one'], 'tools/one/package.json', true],
    [[], 'libs/a/package.json', false],
  ])('%j has %s: %s', (globs, file, expected) => {
    expect(workspaceMember(globs)(file)).toBe(expected);
  });
});

describe('isPublishable', () => {
  it.each([
    [{ name: 'a', version: '1.0.0' }, true],
    [{ name: 'a', version: '1.0.0', private: false }, true],
    [{ name: 'a', version: '1.0.0', private: true }, false],
    [{ name: 'a' }, false],
    [{ version: '1.0.0' }, false],
  ])('%j: %s', (manifest, expected) => {
    expect(isPublishable(manifest)).toBe(expected);
  });
});

describe('pluginSources', () => {
  it('is the source where the plugin is run from source in this workspace', () => {
    expect(pluginSources('/w', '/w/tools/executors/src/plugin')).toEqual([
      '{workspaceRoot}/tools/executors/src/**/*',
      '!{workspaceRoot}/tools/executors/src/**/*.test.ts',
    ]);
  });
  it.each([
    '/w/node_modules/@sluice/nx/dist/plugin',
    '/w/tools/executors/dist/plugin',
    '/elsewhere/src/plugin',
  ])('is nothing for %s', (here) => {
    expect(pluginSources('/w', here)).toEqual([]);
  });
});
