import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../ledger/types.ts';
import { Flow } from './testing/flow.ts';

/** The live profile refuses what the local one lets pass. */
let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start({
    live: true,
    packages: { clean: [], dirty: [], later: [] },
    gates: { test: { verified: 'bytes' } },
  });
  await flow.build();
});
afterAll(() => flow?.close());
let before: string;
const state = async () => JSON.stringify([await flow.world('github'), await flow.world('test')]);
beforeEach(async () => {
  before = await state();
});
/** Every batch at the remote. */
const batches = (): Batch[] => {
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', join(dirname(flow.root), 'remote.git'), ...args], { encoding: 'utf8' });
  if (git('for-each-ref', 'refs/heads/sluice/ledger') === '') return [];
  return git('ls-tree', '-r', '--name-only', 'sluice/ledger', 'records/')
    .split('\n')
    .filter(Boolean)
    .map((path) => JSON.parse(git('show', `sluice/ledger:${path}`)) as Batch);
};

describe('publishing', () => {
  it('is refused from a tree with changes, and tells them', async () => {
    await flow.write({ 'libs/dirty/notes.md': 'not committed' });
    await expect(flow.publish(['dirty'])).rejects.toMatchObject({
      code: 'DIRTY_TREE',
      exit: 2,
      message: expect.stringContaining('libs/dirty/notes.md'),
    });
    expect(await state()).toBe(before);
    expect(batches()).toEqual([]);
  });

  it('from such a tree, when asked for, is recorded as such', async () => {
    const { results } = await flow.publish(['dirty'], { allowDirty: true });
    expect(results).toMatchObject([{ status: 'done' }]);
    flow.git('clean', '--quiet', '--force', 'libs');
    await flow.publish(['clean']);
    const commit = flow.git('rev-parse', 'HEAD');
    const records = batches().flatMap((batch) => batch.records);
    expect(records.map((record) => 'source' in record && [record.project, record.source])).toEqual([
      ['dirty', { commit, dirty: true }],
      ['clean', { commit, dirty: false }],
    ]);
  });

  it('is signed, by the one whom the record names', () => {
    for (const { records, signature } of batches()) {
      expect(signature).toMatchObject({ format: 'sshsig', principal: 'rita@acme.example' });
      expect(records.every((record) => record.by === 'rita@acme.example')).toBe(true);
    }
  });
});

describe('an .npmrc that the default branch does not have', () => {
  it('is refused before any registry is asked: it could send bytes and token elsewhere', async () => {
    const seen = () => [...flow.proxies.values()].reduce((sum, proxy) => sum + proxy.requests.length, 0);
    await flow.write({ '.npmrc': 'registry=http://evil.example.com/\n' });
    const asked = seen();
    await expect(flow.promote('test')).rejects.toMatchObject({ code: 'POLICY_DIFFERS', exit: 2 });
    await expect(flow.publish(['clean'], { allowDirty: true })).rejects.toMatchObject({
      code: 'POLICY_DIFFERS',
    });
    expect(seen()).toBe(asked);
    await rm(join(flow.root, '.npmrc'));
  });
});

describe('the tags of releases', () => {
  const remote = (...args: string[]) =>
    flow.git('--git-dir', join(dirname(flow.root), 'remote.git'), ...args);
  const tags = () => remote('for-each-ref', '--format=%(refname:lstrip=2) %(*objectname)', 'refs/tags');

  it('are at the remote, at the commit that was published; a second run finds them there', async () => {
    for (const _ of ['first', 'second']) {
      const { results } = await flow.publish(['clean', 'dirty'], { gitTag: true });
      expect(results.map(({ success }) => success)).toEqual([true, true]);
      const commit = flow.git('rev-parse', 'HEAD');
      expect(tags()).toBe(`clean@1.0.0 ${commit}\ndirty@1.0.0 ${commit}`);
    }
  });

  it('fail the package whose tag the remote has elsewhere, and no other', async () => {
    flow.git('tag', '--delete', 'clean@1.0.0', 'dirty@1.0.0');
    remote('update-ref', '-d', 'refs/tags/dirty@1.0.0');
    remote('tag', '--force', '-a', '-m', 'forged', 'clean@1.0.0', 'sluice/ledger');
    const { results } = await flow.publish(['clean', 'dirty'], { gitTag: true });
    expect(results.map(({ project, success, error }) => [project, success, error?.code])).toEqual([
      ['clean', false, 'GIT_FAILED'],
      ['dirty', true, undefined],
    ]);
    expect(tags()).toMatch(/^dirty@1\.0\.0 /m);
    remote('update-ref', '-d', 'refs/tags/clean@1.0.0');
  });
});

describe('nothing is moved', () => {
  const without = async (name: string, value: string | undefined, code: string) => {
    const kept = flow.env[name];
    try {
      if (value === undefined) delete flow.env[name];
      else flow.env[name] = value;
      await expect(flow.promote('test')).rejects.toMatchObject({ code });
    } finally {
      if (kept === undefined) delete flow.env[name];
      else flow.env[name] = kept;
    }
    expect(await state()).toBe(before);
  };

  it('without a signature', () => without('SLUICE_SIGNING_KEY', undefined, 'SIGNER_MISSING'));

  it('to where the environment would have a gated stage', () =>
    without('SLUICE_TEST_REGISTRY', 'http://127.0.0.1:9', 'ADDRESS_OVERRIDE_REFUSED'));

  it('without a remote that says which policy counts', async () => {
    flow.git('remote', 'rename', 'origin', 'elsewhere');
    await expect(flow.promote('test')).rejects.toMatchObject({ code: 'POLICY_UNREACHABLE' });
    flow.git('remote', 'rename', 'elsewhere', 'origin');
    expect(await state()).toBe(before);
  });

  it('by a policy that only this work tree has', async () => {
    const nxJson = await readFile(join(flow.root, 'nx.json'), 'utf8');
    const elsewhere = nxJson.replace(flow.proxy('test').url, flow.registries.get('test')!.url);
    await writeFile(join(flow.root, 'nx.json'), elsewhere);
    await expect(flow.promote('test')).rejects.toMatchObject({ code: 'POLICY_DIFFERS' });
    await writeFile(join(flow.root, 'nx.json'), nxJson);
    expect(await state()).toBe(before);
  });

  it('past a gate from a shallow clone, which cannot know who wrote what', async () => {
    flow.git('commit', '--quiet', '--allow-empty', '--message', 'one more');
    const nxJson = JSON.parse(await readFile(join(flow.root, 'nx.json'), 'utf8'));
    nxJson.plugins[0].options.packages.stages[1].gate = { approvals: 1 };
    await writeFile(join(flow.root, 'nx.json'), JSON.stringify(nxJson));
    flow.git('commit', '--quiet', '--all', '--message', 'approvals');
    flow.push();
    const folder = join(flow.root, 'home/shallow');
    flow.git('clone', '--quiet', '--depth=1', `file://${join(dirname(flow.root), 'remote.git')}`, folder);
    const { openContext } = await import('./context.ts');
    const { promote } = await import('./promote.ts');
    const context = await openContext({ workspaceRoot: folder, env: flow.env });
    try {
      const outcome = promote(context, { stage: 'test' });
      await expect(outcome).rejects.toMatchObject({
        code: expect.stringMatching(/^SHALLOW_CLONE$|^GIT_SHALLOW$/),
        exit: 2,
      });
    } finally {
      await context.close();
    }
    expect(await state()).toBe(before);
    expect(await readdir(folder)).toContain('nx.json');
  });
});
