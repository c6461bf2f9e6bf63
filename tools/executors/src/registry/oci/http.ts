import { Readable } from 'node:stream';
import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { errors, isLoopback, SluiceError } from '../../foundation/index.ts';
import { redirection, USER_AGENT } from '../http.ts';
import { explain } from '../network.ts';
import { wordsOf } from '../words.ts';
import { interpret, invalid, said, type Asked, type Operation } from './answers.ts';
import { openLogin, type Scope, type TokenRequest } from './login.ts';
import { counted } from './tally.ts';
import type { OciOptions } from './types.ts';

const REDIRECTS = 5;
/** A manifest may have 4 MiB by the specification; what is much larger is none. */
const DOCUMENT = 16 * 1024 * 1024;

export interface Call {
  operation: Operation;
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the registry's address, with a leading slash; or a whole address, as a registry gave it. */
  url: string;
  repository: string;
  /** The tag or digest that this is about. */
  reference?: string;
  scopes: Scope[];
  headers?: Record<string, string>;
  /** A body that streams is opened anew where the request has to be sent again. */
  body?: Buffer | (() => Promise<Readable>);
  /** Statuses that are answers to this call, besides 2xx. */
  expected?: readonly number[];
  signal?: AbortSignal | undefined;
}
export interface Response {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Dispatcher.ResponseData['body'];
  /** Where the answer came from, after redirections. */
  url: string;
}
export interface Http {
  readonly host: string;
  /** One request, logged in and redirected: an answer whose body the caller reads or dumps. Throws SluiceErrors. */
  send(call: Call): Promise<Response>;
  /** The whole body of a small answer. */
  bytes(call: Call, response: Response): Promise<Buffer>;
  asked(call: Pick<Call, 'operation' | 'repository' | 'reference'>): Asked;
  close(): Promise<void>;
}

const CONNECTIONS: Agent.Options = {
  connections: 16,
  pipelining: 1,
  keepAliveTimeout: 30_000,
  connectTimeout: 15_000,
  // A registry answers the last byte of a large layer when it has moved it to where it keeps it.
  headersTimeout: 300_000,
  bodyTimeout: 60_000,
};

/**
 * The connections to one registry. Credentials go to it and to the token service that it names, and to no other host.
 * @throws IMAGE_REGISTRY_INSECURE for plain HTTP to another machine
 */
