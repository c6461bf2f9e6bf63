import type { Tree } from '@nx/devkit';
import { addProjectConfiguration, readNxJson, updateNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PLUGIN, registeredOptions, withOptions } from '../nx-json.ts';
import stage from '../stage/generator.ts';
import sync from './generator.ts';

const OPTIONS = {
  packages: { stages: [{ name: 'inner', registry: 'https://npm.example.com' }, { name: 'public' }] },
  services: { images: 'ghcr.io/acme', stages: [{ name: 'staging', hosts: ['a'] }] },
  workflows: true,
};
const RELEASE = '.github/workflows/release.yml';
let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options: OPTIONS }] });
});

const set = (change: object) => {
  const nxJson = readNxJson(tree) ?? {};
  updateNxJson(tree, withOptions(nxJson, { ...registeredOptions(nxJson), ...change }));
};
const text = (file: string) => tree.read(file, 'utf8') ?? '';
const jobs = (file: string) =>
  Object.keys(parse(text(file)).jobs).filter((id) => !id.startsWith('announce-'));

describe('the sync generator', () => {
  it('writes all workflows, and the same ones again', async () => {
    await sync(tree);
    const written = tree.children('.github/workflows').toSorted();
    expect(written).toEqual([
      'approve.yml',
      'ci.yml',
      'deploy.yml',
      'drift.yml',
      'release.yml',
      'rollback.yml',
    ]);
    const before = written.map((file) => text(`.github/workflows/${file}`));
    await sync(tree);
    expect(written.map((file) => text(`.github/workflows/${file}`))).toEqual(before);
  });

  it('adds the job of a stage that was added, and keeps what is hand-made', async () => {
    await sync(tree);
    expect(jobs(RELEASE)).toEqual(['release', 'promote-public']);
    tree.write(
      RELEASE,
      `${text(RELEASE)}\n  # sluice:yours jobs\n  mine:\n    uses: ./mine.yml\n  # sluice:end\n`,
    );
    await stage(tree, { name: 'test', after: 'inner', registry: 'https://test.example.com' });
    await sync(tree);
    expect(jobs(RELEASE)).toEqual(['release', 'promote-test', 'promote-public', 'mine']);
    expect(parse(text(RELEASE)).jobs['promote-public'].needs).toEqual(['release', 'promote-test']);
  });

  it('hands the secrets of the services to their deployment', async () => {
    addProjectConfiguration(tree, 'api', { root: 'apps/api' });
    tree.write('apps/api/sluice.json', '{ "secrets": ["DATABASE_PASSWORD", "$(id)", 7] }');
    addProjectConfiguration(tree, 'web', { root: 'apps/web' });
    tree.write('apps/web/sluice.json', 'not json');
    await sync(tree);
    const { steps } = parse(text('.github/workflows/deploy.yml')).jobs['deploy-staging'];
    const { env } = steps.find((step: any) => step.name === 'Deploy');
    expect(env['DATABASE_PASSWORD']).toBe('${{ secrets.DATABASE_PASSWORD }}');
    expect(text('.github/workflows/deploy.yml')).not.toContain('$(id)');
  });

  it('deletes a workflow that nothing asks for any more', async () => {
    await sync(tree);
    const { services: _, ...packages } = OPTIONS;
    updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options: packages }] });
    await sync(tree);
    expect(tree.exists('.github/workflows/deploy.yml')).toBe(false);
    expect(tree.exists(RELEASE)).toBe(true);
  });

  it('never replaces a file of somebody else, and leaves alone what has another name', async () => {
    tree.write(RELEASE, 'name: Theirs\n');
    tree.write('.github/workflows/own.yml', 'name: Own\n');
    await expect(sync(tree)).rejects.toThrow(/WORKFLOW_TAKEN: \.github\/workflows\/release\.yml/);
    expect(text(RELEASE)).toBe('name: Theirs\n');
    tree.delete(RELEASE);
    await sync(tree);
    expect(text('.github/workflows/own.yml')).toBe('name: Own\n');
  });

  it('does nothing where the workflows are not turned on, or the plugin is not registered', async () => {
    set({ workflows: false });
    await sync(tree);
    updateNxJson(tree, {});
    await sync(tree);
    expect(tree.exists('.github')).toBe(false);
  });

  it('says what is wrong in nx.json', async () => {
    set({ workflows: { drift: '$(id)' } });
    await expect(sync(tree)).rejects.toThrow(
      /CONFIG_INVALID[^]*workflows\.drift: must be five fields of cron/,
    );
  });
});
