import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { readJson, readNxJson, updateNxJson, writeJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { PLUGIN, registeredOptions } from '../nx-json.ts';
import { withStage } from './change.ts';
import stage from './generator.ts';
import { knowsLedger, renamedPlaces } from './rename.ts';

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

  it('moves a stage before another, and does not take two places', () => {
    const moved = withStage(OPTIONS, { name: 'public', before: 'github' });
    expect(packageStages(moved).map((one) => (one as { name: string }).name)).toEqual(['public', 'github']);
    const both = { name: 'test', after: 'github', before: 'public' };
    expect(() => withStage(OPTIONS, both)).toThrow(expect.objectContaining({ code: 'STAGE_PLACE_TWICE' }));
  });

  it('finds the pipeline of a stage by its name', () => {
    const options = { ...OPTIONS, services: { images: 'x.example.com/y', stages: [{ name: 'staging' }] } };
    const changed = withStage(options, { name: 'staging', soak: '1h' });
    expect(changed['packages']).toEqual(OPTIONS.packages);
    expect(changed['services']).toMatchObject({ stages: [{ name: 'staging', gate: { soak: '1h' } }] });
  });

  it('says who may approve, and keeps how many', () => {
    const gate = (options: Record<string, unknown>) => (packageStages(options)[1] as { gate: unknown }).gate;
    expect(gate(withStage(OPTIONS, { name: 'public', approvers: ['eve'] }))).toMatchObject({
      approvals: { count: 1, from: ['eve'] },
    });
    const plain = { packages: { stages: [{ name: 'a' }, { name: 'b', gate: { approvals: 2 } }] } };
    expect(gate(withStage(plain, { name: 'b', approvers: ['eve'], verified: 'install' }))).toEqual({
      approvals: { count: 2, from: ['eve'] },
      verified: 'install',
    });
  });

  it('asks for reviewers and a wait in the environment of the stage', () => {
    const asked = { name: 'public', environment: 'Production', reviewers: ['ada', 'acme/ops'], wait: '10m' };
    const once = withStage(OPTIONS, asked);
    expect(once['github']).toEqual({
      environments: { Production: { reviewers: ['ada', 'acme/ops'], wait: '10m' } },
    });
    expect(withStage(once, { name: 'public', wait: '5m' })['github']).toEqual({
      environments: { Production: { reviewers: ['ada', 'acme/ops'], wait: '5m' } },
    });
    expect(() => withStage(OPTIONS, { name: 'github', wait: '5m' })).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_MISSING' }),
    );
  });

  it('renames a stage wherever the options speak of it', () => {
    const notifications = [{ webhookEnv: 'A', stages: ['github', 'public'] }, { webhookEnv: 'B' }];
    const renamed = withStage({ ...OPTIONS, notifications }, { name: 'public', rename: 'world' });
    expect(packageStages(renamed)[1]).toEqual({ ...OPTIONS.packages.stages[1], name: 'world' });
    expect(renamed['notifications']).toEqual([
      { webhookEnv: 'A', stages: ['github', 'world'] },
      { webhookEnv: 'B' },
    ]);
    expect(() => withStage(OPTIONS, { name: 'nothing', rename: 'world' })).toThrow(/STAGE_UNKNOWN|no stage/);
    expect(() => withStage(OPTIONS, { name: 'public', rename: 'github' })).toThrow(
      expect.objectContaining({ code: 'STAGE_TAKEN' }),
    );
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
    [{ name: 'Test' }, /OPTIONS_REFUSED: .*\n.*packages\.stages\[2\]\.name/],
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

  describe('with services and workflows', () => {
    const around = { hasLedger: async () => false };
    const workflow = () => tree.read('.github/workflows/deploy.yml', 'utf8') ?? '';
    const service = { images: { api: {} }, stages: { staging: { environment: { A: '1' } }, live: {} } };
    beforeEach(async () => {
      writeJson(tree, 'package.json', { name: 'acme', workspaces: ['apps/*'] });
      writeJson(tree, 'apps/api/package.json', { name: 'api', private: true });
      writeJson(tree, 'apps/api/sluice.json', service);
      const stages = [{ name: 'staging', hosts: ['deploy@a.example.com'] }, { name: 'live' }];
      const services = { images: 'ghcr.io/acme', stages };
      updateNxJson(tree, {
        plugins: [{ plugin: PLUGIN, options: { ...OPTIONS, services, workflows: true } }],
      });
      await stage(tree, { name: 'live', hosts: ['deploy@b.example.com'] }, around);
    });

    it('renames it in nx.json, in sluice.json, in the workflows, and in what people wrote there', async () => {
      expect(workflow()).toContain('\n  deploy-staging:\n');
      const part = '      # sluice:yours deploy-staging/after\n      - run: echo mine\n      # sluice:end\n';
      tree.write('.github/workflows/deploy.yml', `${workflow()}${part}`);
      await stage(tree, { name: 'staging', rename: 'pre-live' }, around);
      expect(readJson(tree, 'apps/api/sluice.json').stages).toEqual({
        'pre-live': { environment: { A: '1' } },
        live: {},
      });
      expect(workflow()).toContain('\n  deploy-pre-live:\n');
      expect(workflow()).toContain('# sluice:yours deploy-pre-live/after');
      expect(workflow()).not.toContain('staging');
    });

    it('renames nothing where there is a ledger, unless it is forced', async () => {
      const changes = () => tree.listChanges().map(({ path, content }) => [path, content?.toString()]);
      const before = changes();
      const used = { hasLedger: async (branch: string) => branch === 'sluice/ledger' };
      const rename = { name: 'staging', rename: 'pre-live' };
      await expect(stage(tree, rename, used)).rejects.toMatchObject({ code: 'STAGE_IN_USE' });
      expect(changes()).toEqual(before);
      await stage(tree, { ...rename, force: true }, used);
      expect(workflow()).toContain('deploy-pre-live');
    });

    it('adds a job for a new stage, and does nothing when it runs again', async () => {
      const add = {
        name: 'canary',
        pipeline: 'services' as const,
        after: 'staging',
        hosts: ['deploy@c.example.com'],
      };
      await stage(tree, add, around);
      expect(workflow()).toContain('\n  deploy-canary:\n');
      const once = workflow();
      await stage(tree, add, around);
      expect(workflow()).toBe(once);
    });
  });
});

describe('renamedPlaces', () => {
  it.each([
    ['# sluice:yours deploy-test/after', '# sluice:yours deploy-qa/after'],
    ['  # sluice:yours request-test-approval/before', '  # sluice:yours request-qa-approval/before'],
    ['# sluice:yours deploy-test-eu/after', '# sluice:yours deploy-qa-eu/after'],
    ['# sluice:yours deploy-latest/after', '# sluice:yours deploy-latest/after'],
    ['run: deploy-test', 'run: deploy-test'],
  ])('%j becomes %j', (before, after) => {
    expect(renamedPlaces(before, 'test', 'qa')).toBe(after);
  });
});

describe('knowsLedger', () => {
  it('is true where a branch of the ledger is known, here or on the remote', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-stage-'));
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args], { cwd: folder });
    try {
      expect(await knowsLedger(folder, 'sluice/ledger')).toBe(false);
      git('init', '-q');
      git('commit', '-q', '--allow-empty', '-m', 'one');
      expect(await knowsLedger(folder, 'sluice/ledger')).toBe(false);
      git('update-ref', 'refs/remotes/origin/sluice/ledger', 'HEAD');
      expect(await knowsLedger(folder, 'sluice/ledger')).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
