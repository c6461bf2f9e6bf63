import type { Tree } from '@nx/devkit';
import { readNxJson, updateNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { PLUGIN, registeredOptions } from '../nx-json.ts';
import host, { type Surroundings } from './generator.ts';
import { scriptFor, type Line, type Preparation } from './prepare.ts';
import { deployTarget, publicKeyOf, valuesFor } from './values.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== ada@laptop';

describe('valuesFor', () => {
  it('takes ports, folder and proxy from the stage', () => {
    const values = valuesFor({ host: 'root@a' }, { name: 's', ports: { http: 8080 }, folder: '/srv/x' }, KEY);
    expect(values).toMatchObject({ SLUICE_PORTS: '8080 443', SLUICE_FOLDER: '/srv/x', SLUICE_KEY: KEY });
    const plain = valuesFor({ host: 'root@a' }, { name: 's', proxy: 'none' }, undefined);
    expect(plain).toMatchObject({ SLUICE_PORTS: '', SLUICE_PROXY: '', SLUICE_KEY: '' });
  });

  it.each([
    { user: 'root' },
    { user: 'a b' },
    { user: '$(reboot)' },
    { backupsTo: "x'; reboot; '" },
    { backupsTo: '-e reboot' },
  ])('refuses %j, which would be more than a word in a script', (schema) => {
    expect(() => valuesFor({ host: 'root@a', ...schema }, undefined, KEY)).toThrow(
      expect.objectContaining({ code: 'HOST_OPTION_INVALID' }),
    );
  });
});

it.each([
  ['root@www1.example.com', 'deploy@www1.example.com'],
  ['root@www1.example.com:2222', 'deploy@www1.example.com:2222'],
  ['root@[2001:db8::1]:22', 'deploy@[2001:db8::1]:22'],
  ['www1', 'deploy@www1'],
])('deployments to %s log in as %s', (from, to) => {
  expect(deployTarget(from)).toBe(to);
});

it('finds a public key, and takes nothing else for one', () => {
  expect(publicKeyOf(`\n${KEY}\r\n`)).toBe(KEY);
  expect(publicKeyOf('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n')).toBeUndefined();
});

it('gives the script its values as words', () => {
  const script = scriptFor('look', { SLUICE_KEY: "it's; reboot" });
  expect(script.split('\n').slice(0, 2)).toEqual(['SLUICE_MODE=look', `SLUICE_KEY='it'\\''s; reboot'`]);
});

describe('the generator', () => {
  let tree: Tree;
  let runs: { mode: string; preparation: Preparation }[];
  let said: string[];
  let found: Line[];
  let keys: Record<string, string>;
  const around: Surroundings = {
    prepare: async (mode, preparation, onLine = () => {}) => {
      runs.push({ mode, preparation });
      if (mode === 'do') for (const line of found) onLine({ ...line, kind: 'did' });
      return found;
    },
    readKey: async (file) => keys[file],
    say: (line) => void said.push(line),
  };
  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
    const services = { images: 'ghcr.io/acme', stages: [{ name: 'staging', sshConfig: 'ssh.conf' }] };
    const options = { packages: { stages: [{ name: 'public' }] }, services };
    updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options }] });
    [runs, said, keys] = [[], [], { 'key.pub': KEY }];
    found = [
      { kind: 'same', text: 'an engine' },
      { kind: 'todo', text: 'a user' },
    ];
  });
  const hosts = () =>
    (registeredOptions(readNxJson(tree) ?? {}) as any).services.stages[0].hosts as string[] | undefined;

  it('says what it will do, and does it only in the callback, which a dry run leaves out', async () => {
    const callback = await host(tree, { host: 'root@a', publicKey: 'key.pub', stage: 'staging' }, around);
    expect(said).toEqual([
      '  is so   an engine',
      '  to do   a user',
      '1 of 2 steps are to be done on root@a.',
    ]);
    expect(runs.map(({ mode }) => mode)).toEqual(['look']);
    await callback();
    expect(runs.map(({ mode }) => mode)).toEqual(['look', 'do']);
    expect(runs[1]?.preparation).toMatchObject({ host: 'root@a', sshConfig: 'ssh.conf' });
    expect(said).toContain('  done    a user');
  });

  it('adds the host to its stage, once', async () => {
    const schema = { host: 'root@a', publicKey: 'key.pub', stage: 'staging' };
    await host(tree, schema, around);
    await host(tree, schema, around);
    expect(hosts()).toEqual(['deploy@a']);
  });

  it('does nothing where all is so', async () => {
    found = [{ kind: 'same', text: 'an engine' }];
    await (
      await host(tree, { host: 'deploy@a' }, around)
    )();
    expect(runs.map(({ mode }) => mode)).toEqual(['look']);
    expect(said.at(-1)).toBe('deploy@a is ready for deployments as deploy@a.');
  });

  it.each([
    [{ host: 'root@a' }, 'PUBLIC_KEY_MISSING'],
    [{ host: 'root@a', publicKey: 'other.pub' }, 'PUBLIC_KEY_MISSING'],
    [{ host: 'root@a', publicKey: 'key.pub', stage: 'public' }, 'STAGE_UNKNOWN'],
    [{ host: '-oProxyCommand=x', publicKey: 'key.pub' }, 'HOST_NAME_INVALID'],
  ])('%j is refused with %s before the host is asked', async (schema, code) => {
    await expect(host(tree, schema, around)).rejects.toMatchObject({ code });
    expect(runs).toEqual([]);
    expect(hosts()).toBeUndefined();
  });
});
