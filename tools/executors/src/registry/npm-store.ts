import type { Dispatcher } from 'undici';
import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';
import { errors, SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import { answerCut, notJson, refusedBeforehand, type Asked } from './answers.ts';
import { collectBytes, MEMORY_LIMIT } from './bytes.ts';
import { capabilitiesOf } from './capabilities.ts';
import { openHttp, type Http, type Response } from './http.ts';
import { openCredentials } from './trusted/index.ts';
import { publishDocument, streamedBody, wholeBody } from './publish-document.ts';
import { escaped } from './names.ts';
import { stagingOf } from './staging.ts';
import type { Presence, PutOptions, StageStore } from './types.ts';

export interface NpmStoreOptions {
  /** Bytes up to which a tarball is held in memory; 8 MiB by default. */
  memoryLimit?: number;
  tempFolder?: string;
  /** Connections made by the caller, for proxies and authorities of the npm client; the caller closes them. */
  dispatcher?: Dispatcher;
  /** Where a job's right to ask for tokens is found; without it nothing is exchanged. */
  env?: NodeJS.ProcessEnv;
  /** Told what a person should know although nothing failed. */
  note?: (line: string) => void;
}

/** Above this, a publish body is sent piece by piece: it costs three times the tarball as one buffer. */
const ONE_BUFFER = 2 * 1024 * 1024;
const ABBREVIATED = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

interface Packument {
  name?: string;
  _id?: string;
  'dist-tags'?: Record<string, string>;
  versions?: Record<
    string,
    { deprecated?: string | boolean; dist?: { integrity?: string; shasum?: string; tarball?: string } }
  >;
  [key: string]: unknown;
}

/** One stage's registry over npm's protocol. Each call is one attempt; what may work later says `transient`. */
export function openNpmStore(stage: Stage, options: NpmStoreOptions = {}): StageStore {
  const http = openHttp(stage, options.dispatcher);
  const memoryLimit = options.memoryLimit ?? MEMORY_LIMIT;
  const inOrder = perName();
  const credentials = openCredentials(stage, {
    http,
    env: options.env ?? {},
    note: options.note ?? (() => {}),
    isThere: async (name, signal) => (await look(name, signal)).exists,
  });

  async function look(name: string, signal?: AbortSignal): Promise<Presence> {
    const packument = await http.json<Packument>({
      ...asked('look', name),
      method: 'GET',
      path: `/${escaped(name)}`,
      headers: { accept: ABBREVIATED, 'cache-control': 'no-cache' },
      signal,
    });
    if (typeof packument === 'string') return { exists: false, versions: new Map(), tags: {} };
    return presence(packument);
  }

  async function fetch(
    name: string,
    version: string,
    tarball?: string,
    signal?: AbortSignal,
  ): Promise<ArtifactBytes> {
    const call = { ...asked('fetch', name, version), signal };
    const get = async (address: string): Promise<ArtifactBytes> => {
      const response = await http.send({
        ...call,
        method: 'GET',
        path: tarballPath(address, stage.registry),
        headers: { accept: 'application/octet-stream, */*', 'cache-control': 'no-cache' },
      });
      if (typeof response === 'string') throw missing(call);
      return receive(call, response);
    };
    if (tarball !== undefined) return get(tarball);
    if (capabilitiesOf(stage.kind).tarballs === 'usual') {
      try {
        return await get(`${stage.registry}/${name}/-/${name.split('/').at(-1)}-${version}.tgz`);
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'VERSION_NOT_IN_STAGE') throw error;
      }
    }
    const address = (await look(name, signal)).versions.get(version)?.tarball;
    if (address === undefined) throw missing(call);
    return get(address);
  }

  async function receive(call: Asked & { signal?: AbortSignal }, response: Response): Promise<ArtifactBytes> {
    const announced = Number(response.headers['content-length'] ?? Number.NaN);
    const expected = Number.isNaN(announced) ? undefined : announced;
    let bytes: ArtifactBytes;
    try {
      bytes = await collectBytes(response.body, { memoryLimit, tempFolder: options.tempFolder, expected });
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      if (error instanceof SluiceError || isFileError(error)) throw error;
      throw answerCut(call, 'the connection ended before the tarball did', error);
    }
    if (expected !== undefined && expected !== bytes.size) {
      await bytes.dispose();
      throw answerCut(call, `${bytes.size} of ${expected} bytes`);
    }
    return bytes;
  }

  /** A version's document, to where the registry publishes it or where it keeps it until somebody approves. */
  async function hand(
    to: { operation: 'put' | 'stage'; method: 'PUT' | 'POST'; path: string },
    bytes: ArtifactBytes,
    manifest: PackageManifest,
    { tag, access, provenance }: PutOptions,
    signal?: AbortSignal,
  ): Promise<'accepted' | 'present'> {
    const call = { ...asked(to.operation, manifest.name, manifest.version), size: bytes.size, signal };
    const refusal = refusedBeforehand(call);
    if (refusal) throw refusal;
    call.stage = await credentials.toPublish(manifest.name, signal);
    const document = publishDocument(bytes, manifest, {
      registry: stage.registry,
      tag,
      access,
      ...(provenance === undefined ? {} : { provenance }),
    });
    const small = bytes.buffer !== undefined && bytes.size <= Math.min(memoryLimit, ONE_BUFFER);
    const outcome = await send(http, {
      ...call,
      method: to.method,
      path: to.path,
      headers: { 'content-type': 'application/json', 'content-length': String(document.length) },
      body: small
        ? wholeBody(document, bytes.buffer!)
        : streamedBody(document, bytes.stream() as unknown as AsyncIterable<Buffer>),
    });
    return outcome === 'present' ? 'present' : 'accepted';
  }

  const put: StageStore['put'] = (bytes, manifest, how, signal) =>
    hand(
      { operation: 'put', method: 'PUT', path: `/${escaped(manifest.name)}` },
      bytes,
      manifest,
      how,
      signal,
    );

  const staging = stagingOf({
    stage,
    http,
    mustHave: credentials.mustHave,
    receive,
    put: (bytes, manifest, how, signal) =>
      inOrder(manifest.name, () =>
        hand(
          { operation: 'stage', method: 'POST', path: `/-/stage/package/${escaped(manifest.name)}` },
          bytes,
          manifest,
          how,
          signal,
        ),
      ),
  });

  async function setTag(name: string, tag: string, version: string, signal?: AbortSignal): Promise<void> {
    credentials.mustHave('move dist-tags', `npm dist-tag add ${name}@${version} ${tag}`);
    await send(http, {
      ...asked('setTag', name, version),
      method: 'PUT',
      path: tagPath(name, tag),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(version),
      signal,
    });
  }

  async function removeTag(name: string, tag: string, signal?: AbortSignal): Promise<void> {
    credentials.mustHave('remove dist-tags', `npm dist-tag rm ${name} ${tag}`);
    try {
      await send(http, { ...asked('removeTag', name), method: 'DELETE', path: tagPath(name, tag), signal });
    } catch (error) {
      // A tag that is not there answers like a right that is missing; the packument tells which it was.
      const masked =
        error instanceof SluiceError &&
        (error.code === 'RIGHT_MISSING' || error.code === 'VERSION_NOT_IN_STAGE');
      if (!masked || (await look(name, signal)).tags[tag] !== undefined) throw error;
    }
  }

  async function deprecate(
    name: string,
    version: string,
    message: string,
    signal?: AbortSignal,
  ): Promise<void> {
    credentials.mustHave('deprecate versions', `npm deprecate ${name}@${version} ${quoted(message)}`);
    const call = { ...asked('deprecate', name, version), signal };
    const document = await http.json<Packument>({
      ...call,
      method: 'GET',
      path: `/${escaped(name)}?write=true`,
      headers: { accept: 'application/json', 'cache-control': 'no-cache' },
    });
    const target = typeof document === 'string' ? undefined : document.versions?.[version];
    if (typeof document === 'string' || target === undefined) throw missing(call);
    if ((target.deprecated ?? '') === message) return;
    target.deprecated = message;
    // The `_rev` goes back as it came. GitHub leaves `_id` out; Verdaccio takes attachments for a new version.
    document['_id'] ||= name;
    delete document['_attachments'];
    await send(http, {
      ...call,
      method: 'PUT',
      path: `/${escaped(name)}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(document),
    });
  }

  async function whoami(signal?: AbortSignal): Promise<string | undefined> {
    const call: Asked = asked('whoami', '');
    const answer = await http.json<{ username?: unknown }>({
      ...call,
      method: 'GET',
      path: '/-/whoami',
      signal,
    });
    if (typeof answer === 'string') return undefined;
    if (typeof answer.username === 'string' && answer.username !== '') return answer.username;
    // Verdaccio takes a token that it does not know for no token at all.
    if (stage.token && stage.kind === 'verdaccio') {
      throw errors.TOKEN_REFUSED({
        stage: stage.name,
        registry: stage.registry,
        tokenEnv: stage.tokenEnv,
        said: 'it belongs to nobody there',
      });
    }
    return undefined;
  }

  function asked(operation: Asked['operation'], name: string, version?: string): Asked {
    return { operation, stage, name, version };
  }
  function missing({ name, version }: Asked): SluiceError {
    return errors.VERSION_NOT_IN_STAGE({ stage: stage.name, registry: stage.registry, name, version });
  }

  return {
    stage: stage.name,
    capabilities: credentials.limit(capabilitiesOf(stage.kind)),
    look,
    fetch,
    put: (bytes, manifest, how, signal) => inOrder(manifest.name, () => put(bytes, manifest, how, signal)),
    ...(capabilitiesOf(stage.kind).staging ? { staging } : {}),
    setTag: (name, tag, version, signal) => inOrder(name, () => setTag(name, tag, version, signal)),
    removeTag: (name, tag, signal) => inOrder(name, () => removeTag(name, tag, signal)),
    deprecate: (name, version, message, signal) =>
      inOrder(name, () => deprecate(name, version, message, signal)),
    whoami,
    close: http.close,
  };
}

/**
 * Path of a tarball below the registry's address. Registries behind a proxy name their inner host, and may
 * not know the folder that the proxy serves them under; the token must not follow them there.
 */
export function tarballPath(address: string, registry: string): string {
  const base = new URL(registry);
  const url = new URL(address, `${registry}/`);
  const folder = base.pathname.replace(/\/+$/, '');
  const path =
    folder !== '' && url.pathname.startsWith(`${folder}/`) ? url.pathname.slice(folder.length) : url.pathname;
  return path + url.search;
}

/** A text as one argument of a shell, for a command that a person is to type. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function tagPath(name: string, tag: string): string {
  return `/-/package/${escaped(name)}/dist-tags/${encodeURIComponent(tag)}`;
}

function presence(packument: Packument): Presence {
  const versions: Presence['versions'] = new Map();
  for (const [version, { dist, deprecated }] of Object.entries(packument.versions ?? {})) {
    if (typeof dist?.tarball !== 'string') continue;
    versions.set(version, {
      integrity: dist.integrity,
      shasum: dist.shasum,
      tarball: dist.tarball,
      ...(deprecated ? { deprecated: String(deprecated) } : {}),
    });
  }
  return { exists: true, versions, tags: { ...packument['dist-tags'] } };
}

/** A write, whose 2xx body says nothing that we need. */
async function send(http: Http, call: Parameters<Http['send']>[0]): Promise<'present' | 'absent' | 'done'> {
  const response = await http.send(call);
  if (typeof response === 'string') return response;
  const type = String(response.headers['content-type'] ?? '');
  // A login page says 200 to everything, and has taken nothing in.
  if (/html/i.test(type)) throw notJson(call, type, await response.body.text());
  await response.body.dump({ limit: 1024 * 1024 }).catch(() => {});
  return 'done';
}

function isFileError(error: unknown): boolean {
  return (
    typeof (error as NodeJS.ErrnoException)?.syscall === 'string' &&
    typeof (error as NodeJS.ErrnoException).path === 'string'
  );
}

/**
 * Writes to one package go one after the other: registries save a package as one document, and a deprecation
 * that writes back what it read would take away a version that came in between.
 */
function perName(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(name) ?? Promise.resolve()).then(work, work);
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (last.get(name) === settled) last.delete(name);
      });
    last.set(name, settled);
    return mine;
  };
}
