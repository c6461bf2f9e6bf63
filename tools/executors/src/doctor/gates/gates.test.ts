import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { startIssuer } from '../../testing/issuer/index.ts';
import { examine } from '../testing/examine.ts';
import { judgeApprovals, judgeFile, usable } from './approvers.ts';

const RITA = 'rita@acme.example';

describe('gates of the live profile', () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start({
      live: true,
      packages: { solo: [] },
      gates: { test: { approvals: 1 }, public: { approvals: 2 } },
    });
  });
  afterAll(() => flow?.close());

  it('open where as many people may approve as are asked for', async () => {
    const { of } = await examine(flow);
    expect(of("approvers' file")).toBe('ok: 1 person in .sluice/allowed_signers on main');
    expect(of('approvals', 'github')).toBe('ok: no gate');
    expect(of('approvals', 'test')).toMatch(
      /^warning: 1 must approve, and no more than that can .*: what one of them wrote, nobody can approve -> echo /,
    );
    expect(of('approvals', 'public')).toBe(
      'problem: 2 must approve, and only 1 can: 1 of .sluice/allowed_signers on main -> echo "<e-mail address> namespaces=\\"sluice\\" $(cat <their key>.pub)" >> .sluice/allowed_signers, and commit that on main',
    );
  });

  it('the command that is said adds a person who then counts', async () => {
    const key = flow.key('paul@acme.example');
    const before = flow.git('rev-parse', 'HEAD');
    const file = join(flow.root, '.sluice/allowed_signers');
    await flow.write({
      '.sluice/allowed_signers': `${readFileSync(file, 'utf8')}paul@acme.example namespaces="sluice" ${key}\n`,
    });
    flow.git('commit', '--quiet', '--all', '--message', 'Paul may approve');
    expect((await examine(flow)).of('approvals', 'public')).toMatch(/^problem/);
    flow.push();
    const { of } = await examine(flow);
    expect(of('approvals', 'public')).toMatch(/^warning: 2 must approve/);
    expect(of('approvals', 'test')).toBe('ok: 1 of 2 who can (2 of .sluice/allowed_signers)');
    flow.git('reset', '--quiet', '--hard', before);
    flow.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main');
  });

  it('a key signs as somebody whom the file knows', async () => {
    expect((await examine(flow)).of('signing')).toBe(
      `ok: as ${RITA}, whom .sluice/allowed_signers on main knows`,
    );
  });

  it('no key, a key of a stranger, a key with a passphrase, a key that is nowhere', async () => {
    const none = await examine(flow, { env: { SLUICE_SIGNING_KEY: '' } });
    expect(none.check('signing')).toMatchObject({ verdict: 'problem', code: 'SIGNER_MISSING' });

    flow.key('mallory');
    const stranger = await examine(flow, {
      env: { SLUICE_SIGNING_KEY: join(flow.root, 'home/mallory'), SLUICE_SIGNER: RITA },
    });
    expect(stranger.of('signing')).toMatch(
      new RegExp(
        `^problem: as ${RITA}, but \\.sluice/allowed_signers on main does not go with that: .* -> echo "${RITA} `,
      ),
    );

    const locked = join(flow.root, 'home/locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a long secret', '-f', locked]);
    const passphrase = await examine(flow, { env: { SLUICE_SIGNING_KEY: locked, SLUICE_SIGNER: RITA } });
    expect(passphrase.of('signing')).toMatch(
      /^warning: the key of rita.* does not sign without being asked for.* -> ssh-add/,
    );

    const nowhere = await examine(flow, { env: { SLUICE_SIGNING_KEY: 'no-such-key' } });
    expect(nowhere.check('signing')).toMatchObject({ verdict: 'problem', code: 'SIGNING_KEY_UNUSABLE' });
  });

  it('a job that GitHub vouches for needs no key; one of another repository or workflow is a problem', async () => {
    const issuer = await startIssuer();
    const file = join(flow.root, 'nx.json');
    const nxJson = readFileSync(file, 'utf8');
    const before = flow.git('rev-parse', 'HEAD');
    const github = JSON.stringify({ repository: 'acme/platform', issuer: issuer.url });
    await flow.write({ 'nx.json': nxJson.replace('"packages":', `"github":${github},"packages":`) });
    flow.git('commit', '--quiet', '--all', '--message', 'GitHub');
    flow.push();
    const look = () => examine(flow, { env: { ...issuer.env, SLUICE_SIGNING_KEY: '' } });
    expect((await look()).of('signing')).toBe('ok: as this job of acme/platform, for which GitHub signs');
    issuer.job['repository'] = 'mallory/platform';
    expect((await look()).of('signing')).toMatch(
      /^problem: this job's records would not count: .*mallory\/platform/,
    );
    await issuer.close();
    expect((await look()).check('signing')).toMatchObject({ verdict: 'problem' });
    flow.git('reset', '--quiet', '--hard', before);
    flow.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main');
  });

  it('the local profile signs where it can, and asks for nothing', async () => {
    const local = { SLUICE_PROFILE: 'local' };
    expect((await examine(flow, { env: { ...local, SLUICE_SIGNING_KEY: '' } })).of('signing')).toMatch(
      /^ok: no key/,
    );
    expect((await examine(flow, { env: local })).of('signing')).toMatch(/^ok: as rita/);
  });
});

