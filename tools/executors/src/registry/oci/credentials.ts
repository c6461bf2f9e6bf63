import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errors, Secret } from '../../foundation/index.ts';
import { parsed } from './answer-parts.ts';
import type { Credentials } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;
interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

const HELPER_MS = 15_000;
/** What the helpers' protocol has for "nothing stored". */
const NOTHING = /credentials not found in native keychain/i;
/** The user's name beside a refresh token, in the helpers' protocol. */
const REFRESH = '<token>';

/**
 * The docker client's credentials for a registry (`host[:port]`), from `config.json` in DOCKER_CONFIG or `~/.docker`: its helper
 * for this host, else its store, else what stands in the file. Undefined where there are none.
 * @throws CREDENTIAL_HELPER_FAILED
 */
export async function readDockerCredentials(
  host: string,
  env: Env = process.env,
): Promise<Credentials | undefined> {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  const file = join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json');
  const bytes = await readFile(file).catch(() => undefined);
  const config = (bytes && (parsed(bytes) as DockerConfig | undefined)) ?? {};
  const [, helper] = entryFor(config.credHelpers, host) ?? [];
  const [key = host, stored] = entryFor(config.auths, host) ?? [];
  if (helper) return askHelper(helper, host, file, env);
  // A store's keys are those of `auths`, whose entries are then empty.
  const kept = config.credsStore ? await askHelper(config.credsStore, key, file, env) : undefined;
  return kept ?? credentialsOf(stored);
}

/** Keys are hosts, or addresses as older clients wrote them: `https://host/v1/`. */
function entryFor<T>(entries: Record<string, T> | undefined, host: string): [string, T] | undefined {
  const plain = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  const all = Object.entries(entries ?? {});
  return all.find(([key]) => key === host) ?? all.find(([key]) => plain(key) === host);
}

function credentialsOf(
  entry: NonNullable<DockerConfig['auths']>[string] | undefined,
): Credentials | undefined {
  if (entry?.identitytoken) return { username: REFRESH, password: new Secret(entry.identitytoken) };
  if (entry?.username && entry.password)
    return { username: entry.username, password: new Secret(entry.password) };
  const [, username, password] =
    /^([^:]+):(.+)$/s.exec(Buffer.from(entry?.auth ?? '', 'base64').toString('utf8')) ?? [];
  return username && password ? { username, password: new Secret(password) } : undefined;
}

/** `docker-credential-<name> get`, the host on standard input. */
async function askHelper(
  name: string,
  host: string,
  file: string,
  env: Env,
): Promise<Credentials | undefined> {
  const helper = `docker-credential-${name}`;
  const failed = (why: string, cause?: unknown): Error =>
    errors.CREDENTIAL_HELPER_FAILED({ helper, registry: host, file, why }, { cause });
  // It comes from a file, and becomes the name of a program.
  if (!/^[\w.-]+$/.test(name)) throw failed('that is no name of a helper');
  const { error, stdout, stderr } = await run(helper, host, env);
  if (NOTHING.test(stdout)) return undefined;
  // Standard output may hold the secret: only what it says on failure is shown.
  if (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const said = `${stderr} ${stdout}`.replace(/\s+/g, ' ').trim().slice(0, 200);
    throw failed(missing ? 'it is not installed' : said || error.message, error);
  }
  const answer = parsed(Buffer.from(stdout)) as { Username?: string; Secret?: string } | undefined;
  if (!answer?.Secret) throw failed('its answer is no JSON with a Secret');
  return { username: answer.Username ?? '', password: new Secret(answer.Secret) };
}

function run(
  program: string,
  input: string,
  env: Env,
): Promise<{ error: Error | undefined; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ['get'],
      { env: env as NodeJS.ProcessEnv, timeout: HELPER_MS, windowsHide: true },
      (error, stdout, stderr) => resolve({ error: error ?? undefined, stdout, stderr }),
    );
    // A helper that ends without reading is no failure of ours.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
