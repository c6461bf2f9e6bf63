import { access, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node } from '@npmcli/arborist';
import type { PackageManifest } from '../artifact/types.ts';
import { errors, orAborted, redact, type SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import { capabilitiesOf } from './capabilities.ts';
import { firstLines, importEntries } from './import-entries.ts';
import { openNpmStore, tarballPath } from './npm-store.ts';
import { entriesOf } from './package-entries.ts';
import type { StageStore } from './types.ts';

export interface InstallRequest {
  name: string;
  version: string;
  /** What the stage is expected to serve. */
  integrity: string;
  stage: Stage;
  /** Scopes of the workspace ("@acme"): they come from this stage alone. */
  scopes: string[];
  /** The npm client's flat options, for the default registry, proxies and certificates. */
  clientOptions?: Record<string, unknown>;
  /** Opened with the client's proxy and certificates; the stage's own without. */
  store?: Pick<StageStore, 'look'>;
  signal?: AbortSignal;
  /** Milliseconds for all imports; a minute by default. */
  importWithin?: number;
}

/** How the client reaches the network; nothing else of its configuration may change what is installed. */
const CONNECTION =
  /^(registry|proxy|httpsProxy|noProxy|ca|cafile|cert|key|strictSSL|localAddress|maxSockets|timeout|userAgent|fetchTimeout|@[^:]+:registry|\/\/.*)$/;
const NETWORK =
  /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EPROTO|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET|UND_ERR|FETCH_ERROR|EIDLETIMEOUT|ERESPONSETIMEOUT|ECONNECTIONTIMEOUT)/;

/**
 * Installs a version from its stage into an empty folder, without scripts and without any cache, and loads every entry
 * of its `exports`. The workspace's own scopes come from the stage, all else from the client's default registry. An
 * unscoped package is installed by its address in the stage; its unscoped dependencies come from the default registry.
 * Throws INSTALL_FAILED (transient for the network) and IMPORT_FAILED.
 */
export async function installAndImport(request: InstallRequest): Promise<{ entries: string[] }> {
  const { name, version, stage, signal } = request;
  signal?.throwIfAborted();
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-install-')));
  let working: Promise<unknown> = Promise.resolve();
  try {
    const installing = install(request, folder);
    working = installing.catch(() => {});
    const node = await orAborted(installing, signal);
    const manifest = node.package as unknown as PackageManifest;
    const entries = entriesOf(manifest, await exists(join(folder, 'node_modules', name, 'index.js')));
    const failure = await importEntries({ folder, name, entries, within: request.importWithin }, signal);
    if (failure)
      throw errors.IMPORT_FAILED({
        package: `${name}@${version}`,
        stage: stage.name,
        entry: failure.entry,
        reason: redact(failure.reason),
      });
    return { entries: entries.map(({ entry }) => entry) };
  } finally {
    // An installation cannot be called off; its folder goes when it has ended.
    const removing = working.then(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    if (signal?.aborted) removing.catch(() => {});
    else await removing;
  }
}

async function install(request: InstallRequest, folder: string): Promise<Node> {
  const { name, version, integrity } = request;
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  // Takes a third of a second to load, and most stages do not need it.
  const { default: Arborist } = await import('@npmcli/arborist');
  const arborist = new Arborist({
    ...clientOptions(request),
    path: folder,
    cache: join(folder, '.cache'),
    preferOnline: true,
    ignoreScripts: true,
    audit: false,
    fund: false,
    progress: false,
    retry: { retries: 0 },
    fetchRetries: 0,
  });
  const spec = name.startsWith('@') ? `${name}@${version}` : `${name}@${await addressOf(request)}`;
  let tree: Node;
  try {
    tree = await arborist.reify({ add: [spec], save: true });
  } catch (error) {
    throw installFailed(request, error);
  }
  const node = tree.children.get(name);
  if (node === undefined || node.version !== version) {
    throw failedBecause(request, `npm put ${node?.version ?? 'nothing'} in its place`);
  }
  if (!node.integrity?.split(' ').includes(integrity)) {
    throw failedBecause(
      request,
      `the registry serves ${node.integrity ?? 'bytes without an integrity'} to installers, and ${integrity} was expected`,
    );
  }
  return node;
}

/** The client's connections, with the workspace's scopes and the token turned towards the stage. */
function clientOptions({
  clientOptions: flat = {},
  scopes,
  stage,
  name,
}: InstallRequest): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(flat)) if (CONNECTION.test(key)) options[key] = value;
  const scope = name.startsWith('@') ? [name.slice(0, name.indexOf('/'))] : [];
  for (const each of [...scopes, ...scope]) options[`${each}:registry`] = `${stage.registry}/`;
  const { host, pathname } = new URL(`${stage.registry}/`);
  if (stage.token) options[`//${host}${pathname}:_authToken`] = stage.token.reveal();
  return options;
}

/** Only scopes can be turned towards a registry: an unscoped package is named by its address. */
async function addressOf(request: InstallRequest): Promise<string> {
  const { name, version, stage, signal } = request;
  const own = request.store ? undefined : openNpmStore(stage);
  try {
    const presence = await (request.store ?? own)?.look(name, signal);
    const tarball = presence?.versions.get(version)?.tarball;
    if (tarball === undefined)
      throw errors.VERSION_NOT_IN_STAGE({ stage: stage.name, registry: stage.registry, name, version });
    return stage.registry + tarballPath(tarball, stage.registry);
  } finally {
    await own?.close();
  }
}

function installFailed(request: InstallRequest, error: unknown): SluiceError {
  const {
    code = '',
    statusCode = 0,
    message,
  } = error as { code?: string; statusCode?: number; message: string };
  const network = NETWORK.test(code) || statusCode >= 500 || statusCode === 429 || statusCode === 408;
  const notYet = (code === 'ETARGET' || code === 'E404') && !capabilitiesOf(request.stage.kind).visibleAtOnce;
  return failedBecause(request, `${code ? `${code}: ` : ''}${firstLines(message)}`, {
    transient: network || notYet,
    cause: error,
  });
}

function failedBecause(
  { name, version, stage }: InstallRequest,
  reason: string,
  extras: { transient?: boolean; cause?: unknown } = {},
): SluiceError {
  return errors.INSTALL_FAILED(
    { package: `${name}@${version}`, stage: stage.name, reason: redact(reason) },
    extras,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