describe("the approvers' file", () => {
  const key = (n: number) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${String(n).repeat(44)}`;
  const now = new Date('2026-06-01T12:00:00Z');
  const judge = (text: string, revoked = '') =>
    judgeFile({ text, revoked: Buffer.from(revoked), file: 'signers', branch: 'main', now });

  it('is told from comments and empty lines', () => {
    expect(judge('# nobody yet\n\n')).toEqual({ verdict: 'ok', said: 'signers on main names nobody yet' });
    expect(judge(`# a\na@x ${key(1)}\n\nb@x namespaces="git,sluice" ${key(2)}\n`).said).toBe(
      '2 people in signers on main',
    );
  });

  it('names the line that is no signer', () => {
    expect(judge(`a@x ${key(1)}\nssh-ed25519 AAAA b@x\nnonsense`)).toMatchObject({
      verdict: 'problem',
      said: 'signers on main has 2 lines that are no signer: line 2, 3',
      next: expect.stringMatching(/^correct line 2 of signers: /),
    });
  });

  it('says whose keys count no more, and they do not', () => {
    const text = [
      `a@x valid-before="20260601" ${key(1)}`,
      `b@x valid-after="20270101000000Z" ${key(2)}`,
      `c@x namespaces="git" ${key(3)}`,
      `d@x ${key(4)}`,
      `e@x valid-before="202606011201" ${key(5)}`,
    ].join('\n');
    expect(judge(text, key(4))).toEqual({
      verdict: 'warning',
      said: '1 person in signers on main; line 1 (a@x) has expired at 2026-06-01T00:00:00.000Z; line 2 (b@x) is not valid before 2027-01-01T00:00:00.000Z; line 3 (c@x) signs for "git" only, not for sluice; line 4 (d@x) is revoked',
      next: 'renew or take away these lines of signers, on main',
    });
    expect(usable(text, Buffer.from(key(4)), now)).toContain('e@x');
    expect(usable(text, Buffer.from(key(4)), now).split('\n')).toHaveLength(1);
  });

  const people = `a@x ${key(1)}\nb@x ${key(2)}\nb@x ${key(3)}\n`;
  const count = (gate: object, more: object = {}) =>
    judgeApprovals({ gate, people, reviewers: [], file: 'signers', branch: 'main', ...more });

  it('counts people, not lines', () => {
    expect(count({ approvals: 3 }).verdict).toBe('problem');
    expect(count({ approvals: 2 }).verdict).toBe('warning');
    expect(count({ approvals: { count: 2, allowAuthor: true } }).verdict).toBe('ok');
    expect(count({ approvals: 1 }).said).toBe('1 of 2 who can (2 of signers)');
    expect(count({ soak: '1h' }).said).toBe('none asked for');
    expect(count({ approvals: 1 }, { people: '' }).said).toBe(
      '1 must approve, and nobody can: 0 of signers on main',
    );
  });

  it('counts only those whom the gate names, and the reviewers of its environment', () => {
    expect(count({ approvals: { count: 2, from: ['a@x'] } }).said).toContain(
      'only 1 can: 1 of signers (of a@x)',
    );
    const environment = { environment: 'Production', approvals: 3 };
    expect(count(environment, { reviewers: ['rita', 'paul'] }).said).toBe(
      '3 of 4 who can (2 of signers and 2 reviewers of the environment Production)',
    );
    expect(count({ ...environment, approvals: 5 }, { reviewers: ['acme/team'] }).said).toMatch(
      /^5 of at least 3 who can/,
    );
    expect(count({ environment: 'Production' }).said).toBe(
      'none asked for; the environment Production lets jobs in',
    );
  });
});
