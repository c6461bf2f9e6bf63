import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { older, SSH, toolCheck, TOOLS, type Tool } from './versions.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tools-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tool = (name: string): Tool => [...TOOLS, SSH].find((one) => one.name === name) as Tool;
const look = (name: string, env: NodeJS.ProcessEnv) =>
  toolCheck(tool(name), env).run(AbortSignal.timeout(10_000));
/** A folder for PATH with this program in it. */
const program = async (name: string, script: string): Promise<void> => {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
};

describe('the tools of this machine', () => {
  it.each([...TOOLS, SSH].map(({ name }) => name))('%s is new enough here', async (name) => {
    expect(await look(name, process.env)).toMatchObject({
      verdict: 'ok',
      said: expect.stringMatching(/\d+\.\d+/),
    });
  });

  it('one that is too old is named with what is needed', async () => {
    await program('git', 'echo git version 2.25.1');
    expect(await look('git', { PATH: folder })).toEqual({
      verdict: 'problem',
      said: 'git 2.25.1 is older than 2.34.0: the ledger, the policy and the sources are read with it',
      next: 'install git 2.34 or newer, and see that it is on the PATH',
      code: 'GIT_MISSING',
    });
  });

  it('one that is missing is, and what only some commands need is a warning', async () => {
    const env = { PATH: join(folder, 'empty') };
    expect(await look('ssh', env)).toMatchObject({
      verdict: 'problem',
      said: expect.stringMatching(/^ssh is not on PATH/),
    });
    expect(await look('npm', env)).toMatchObject({
      verdict: 'warning',
      next: 'npm install --global npm@latest',
    });
  });

  it('ssh-keygen is missed beside an ssh that is there', async () => {
    await program('ssh', 'echo OpenSSH_9.6p1, OpenSSL 3.0.13 >&2');
    expect(await look('ssh', { PATH: folder })).toMatchObject({ verdict: 'ok', said: '9.6' });
    expect(await look('ssh-keygen', { PATH: folder })).toMatchObject({
      verdict: 'problem',
      code: 'SSH_KEYGEN_MISSING',
    });
  });

  it('one that does not say its version is a warning', async () => {
    await program('ssh', 'echo dropbear');
    expect(await look('ssh', { PATH: folder })).toMatchObject({ verdict: 'warning' });
  });
});

it.each([
  ['2.9.1', '2.34.0', true],
  ['2.34.0', '2.34.0', false],
  ['10.0', '8.9', false],
  ['8.10', '8.9', false],
  ['22.17.9', '22.18.0', true],
])('%s is older than %s: %s', (a, b, expected) => {
  expect(older(a, b)).toBe(expected);
});
