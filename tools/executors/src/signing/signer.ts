import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import type { Signer } from '../ledger/types.ts';
import { principalsOf } from './allowed-signers.ts';
import { NAMESPACE, sshKeygen, withPrivateFiles } from './keygen.ts';

export interface FindSignerInput {
  repository: Repository;
  env: NodeJS.ProcessEnv;
  /** Text of the allowed signers file; names the signer by its key. */
  allowedSigners: string;
  /** A private key, or the public one of a key in the agent; comes before SLUICE_SIGNING_KEY and git's configuration. */
  keyFile?: string;
  /** Comes before SLUICE_SIGNER and the file. */
  principal?: string;
}

/**
 * Who signs, and with what; undefined where no key is named anywhere.
 * @throws SIGNING_KEY_UNUSABLE, SIGNER_UNNAMED, SSH_KEYGEN_MISSING
 */
export async function findSigner(input: FindSignerInput): Promise<Signer | undefined> {
  const { repository, env } = input;
  const key = await findKey(input);
  if (key === undefined) return undefined;
  const line = await publicKeyOf(key, env);
  const principal =
    input.principal ||
    env['SLUICE_SIGNER'] ||
    nameOf(line, input.allowedSigners) ||
    (await repository.config('user.email'));
  if (!principal) throw errors.SIGNER_UNNAMED({ key: describe(key) });
  return {
    principal,
    sign: async (data) => ({ format: 'sshsig', principal, value: await sign(key, data, env) }),
  };
}

/** A key is a file, or the public key itself, whose private half the agent holds. */
type Key = { file: string } | { literal: string };

async function findKey({ repository, env, keyFile }: FindSignerInput): Promise<Key | undefined> {
  const given = keyFile || env['SLUICE_SIGNING_KEY'];
  if (given) return present(resolve(repository.root || '.', expand(given, env)));
  if ((await repository.config('gpg.format')) !== 'ssh') return undefined;
  const configured = await repository.config('user.signingkey');
  if (!configured) return undefined;
  const literal = /^(?:key::)?((?:ssh-|ecdsa-|sk-)\S+\s+[A-Za-z0-9+/=]+.*)$/.exec(configured)?.[1];
  return literal ? { literal } : present(resolve(repository.root || '.', expand(configured, env)));
}

function present(file: string): Key {
  if (!existsSync(file)) throw errors.SIGNING_KEY_UNUSABLE({ key: file, said: 'there is no such file' });
  return { file };
}

function expand(path: string, env: NodeJS.ProcessEnv): string {
  return path.startsWith('~/') ? join(env['HOME'] || homedir(), path.slice(2)) : path;
}

/** `type base64` of the key; undefined where only its owner could tell (an encrypted key of the old format). */
async function publicKeyOf(key: Key, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const fromText = (text: string) =>
    /^((?:ssh-|ecdsa-|sk-)\S+\s+[A-Za-z0-9+/=]+)/m.exec(text)?.[1]?.replace(/\s+/, ' ');
  if ('literal' in key) return fromText(key.literal);
  for (const file of [key.file, `${key.file}.pub`]) {
    const line = existsSync(file) ? fromText(await readFile(file, 'utf8')) : undefined;
    if (line) return line;
  }
  const { code, stdout } = await sshKeygen(['-y', '-P', '', '-f', key.file], undefined, env);
  return code === 0 ? fromText(stdout.toString('utf8')) : undefined;
}

function nameOf(line: string | undefined, allowedSigners: string): string | undefined {
  const same = principalsOf(allowedSigners).filter(({ key }) => key === line);
  // A pattern is nobody's name.
  return same.flatMap(({ principals }) => principals).find((name) => !/[*?!]/.test(name));
}

async function sign(key: Key, data: string, env: NodeJS.ProcessEnv): Promise<string> {
  if ('literal' in key) {
    return withPrivateFiles({ 'key.pub': `${key.literal}\n` }, ({ 'key.pub': file }) =>
      sign({ file: file as string }, data, env),
    );
  }
  const { code, stdout, stderr } = await sshKeygen(
    ['-Y', 'sign', '-n', NAMESPACE, '-f', key.file],
    data,
    env,
  );
  if (code !== 0)
    throw errors.SIGNING_KEY_UNUSABLE({ key: describe(key), said: stderr.split('\n')[0] ?? '' });
  return stdout.toString('utf8');
}

function describe(key: Key): string {
  return 'literal' in key ? key.literal : key.file;
}
