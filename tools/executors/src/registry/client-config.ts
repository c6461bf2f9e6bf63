import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { EnvHttpProxyAgent, type Agent, type Dispatcher } from 'undici';
import { rememberAddress, Secret } from '../foundation/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the npm client itself would use here: found at run time, so that no registry's host stands in our files. */
export interface ClientConfig {
  /** The client's own default registry, from its files, the environment, or built in. With a trailing slash where it has one there. */
  registry: string;
  /** Flat options, as arborist, pacote and npm-registry-fetch take them. Holds tokens: never print it. */
  flat: Record<string, unknown>;
  /** The token that the client has for this address, or for the nearest path above it. */
  tokenFor(url: string): Secret | undefined;
  /** A connection pool with the client's proxy, certificates and strictness. Loopback is never proxied. */
  dispatcher(options?: Agent.Options): Dispatcher;
}

/**
 * Reads the npm client's configuration as it counts in `cwd`: `.npmrc` of the project, the user and the machine, and
 * `npm_config_*`. Needs no npm to be installed; where there is one, its built-in file counts too.
 */
export async function readClientConfig(cwd: string, env: Env = process.env): Promise<ClientConfig> {
  const require = createRequire(import.meta.url);
  const Config = require('@npmcli/config') as NpmConfigClass;
  const known = require('@npmcli/config/lib/definitions') as NpmDefinitions;
  const config = new Config({
    definitions: known.definitions,
    shorthands: known.shorthands,
    flatten: known.flatten,
    nerfDarts: known.nerfDarts,
    ...findNpm(env),
    // A copy, because loading writes npm_config_* variables back into it; and none of our own arguments are npm's.
    env: { ...env },
    argv: [process.execPath, 'npm'],
    cwd,
    warn: false,
  });
  await config.load();
  const { flat } = config;
  const registry = String(config.get('registry'));
  for (const [key, value] of Object.entries(flat)) {
    if (isCredential(key, value)) new Secret(value).toString();
    if (typeof value === 'string') rememberAddress(value);
  }
  return {
    registry: withoutUser(registry),
    flat,
    tokenFor: (url) => tokenFor(flat, url),
    dispatcher: (options) => dispatcherOf(flat, env, options),
  };
}

/** The registry that the npm client has built in, whatever its files say. */
export function builtInRegistry(): string {
  const require = createRequire(import.meta.url);
  const { definitions } = require('@npmcli/config/lib/definitions') as NpmDefinitions;
  return definitions['registry']?.default ?? '';
}

/** An address is shown and recorded; who has a password in it needs a token instead. */
function withoutUser(address: string): string {
  const url = URL.parse(address);
  if (!url || (url.username === '' && url.password === '')) return address;
  url.username = '';
  url.password = '';
  return url.href;
}

interface NpmDefinitions {
  definitions: Record<string, { default?: string } | undefined>;
  shorthands: object;
  flatten: unknown;
  nerfDarts: string[];
}
type NpmConfigClass = new (options: Record<string, unknown>) => {
  load(): Promise<void>;
  get(key: string): unknown;
  flat: Record<string, unknown>;
};

/** The npm on PATH decides where the machine's own configuration lies: another Node may be running us than npm. */
function findNpm(env: Env): { npmPath: string; execPath: string } {
  const windows = process.platform === 'win32';
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    const npm = join(folder, windows ? 'npm.cmd' : 'npm');
    if (!folder || !existsSync(npm)) continue;
    const node = join(folder, windows ? 'node.exe' : 'node');
    const npmPath = windows ? join(folder, 'node_modules', 'npm') : dirname(dirname(realpathSync(npm)));
    return { npmPath, execPath: existsSync(node) ? node : process.execPath };
  }
  return { npmPath: join(dirname(process.execPath), 'no-npm'), execPath: process.execPath };
}

function isCredential(key: string, value: unknown): value is string {
  return typeof value === 'string' && /^\/\/.*:(_authToken|_auth|_password)$/.test(key);
}

/** npm keeps credentials by "nerf dart": the address without its scheme, and any path above it. */
function tokenFor(flat: Record<string, unknown>, url: string): Secret | undefined {
  const { host, pathname } = new URL(url);
  let place = `//${host}${pathname.endsWith('/') ? pathname : `${pathname}/`}`;
  while (place.length > 2) {
    const token = flat[`${place}:_authToken`];
    if (typeof token === 'string' && token) return new Secret(token);
    place = place.replace(/([^/]+|\/)$/, '');
  }
  return undefined;
}

function dispatcherOf(flat: Record<string, unknown>, env: Env, options: Agent.Options = {}): Dispatcher {
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? '';
  const said = text(flat['httpsProxy']) || text(flat['proxy']);
  const noProxy = text(flat['noProxy']) || variable('no_proxy');
  const tls = {
    ca: (flat['ca'] as string | string[] | null) ?? undefined,
    cert: text(flat['cert']) || undefined,
    key: text(flat['key']) || undefined,
    rejectUnauthorized: flat['strictSSL'] !== false,
  };
  return new EnvHttpProxyAgent({
    ...options,
    httpsProxy: said || variable('https_proxy'),
    httpProxy: said || variable('https_proxy') || variable('http_proxy') || variable('proxy'),
    noProxy: [noProxy, 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(','),
    connect: {
      ...tls,
      localAddress: text(flat['localAddress']) || undefined,
      ...(options.connect as object | undefined),
    },
    requestTls: tls,
    proxyTls: tls,
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
