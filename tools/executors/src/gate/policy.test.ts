import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadPolicy } from './policy.ts';
import { nxJson, World } from './testing/world.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.remove());

const load = async (profile: 'live' | 'local', remote = 'origin') =>
  loadPolicy({ repository: await world.repository(), profile, remote });
const gated = nxJson({ gate: { approvals: 1 } });
const open = nxJson();

describe('the policy of the live profile', () => {
  test('is what the default branch of the remote has now, not what this clone last saw', async () => {
    world.commit({ 'nx.json': gated, '.sluice/allowed_signers': 'alice@acme.example ssh-ed25519 AAAA\n' });
    world.push();
    world.git(world.root, 'clone', '--quiet', world.remote, 'other');
    const other = `${world.root}/other`;
    world.git(other, 'commit', '--quiet', '--allow-empty', '-m', 'later');
    world.git(other, 'push', '--quiet');
    const policy = await load('live');
    expect(policy).toMatchObject({
      branch: 'main',
      commit: world.git(other, 'rev-parse', 'HEAD'),
      notes: [],
    });
    expect(policy.stage('public')).toEqual({ approvals: 1 });
    expect(policy.stage('test')).toBeUndefined();
    expect(policy.identity('public')).toBe('public.registry.example.com');
    expect(policy.allowedSigners).toMatch(/^alice/);
    expect(policy.revoked).toHaveLength(0);
  });

  test.each([
    ['in the work tree', (w: World) => w.write({ 'nx.json': open })],
    ['in a commit that is not merged', (w: World) => void w.commit({ 'nx.json': open })],
    [
      'in a commit on a local main that was never pushed',
      (w: World) => {
        w.commit({ 'nx.json': open });
        w.git(w.clone, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
      },
    ],
  ])('keeps a gate that was removed %s', async (_where, remove) => {
    world.commit({ 'nx.json': gated });
    world.push();
    remove(world);
    expect((await load('live')).stage('public')).toEqual({ approvals: 1 });
  });

  test.each([
    [
      'in the work tree',
      (w: World) => w.write({ '.sluice/allowed_signers': 'mallory@acme.example ssh-ed25519 BBBB\n' }),
    ],
    [
      'on a branch',
      (w: World) => void w.commit({ '.sluice/allowed_signers': 'mallory@acme.example ssh-ed25519 BBBB\n' }),
    ],
  ])('does not know a key added %s', async (_where, add) => {
    world.commit({ 'nx.json': gated, '.sluice/allowed_signers': '' });
    world.push();
    world.git(world.clone, 'switch', '--quiet', '-c', 'topic');
    add(world);
    expect((await load('live')).allowedSigners).toBe('');
  });

  test('is not there without a remote, nor with one that cannot be reached', async () => {
    world.commit({ 'nx.json': gated });
    world.push();
    world.git(world.clone, 'remote', 'set-url', 'origin', `${world.root}/gone.git`);
    await expect(load('live')).rejects.toMatchObject({ code: 'POLICY_UNREACHABLE', transient: true });
    world.git(world.clone, 'remote', 'remove', 'origin');
    await expect(load('live')).rejects.toMatchObject({ code: 'POLICY_UNREACHABLE', transient: false });
  });

  test('is not read from an address that somebody wrote in place of the name of a remote', async () => {
    world.commit({ 'nx.json': open });
    world.push();
    await expect(load('live', world.remote)).rejects.toMatchObject({ code: 'POLICY_UNREACHABLE' });
  });

  test('does not go with another ledger than its own', async () => {
    world.commit({ 'nx.json': gated });
    world.push();
    world.write({ 'nx.json': nxJson({ gate: { approvals: 1 }, ledger: { branch: 'empty-ledger' } }) });
    await expect(load('live')).rejects.toMatchObject({
      code: 'POLICY_DIFFERS',
      message: /options.ledger.branch is empty-ledger/,
    });
  });

  test('has no stage that only the work tree has', async () => {
    world.commit({ 'nx.json': gated });
    world.push();
    world.write({ 'nx.json': nxJson({ names: ['first', 'public2'] }) });
    const policy = await load('live');
    expect(() => policy.stage('public2')).toThrow(expect.objectContaining({ code: 'STAGE_NOT_IN_POLICY' }));
  });

  test('is missing where the default branch has no nx.json', async () => {
    world.commit({ 'README.md': '' });
    world.push();
    await expect(load('live')).rejects.toMatchObject({ code: 'POLICY_MISSING' });
  });
});

describe('the policy of the local profile', () => {
  test('is the default branch as it is committed here, also from another branch', async () => {
    const main = world.commit({ 'nx.json': gated });
    world.git(world.clone, 'switch', '--quiet', '-c', 'topic');
    world.commit({ 'nx.json': open });
    const policy = await load('local');
    expect(policy).toMatchObject({ branch: 'main', commit: main });
    expect(policy.stage('public')).toEqual({ approvals: 1 });
  });

  test("follows the remote's HEAD, then init.defaultBranch, then the names, then what is checked out", async () => {
    const first = world.commit({ 'nx.json': gated });
    world.git(world.clone, 'branch', 'trunk');
    world.git(world.clone, 'branch', 'develop');
    world.git(world.clone, 'config', 'init.defaultBranch', 'trunk');
    expect(await load('local')).toMatchObject({ branch: 'trunk', commit: first });
    world.git(world.clone, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/develop');
    expect(await load('local')).toMatchObject({ branch: 'develop' });
    world.git(world.clone, 'symbolic-ref', '--delete', 'refs/remotes/origin/HEAD');
    world.git(world.clone, 'config', '--unset', 'init.defaultBranch');
    expect(await load('local')).toMatchObject({ branch: 'main' });
    world.git(world.clone, 'branch', '-m', 'main', 'odd');
    expect(await load('local')).toMatchObject({ branch: 'odd' });
  });

  test('takes a stage that only the work tree has from there, and says so', async () => {
    world.commit({ 'nx.json': nxJson({ names: ['first', 'test'] }) });
    world.write({ 'nx.json': gated });
    const policy = await load('local');
    expect(policy.stage('public')).toEqual({ approvals: 1 });
    expect(policy.notes).toEqual(['stage public is not on main yet: its gate is the one in the work tree']);
  });

  test('is missing before the first commit, and where nx.json was never committed', async () => {
    world.write({ 'nx.json': gated });
    await expect(load('local')).rejects.toMatchObject({ code: 'POLICY_MISSING', exit: 2 });
    world.git(world.clone, 'commit', '--quiet', '--allow-empty', '-m', 'empty');
    await expect(load('local')).rejects.toMatchObject({ code: 'POLICY_MISSING' });
  });
});