export function openHttp(
  { host, insecure, credentials }: OciOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Http {
  if (insecure && !isLoopback(host))
    throw errors.IMAGE_REGISTRY_INSECURE({ registry: host, what: 'images and credentials' });
  const { origin } = new URL(`${insecure ? 'http' : 'https'}://${host}`);
  const dispatcher = dispatcherFor(host, env);
  const login = openLogin(credentials, askService);

  const asked = ({
    operation,
    repository,
    reference = '',
  }: Pick<Call, 'operation' | 'repository' | 'reference'>): Asked => ({
    operation,
    registry: host,
    repository,
    reference,
    credentials: credentials !== undefined,
  });

  async function ask(url: string, options: Omit<Dispatcher.RequestOptions, 'path'>): Promise<Response> {
    counted(new URL(url).pathname);
    try {
      const { statusCode, headers, body } = await request(url, {
        ...options,
        headers: { 'user-agent': USER_AGENT, ...(options.headers as Record<string, string>) },
        dispatcher,
      } as never);
      return { status: statusCode, headers, body, url };
    } catch (error) {
      throw unreachable(new URL(url).host, error, options.signal as AbortSignal | undefined);
    }
  }

  async function askService(request: TokenRequest, about: Asked, signal?: AbortSignal): Promise<unknown> {
    const { url, method, headers, body } = request;
    const { protocol, host: service } = new URL(url);
    if (protocol !== 'https:' && !isLoopback(service))
      throw errors.IMAGE_REGISTRY_INSECURE({
        registry: service,
        what: `the credentials for ${host} (its token service)`,
      });
    const response = await ask(url, { method, headers, body, signal });
    const text = await wordsOf(response.body);
    if (response.status !== 200) throw interpret({ ...about, ...response, body: text });
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw invalid(about, 'its token service gave no JSON', cause);
    }
  }

  /** Registries behind a proxy that ends TLS name themselves by http; another host is another host. */
  function resolve(url: string): string {
    const at = new URL(url, origin);
    if (at.host === new URL(origin).host) at.protocol = new URL(origin).protocol;
    return at.href;
  }

  async function once(call: Call, url: string, authorization: string | undefined): Promise<Response> {
    const headers = { ...call.headers };
    if (authorization !== undefined && new URL(url).origin === origin)
      headers['authorization'] = authorization;
    const body = typeof call.body === 'function' ? await call.body() : call.body;
    try {
      return await ask(url, { method: call.method, headers, body: body as never, signal: call.signal });
    } finally {
      // Left open where the registry answered before it had read everything.
      if (body instanceof Readable) body.destroy();
    }
  }

  async function send(call: Call): Promise<Response> {
    const about = asked(call);
    let url = resolve(call.url);
    let hops = 0;
    let learned = 0;
    for (;;) {
      const here = new URL(url).origin === origin;
      const authorization = here ? await login.authorization(call.scopes, about, call.signal) : undefined;
      const response = await once(call, url, authorization);
      const { status, headers } = response;
      if (call.expected?.includes(status)) return response;
      if (status >= 200 && status < 300) {
        const type = String(headers['content-type'] ?? '');
        if (!type.startsWith('text/html')) return response;
        const page = await wordsOf(response.body);
        throw invalid(about, `a page for people: ${said({ status, body: page })}`);
      }
      const reading = call.method === 'GET' || call.method === 'HEAD';
      const next = reading && hops < REDIRECTS ? redirection(url, status, headers['location']) : undefined;
      if (next !== undefined) {
        await response.body.dump();
        url = resolve(next);
        hops += 1;
        continue;
      }
      if (status === 401 && here && learned < 1) {
        if (login.learn(headers['www-authenticate'], authorization, call.scopes)) {
          await response.body.dump();
          learned += 1;
          continue;
        }
      }
      const body = await wordsOf(response.body);
      throw interpret({ ...about, status, headers, body });
    }
  }

  async function bytes(call: Call, response: Response): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response.body) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > DOCUMENT)
          throw invalid(asked(call), `more than ${DOCUMENT} bytes where a manifest belongs`);
      }
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      throw cut(asked(call), size, error, call.signal);
    }
    return Buffer.concat(chunks);
  }

  return {
    host,
    send,
    bytes,
    asked,
    // Not `close()`, which waits for answers that may never come.
    close: () => dispatcher.destroy(),
  };
}

/** A download that ended before its end; a request that the caller ended, as its own reason. */
export function cut(about: Asked, got: number, cause: unknown, signal?: AbortSignal, size?: number): unknown {
  if (signal?.aborted) return signal.reason;
  const { registry, repository, reference: digest } = about;
  return errors.IMAGE_DOWNLOAD_CUT(
    { registry, repository, digest, got, ...(size === undefined ? {} : { size }) },
    { transient: true, cause },
  );
}

function unreachable(registry: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  // What a body's own stream failed with is not the network's fault.
  if (error instanceof SluiceError) return error;
  const { code, certificate, why } = explain(error, 'name its authority in NODE_EXTRA_CA_CERTS');
  const plain = code === 'EPROTO' || code.startsWith('ERR_SSL');
  return errors.IMAGE_REGISTRY_UNREACHABLE(
    { registry, why: plain ? `it speaks no TLS there, or another kind of it (${code})` : why },
    { transient: !certificate && !plain, cause: error, details: { registry, cause: code } },
  );
}

function dispatcherFor(host: string, env: Readonly<Record<string, string | undefined>>): Dispatcher {
  const variable = (name: string): string | undefined => env[name] || env[name.toUpperCase()];
  const proxied = variable('https_proxy') ?? variable('http_proxy');
  if (isLoopback(host) || proxied === undefined) return new Agent(CONNECTIONS);
  return new EnvHttpProxyAgent({
    ...CONNECTIONS,
    httpProxy: variable('http_proxy') ?? '',
    httpsProxy: proxied,
    noProxy: [variable('no_proxy'), 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(','),
  });
}
