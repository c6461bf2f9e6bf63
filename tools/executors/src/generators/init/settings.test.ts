import type { NxJsonConfiguration } from '@nx/devkit';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../pipeline/index.ts';
import { registeredOptions } from '../nx-json.ts';
import { ignoring } from './files.ts';
import { initialised, initialOptions, promisedTargets } from './settings.ts';

const NOTHING = { packageTargets: new Set<string>(), rootTargets: new Set<string>() };
const stageNames = (options: Record<string, unknown>) =>
  parseOptions(options).packages.stages.map((stage) => stage.name);

describe('initialOptions', () => {
  it.each([
    [{}, ['public']],
    [{ remote: 'github.com/acme/store' }, ['github', 'public']],
    [{ remote: 'git.example.com/acme/store' }, ['public']],
    [
      { remote: 'github.com/acme/store', testRegistry: 'https://npm.test.example.com' },
      ['github', 'test', 'public'],
    ],
  ])('%j gives the stages %j', (found, expected) => {
    expect(stageNames(initialOptions({ ...NOTHING, ...found }))).toEqual(expected);
  });

  it('asks for an approval before the public stage, where it is not the first', () => {
    const gate = (remote?: string) =>
      parseOptions(initialOptions({ ...NOTHING, remote })).packages.stages.at(-1)?.gate;
    expect(gate('github.com/acme/store')).toEqual({ approvals: 1 });
    expect(gate()).toBeUndefined();
  });

  it("gives other names to targets that would be hidden by the workspace's own", () => {
    const options = initialOptions({
      packageTargets: new Set(['build', 'test']),
      rootTargets: new Set(['verify']),
    });
    expect(parseOptions(options).targets).toMatchObject({
      build: 'artifact',
      promote: 'promote',
      verify: 'sluice-verify',
    });
  });
});

describe('initialised', () => {
  it('makes our publish step that of nx release, and lets Nx make no tag', () => {
    const nxJson = initialised({}, NOTHING);
    expect(nxJson.targetDefaults).toEqual({
      'nx-release-publish': { executor: '@sluice/nx:publish-registry' },
    });
    expect(nxJson.release?.git).toEqual({ commit: true, tag: false });
  });

  it('changes nothing when it runs again', () => {
    const once = initialised({}, NOTHING);
    expect(initialised(once, { ...NOTHING, remote: 'github.com/acme/store' })).toEqual(once);
  });

  it('leaves options, release settings and publish step of the workspace alone', () => {
    const options = { packages: { stages: [{ name: 'only' }] } };
    const mine: NxJsonConfiguration = {
      plugins: ['@nx/vite/plugin', { plugin: '@sluice/nx', options }],
      targetDefaults: { 'nx-release-publish': { executor: 'mine:publish' } },
      release: { projects: ['*'] },
    };
    expect(initialised(mine, NOTHING)).toEqual(mine);
  });

  it('sees the targets that other plugins will infer for projects to come', () => {
    const typescript = { plugin: '@nx/js/typescript', options: { build: { targetName: 'build' } } };
    const nxJson = initialised({ plugins: [typescript] }, NOTHING);
    expect(registeredOptions(nxJson)?.['targets']).toEqual({ build: 'artifact' });
    expect(
      promisedTargets({ plugins: [{ plugin: '@nx/vite/plugin', options: { buildTargetName: 'bundle' } }] }),
    ).toEqual(new Set(['bundle']));
  });
});

describe('ignoring', () => {
  it.each([
    ['', '.sluice/local/\n'],
    ['dist', 'dist\n.sluice/local/\n'],
    ['dist\n', 'dist\n.sluice/local/\n'],
    ['/.sluice/local\n', '/.sluice/local\n'],
    ['a\r\n.sluice/local/\r\n', 'a\r\n.sluice/local/\r\n'],
  ])('%j becomes %j', (before, after) => {
    expect(ignoring(before, '.sluice/local/')).toBe(after);
  });
});
