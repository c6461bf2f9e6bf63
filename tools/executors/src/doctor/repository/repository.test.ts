import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseOptions } from '../../pipeline/index.ts';
import { Flow } from '../../promotion/testing/flow.ts';
import { examine } from '../testing/examine.ts';
import { startGitServer, type GitServer } from '../testing/git-server.ts';
import { differences, judgeSame } from './policy.ts';

/** Each test has a copy of its own. */
let base: Flow;
let flow: Flow;
beforeAll(async () => {
  base = await Flow.start({ live: true, packages: { solo: [] } });
  await base.build();
});
afterAll(() => base?.close());
beforeEach(async () => {
  flow = await base.copy();
});
const remote = () => join(dirname(flow.root), 'remote.git');
const onRemote = (...args: string[]) => flow.git('--git-dir', remote(), ...args);

describe('ledger and policy of the live profile', () => {
  it('are well: readable, pushable, grown, and the same here as there', async () => {
    const before = await examine(flow, { stage: 'github' });
    expect(before.of('ledger readable')).toBe(
      'ok: origin has no sluice/ledger yet; the first record makes it',
    );
    expect(before.of('ledger pushable')).toMatch(/^ok: origin takes a push to sluice\/ledger/);
    expect(before.of('ledger grown')).toBe('ok: this clone has not read it before');
    await flow.publish();
    const after = await examine(flow, { stage: 'github' });
    expect(after.of('ledger readable')).toMatch(/^ok: sluice\/ledger of origin is at [0-9a-f]{12}$/);
    expect(after.of('ledger pushable')).toMatch(/^ok/);
    expect(after.of('ledger grown')).toBe('ok: it contains everything that this clone has seen of it');
    expect(after.of('policy')).toMatch(/^ok: main at [0-9a-f]{12} says who may do what$/);
    expect(after.of('policy is the same here')).toBe('ok: nx.json here and on main say the same');
    expect(after.of('whole history')).toBe('ok: the clone is complete, and nothing is uncommitted');
  });

  it('a ledger that lost what this clone has seen was rewritten', async () => {
    await flow.publish();
    const seen = onRemote('rev-parse', 'sluice/ledger');
    onRemote('update-ref', 'refs/heads/sluice/ledger', 'main');
    expect((await examine(flow)).of('ledger grown')).toMatch(
      new RegExp(
        `^problem: sluice/ledger of origin has lost records .*${seen.slice(0, 12)}.*rewritten -> git log`,
      ),
    );
    onRemote('update-ref', '-d', 'refs/heads/sluice/ledger');
    expect((await examine(flow)).of('ledger grown')).toMatch(/^problem/);
  });

  it('a remote that is gone is said by its own checks; what needs it is not checked', async () => {
    await rm(remote(), { recursive: true });
    const { of, checks, ok } = await examine(flow, { stage: 'test' });
    expect(ok).toBe(false);
    expect(of('policy')).toMatch(/^problem: .*default branch of origin.*cannot be fetched/);
    expect(of('policy is the same here')).toBe(
      'not checked: the policy cannot be read (POLICY_UNREACHABLE, above)',
    );
    expect(of('ledger readable')).toMatch(/^problem: the git remote "origin" does not answer/);
    expect(of('ledger pushable')).toMatch(/^not checked: the ledger cannot be read/);
    expect(of('reachable', 'test')).toMatch(/^ok/);
    expect(checks.every(({ code }) => code !== 'UNEXPECTED')).toBe(true);
  });

  it('another ledger, another stage or .npmrc in the work tree is a problem, another gate a warning', async () => {
    const file = join(flow.root, 'nx.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"name":"public"', '"name":"public","gate":{"approvals":2}'));
    const gate = await examine(flow);
    expect(gate.of('policy is the same here')).toBe(
      'warning: nx.json here differs from main in packages.stages[2].gate; gates go by main -> git diff origin/main -- nx.json (and commit it on main where it is meant)',
    );
    expect(gate.of('whole history')).toMatch(/^warning: there are changes that are not committed/);
    await writeFile(file, text.replace('"name":"public"', '"name":"open"'));
    expect((await examine(flow)).check('policy is the same here')).toMatchObject({
      verdict: 'problem',
      code: 'POLICY_DIFFERS',
      said: expect.stringContaining('the stage before open'),
    });
    await writeFile(file, text.replace('"packages":', '"ledger":{"branch":"mine"},"packages":'));
    expect((await examine(flow)).of('policy is the same here')).toMatch(
      /^problem: nx\.json here has another ledger than main \(ledger\.branch\)/,
    );
    await writeFile(file, text);
    await writeFile(join(flow.root, '.npmrc'), 'proxy=http://127.0.0.1:9\n');
    expect((await examine(flow)).check('policy is the same here')).toMatchObject({
      verdict: 'problem',
      code: 'POLICY_DIFFERS',
    });
  });

  it('a shallow clone lacks what gates ask for', async () => {
    await flow.release('1.0.1');
    flow.push();
    const shallow = join(dirname(flow.root), 'shallow');
    flow.git('clone', '--quiet', '--depth', '1', `file://${remote()}`, shallow);
    const here = await examine({ root: shallow, env: flow.env });
    expect(here.of('whole history')).toBe(
      'problem: this clone is shallow: who wrote what, and since when, is not in it -> git fetch --unshallow origin',
    );
    const inJob = await examine({ root: shallow, env: { ...flow.env, GITHUB_ACTIONS: 'true' } });
    expect(inJob.of('whole history')).toMatch(/-> give actions\/checkout "fetch-depth: 0"$/);
  });
});

