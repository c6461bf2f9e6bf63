import type { Tree } from '@nx/devkit';
import { readNxJson, updateNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { PLUGIN, registeredOptions } from '../nx-json.ts';
import { withStage } from './change.ts';
import stage from './generator.ts';

const OPTIONS = {
  packages: {
    stages: [
      { name: 'github', registry: 'https://npm.pkg.github.com' },
      { name: 'public', gate: { approvals: { count: 1, from: ['ada', 'bob'] }, soak: '24h' } },
    ],
  },
  approvers: 'people',
};
const packageStages = (options: Record<string, unknown>) =>
  (options['packages'] as { stages: unknown[] }).stages;

describe('withStage', () => {
  it('adds a stage at the end, or after another', () => {
    const names = (options: Record<string, unknown>) =>
      packageStages(options).map((one) => (one as { name: string }).name);
    expect(names(withStage(OPTIONS, { name: 'test' }))).toEqual(['github', 'public', 'test']);
    expect(names(withStage(OPTIONS, { name: 'test', after: 'github' }))).toEqual([
      'github',
      'test',
      'public',
    ]);
    expect(names(withStage(OPTIONS, { name: 'github', after: 'public' }))).toEqual(['public', 'github']);
  });

  it('changes only what is named, of a stage that stays where it is', () => {
    const changed = withStage(OPTIONS, {
      name: 'public',
      gateApprovals: 2,
      environment: 'Production',
      verify: 'install',
    });
    expect(changed['approvers']).toBe('people');
    expect(packageStages(changed)).toEqual([
      OPTIONS.packages.stages[0],
      {
        name: 'public',
        verify: 'install',
        gate: { approvals: { count: 2, from: ['ada', 'bob'] }, soak: '24h', environment: 'Production' },
      },
    ]);
  });

  it('takes the condition away with 0 approvals, and the gate with its last condition', () => {
    expect(packageStages(withStage(OPTIONS, { name: 'public', gateApprovals: 0 }))[1]).toEqual({
      name: 'public',
      gate: { soak: '24h' },
    });
    const one = { packages: { stages: [{ name: 'a' }, { name: 'b', gate: { approvals: 1 } }] } };
    expect(packageStages(withStage(one, { name: 'b', gateApprovals: 0 }))[1]).toEqual({ name: 'b' });
  });

  it('begins the pipeline of services', () => {
    const options = withStage(OPTIONS, {
      name: 'staging',
      pipeline: 'services',
      hosts: ['deploy@staging.example.com'],
    });
    expect(options['services']).toEqual({
      stages: [{ name: 'staging', hosts: ['deploy@staging.example.com'] }],
    });
  });
});

describe('the generator', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
    updateNxJson(tree, { plugins: ['@nx/x', { plugin: PLUGIN, options: OPTIONS, exclude: ['old/*'] }] });
  });

  it('writes nx.json, and nothing of it but the stage', async () => {
    await stage(tree, {
      name: 'test',
      after: 'github',
      registry: 'https://npm.test.example.com',
      soak: '1h',
    });
    expect(readNxJson(tree)?.plugins).toEqual([
      '@nx/x',
      {
        plugin: PLUGIN,
        exclude: ['old/*'],
        options: {
          ...OPTIONS,
          packages: {
            stages: [
              OPTIONS.packages.stages[0],
              { name: 'test', registry: 'https://npm.test.example.com', gate: { soak: '1h' } },
              OPTIONS.packages.stages[1],
            ],
          },
        },
      },
    ]);
  });

  it.each([
    [{ name: 'Test' }, /CONFIG_INVALID: .*\n.*packages\.stages\[2\]\.name/],
    [{ name: 'test', registry: 'nowhere' }, /packages\.stages\[2\]\.registry: must be a URL/],
    [{ name: 'github', gateApprovals: 1 }, /packages\.stages\[0\]\.gate: the first stage/],
    [{ name: 'test', after: 'nothing' }, /STAGE_UNKNOWN: there is no stage "nothing"/],
  ])('refuses %j and leaves nx.json alone', async (schema, message) => {
    await expect(stage(tree, schema)).rejects.toThrow(message);
    expect(registeredOptions(readNxJson(tree) ?? {})).toEqual(OPTIONS);
  });

  it('says what to do where the plugin is not registered', async () => {
    updateNxJson(tree, {});
    await expect(stage(tree, { name: 'test' })).rejects.toThrow(
      /PLUGIN_NOT_REGISTERED[^]*nx add @sluice\/nx/,
    );
  });
});
