import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository, type Repository } from '../git/index.ts';
import type { Signature } from '../ledger/types.ts';
import { findSigner, principalsOf, verifySignature } from './index.ts';

const execute = promisify(execFile);
let folder: string;
let repository: Repository;
/** `type base64` of each key. */
const keys: Record<string, string> = {};
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-signing-'));
  await execute('git', ['init', '--quiet', folder]);
  repository = await openRepository(folder);
  for (const name of ['ada', 'eve', 'locked']) {
    const secret = name === 'locked' ? 'a long passphrase' : '';
    await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', secret, '-C', name, '-f', file(name)]);
    keys[name] = (await readFile(file(`${name}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const allowed = (options = '', name = 'ada@example.com', key = 'ada') => `${name} ${options} ${keys[key]}\n`;
const sign = async (data: string, key = 'ada', principal = 'ada@example.com') => {
  const signer = await findSigner({
    repository,
    env: process.env,
    allowedSigners: '',
    keyFile: file(key),
    principal,
  });
  return (await signer?.sign(data)) as Extract<Signature, { format: 'sshsig' }>;
};
const verdict = async (input: Parameters<typeof verifySignature>[0]) => {
  const found = await verifySignature(input);
  return found.ok ? found.principal : found.reason;
};

describe('verifying', () => {
  it('accepts what an allowed key signed, and nothing else', async () => {
    const signature = await sign('records');
    const ok = { data: 'records', signature, allowedSigners: allowed() };
    expect(await verifySignature(ok)).toEqual({ ok: true, principal: 'ada@example.com' });
    expect(await verdict({ ...ok, data: 'other records' })).toBe('bad-signature');
    expect(await verdict({ ...ok, allowedSigners: allowed('', 'ada@example.com', 'eve') })).toBe(
      'unknown-key',
    );
    expect(await verdict({ ...ok, allowedSigners: '' })).toBe('unknown-key');
    expect(await verdict({ ...ok, signature: { ...signature, principal: 'eve@example.com' } })).toBe(
      'unknown-key',
    );
    expect(
      await verdict({ ...ok, allowedSigners: `# nobody\n${allowed('', 'b@example.com,ada@example.com')}` }),
    ).toBe('ada@example.com');
    expect(await verdict({ ...ok, allowedSigners: allowed('namespaces="git"') })).toBe('unknown-key');
    expect(await verdict({ ...ok, allowedSigners: allowed('namespaces="git,sluice"') })).toBe(
      'ada@example.com',
    );
  });

  it('does not let a pattern give a key a name of its choice', async () => {
    const input = {
      data: 'records',
      signature: await sign('records'),
      allowedSigners: allowed('', '*@example.com'),
    };
    expect(await verdict(input)).toBe('unknown-key');
  });

  it('refuses a signature made for something else', async () => {
    await writeFile(file('data'), 'records');
    await execute('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'git', '-f', file('ada'), file('data')]);
    const signature = {
      format: 'sshsig',
      principal: 'ada@example.com',
      value: await readFile(file('data.sig'), 'utf8'),
    } as const;
    expect(await verifySignature({ data: 'records', signature, allowedSigners: allowed() })).toMatchObject({
      reason: 'bad-signature',
      detail: expect.stringContaining('"git"'),
    });
  });

  it.each([
    ['nothing', ''],
    ['words', 'trust me'],
    ['an empty armour', '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n'],
    ['half of one', undefined],
  ])('calls %s malformed', async (_, value) => {
    const whole = await sign('records');
    const half = whole.value.split('\n').toSpliced(3, 1).join('\n');
    const signature = { ...whole, value: value ?? half };
    expect(await verdict({ data: 'records', signature, allowedSigners: allowed() })).toBe('malformed');
  });

  it('refuses a revoked key, listed as a key or in a revocation list, at any time', async () => {
    const input = { data: 'records', signature: await sign('records'), allowedSigners: allowed() };
    await execute('ssh-keygen', ['-q', '-k', '-f', file('krl'), file('ada.pub')]);
    const list = await readFile(file('krl'));
    for (const revoked of [`${keys['ada']}\n`, list]) {
      expect(await verdict({ ...input, revoked })).toBe('revoked');
      expect(await verdict({ ...input, revoked, at: new Date('2020-01-01') })).toBe('revoked');
    }
    expect(await verdict({ ...input, revoked: `${keys['eve']}\n` })).toBe('ada@example.com');
    expect(await verdict({ ...input, revoked: '' })).toBe('ada@example.com');
    expect(await verdict({ ...input, revoked: 'not a key at all' })).toBe('revoked');
  });

  it('asks whether the key was valid at the time', async () => {
    const signature = await sign('records');
    const input = {
      data: 'records',
      signature,
      allowedSigners: allowed('valid-after="20250101",valid-before="20260101"'),
    };
    expect(await verdict({ ...input, at: new Date('2025-06-01') })).toBe('ada@example.com');
    expect(await verdict({ ...input, at: new Date('2026-06-01') })).toBe('expired');
    expect(await verdict({ ...input, at: new Date('2024-06-01') })).toBe('expired');
    expect(await verdict({ ...input, allowedSigners: allowed('valid-before="20250101"') })).toBe('expired');
    expect(await verdict({ ...input, at: new Date('2025-12-31T23:59:59Z') })).toBe('ada@example.com');
    expect(await verdict({ ...input, at: new Date('2026-01-01T00:00:01Z') })).toBe('expired');
  });

  it('needs ssh-keygen, asks it once for the same question, and leaves no file behind', async () => {
    const counter = file('calls');
    const bin = await mkdtemp(join(folder, 'bin-'));
    const real = (await execute('sh', ['-c', 'command -v ssh-keygen'])).stdout.trim();
    await writeFile(join(bin, 'ssh-keygen'), `#!/bin/sh\necho x >> "${counter}"\nexec "${real}" "$@"\n`);
    await chmod(join(bin, 'ssh-keygen'), 0o755);
    const input = { data: 'once', signature: await sign('once'), allowedSigners: allowed() };
    const { PATH, TMPDIR } = process.env;
    const scratch = await mkdtemp(join(folder, 'tmp-'));
    try {
      process.env['TMPDIR'] = scratch;
      process.env['PATH'] = await mkdtemp(join(folder, 'empty-'));
      await expect(verifySignature(input)).rejects.toMatchObject({ code: 'SSH_KEYGEN_MISSING' });
      process.env['PATH'] = `${bin}:${PATH}`;
      await verifySignature(input);
      const calls = (await stat(counter)).size;
      await verifySignature({ ...input });
      expect((await stat(counter)).size).toBe(calls);
      await verifySignature({ ...input, data: 'twice' });
      expect((await stat(counter)).size).toBeGreaterThan(calls);
      expect(await readdir(scratch)).toEqual([]);
    } finally {
      process.env['PATH'] = PATH;
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
  });
});

describe('finding the signer', () => {
  const find = (more: Partial<Parameters<typeof findSigner>[0]> = {}) =>
    findSigner({ repository, allowedSigners: allowed(), ...more, env: { ...process.env, ...more.env } });
  const config = (...args: string[]) => execute('git', ['config', ...args], { cwd: folder });

  it('takes the option, then the variable, then git; and the name from the file, or as told', async () => {
    await config('user.email', 'git@example.com');
    expect(await find()).toBeUndefined();
    await config('user.signingkey', file('eve'));
    expect(await find()).toBeUndefined();
    await config('gpg.format', 'ssh');
    expect((await find())?.principal).toBe('git@example.com');
    const env = { SLUICE_SIGNING_KEY: file('ada') };
    expect((await find({ env }))?.principal).toBe('ada@example.com');
    expect((await find({ env, keyFile: file('eve') }))?.principal).toBe('git@example.com');
    expect((await find({ env: { ...env, SLUICE_SIGNER: 'other@example.com' } }))?.principal).toBe(
      'other@example.com',
    );
    expect((await find({ env, principal: 'told@example.com' }))?.principal).toBe('told@example.com');
    expect((await find({ env, allowedSigners: allowed('', '*@example.com,ada') }))?.principal).toBe('ada');
    expect((await find({ env: { SLUICE_SIGNING_KEY: 'ada.pub' } }))?.principal).toBe('ada@example.com');
    await config('user.signingkey', `key::${keys['ada']}`);
    expect((await find())?.principal).toBe('ada@example.com');
    await config('--unset', 'user.signingkey');
  });

  it('says what is wrong with a key, or with a missing name', async () => {
    const unusable = { code: 'SIGNING_KEY_UNUSABLE', exit: 2 };
    await expect(find({ keyFile: file('nothing') })).rejects.toMatchObject(unusable);
    const env = { SSH_ASKPASS_REQUIRE: 'force', SSH_ASKPASS: '/bin/false', SSH_AUTH_SOCK: '' };
    const locked = await find({ keyFile: file('locked'), env });
    await expect(locked?.sign('records')).rejects.toMatchObject(unusable);
    await config('--unset-all', 'user.email').catch(() => undefined);
    const nobody = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const before = { ...process.env };
    Object.assign(process.env, nobody);
    try {
      await expect(find({ keyFile: file('eve') })).rejects.toMatchObject({ code: 'SIGNER_UNNAMED', exit: 2 });
    } finally {
      for (const name of Object.keys(nobody)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it('signs with a key that only the agent holds', async () => {
    const socket = file('agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(agent.stdout, 'data');
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('agent')]);
      await execute('ssh-add', ['-q', file('agent')], { env });
      await rm(file('agent'));
      keys['agent'] = (await readFile(file('agent.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
      const allowedSigners = allowed('', 'ada@example.com', 'agent');
      await config('gpg.format', 'ssh');
      await config('user.signingkey', keys['agent']);
      for (const keyFile of [file('agent.pub'), undefined]) {
        const signer = await find({ env, allowedSigners, ...(keyFile ? { keyFile } : {}) });
        const signature = (await signer?.sign('records')) as Extract<Signature, { format: 'sshsig' }>;
        expect(await verdict({ data: 'records', signature, allowedSigners })).toBe('ada@example.com');
      }
    } finally {
      const ended = once(agent, 'exit');
      agent.kill();
      await ended;
    }
  });
});

it('reads an allowed signers file', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA';
  const text = [
    '# approvers',
    '',
    `ada@example.com,"x" ${key} a comment`,
    `"a b,c" cert-authority,namespaces="git,sluice",Valid-Before="20300101" ${key}`,
    'ada@example.com no key here',
    'ada@example.com',
  ].join('\n');
  expect(principalsOf(text)).toEqual([
    { principals: ['ada@example.com', '"x"'], key, options: {} },
    {
      principals: ['a b', 'c'],
      key,
      options: { 'cert-authority': '', namespaces: 'git,sluice', 'valid-before': '20300101' },
    },
  ]);
});