describe('a remote over HTTP', () => {
  let server: GitServer;
  beforeEach(async () => {
    server = await startGitServer(dirname(flow.root));
    flow.git('remote', 'set-url', 'origin', `${server.url}/remote.git`);
  });
  afterEach(() => server?.close());

  it('takes a push, in a dry run that pushes nothing', async () => {
    const refs = onRemote('for-each-ref');
    expect((await examine(flow)).of('ledger pushable')).toMatch(/^ok: origin takes a push/);
    expect(onRemote('for-each-ref')).toBe(refs);
    expect(server.requests.some((request) => request.includes('service=git-receive-pack'))).toBe(true);
    expect(server.requests.filter((request) => /^POST .*git-receive-pack/.test(request))).toEqual([]);
  });

  it('that never answers holds nobody', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    flow.git('remote', 'set-url', 'origin', `http://127.0.0.1:${port}/remote.git`);
    const { of, check } = await examine(flow, { limitMs: 1_500 });
    expect(check('policy')).toMatchObject({ verdict: 'problem', code: 'STEP_TIMED_OUT' });
    expect(of('reachable', 'test')).toMatch(/^ok/);
    // What was started is ended with the look, or the server would not get rid of its callers.
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) =>
          silent.getConnections((_, count) => (count === 0 ? resolve() : reject(new Error(`${count} left`)))),
        ),
      5_000,
    );
    silent.close();
  });

  it('that may only be read is a problem, with what mends it here and in a job', async () => {
    server.mayPush = false;
    const { of } = await examine(flow);
    expect(of('ledger readable')).toMatch(/^ok/);
    expect(of('ledger pushable')).toMatch(
      /^problem: origin does not take a push to sluice\/ledger: [^]*403[^]* -> git push --dry-run origin/,
    );
    const inJob = await examine(flow, { env: { GITHUB_ACTIONS: 'true' } });
    expect(inJob.of('ledger pushable')).toMatch(/-> give the job "permissions: contents: write"/);
  });
});

describe('the local profile', () => {
  it('has a ledger of its own, and the policy as it is committed here', async () => {
    const { of, profile } = await examine(flow, { env: { SLUICE_PROFILE: 'local' } });
    expect(profile).toBe('local');
    expect(of('ledger')).toBe('ok: of this machine alone, in .sluice/local; it is never pushed');
    expect(of('policy')).toMatch(/^ok: main at/);
    expect(of('local registry', 'test')).toMatch(/^ok: starts on this machine when a task needs it/);
    await expect(readFile(join(flow.root, '.sluice/local'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('asks the registries that the environment points a stage to', async () => {
    const { of } = await examine(flow, {
      env: { SLUICE_PROFILE: 'local', SLUICE_TEST_REGISTRY: flow.proxy('test').url },
    });
    expect(of('reachable', 'test')).toMatch(/^ok/);
    expect(of('token', 'test')).toMatch(/^problem: SLUICE_TEST_TOKEN is not set/);
    expect(of('local registry', 'github')).toMatch(/^ok/);
  });
});

describe('what differs', () => {
  it('is said by the shortest paths', () => {
    expect(differences({ a: [{ b: 1 }], c: 2 }, { a: [{ b: 2 }, { b: 3 }], c: 2, d: {} })).toEqual([
      'a[0].b',
      'a[1]',
      'd',
    ]);
    expect(differences({ a: [] }, { a: {} })).toEqual(['a']);
    expect(differences({ a: 1 }, { a: 1 })).toEqual([]);
  });

  it('of a ledger counts in the live profile alone', () => {
    const of = (branch: string) =>
      parseOptions({ packages: { stages: [{ name: 'public' }] }, ledger: { branch } });
    expect(judgeSame(of('a'), of('b'), 'main', 'local').verdict).toBe('warning');
    expect(judgeSame(of('a'), of('b'), 'main', 'live').verdict).toBe('problem');
  });
});
