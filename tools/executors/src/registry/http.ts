import { readFileSync } from 'node:fs';
import { Agent, request, type Dispatcher } from 'undici';
import { SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import { answerCut, interpret, notJson, type Asked } from './answers.ts';
import { unreachable } from './network.ts';
import { wordsOf } from './words.ts';

const REDIRECTS = 5;

export interface Call extends Asked {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the registry's address, with a leading slash. */
  path: string;
  headers?: Record<string, string>;
  body?: Buffer | string | AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
}
export type Response = Dispatcher.ResponseData;

export interface Http {
  /** One request: a 2xx response, or what the table of answers makes of another one. Throws SluiceErrors. */
  send(call: Call): Promise<Response | 'present' | 'absent'>;
  /** `send`, and the JSON of its body. */
  json<T>(call: Call): Promise<T | 'present' | 'absent'>;
  close(): Promise<void>;
}

/**
 * How one stage's registry is talked to. As many connections as pnpm opens at most: while a registry is far away, they
 * are what a promotion of many packages waits for.
 */
export const CONNECTIONS: Agent.Options = {
  connections: 64,
  pipelining: 1,
  keepAliveTimeout: 30_000,
  connectTimeout: 15_000,
  headersTimeout: 120_000,
  bodyTimeout: 60_000,
};

/** The connections to one stage's registry; the token goes there, and to no other host. */
export function openHttp(stage: Stage, given?: Dispatcher): Http {
  const dispatcher = given ?? new Agent(CONNECTIONS);
  const origin = new URL(stage.registry).origin;

  async function ask(url: string, call: Call): Promise<Response> {
    const headers: Record<string, string> = { 'user-agent': USER_AGENT, ...call.headers };
    // The call's own stage: what trusted publishing gives is for one package, and no other call.
    const { token } = call.stage;
    if (token && new URL(url).origin === origin) headers['authorization'] = `Bearer ${token.reveal()}`;
    try {
      return await request(url, {
        method: call.method,
        headers,
        body: call.body as never,
        signal: call.signal,
        dispatcher,
      });
    } catch (error) {
      throw error instanceof SluiceError ? error : unreachable(stage, error, call.signal);
    }
  }

  async function send(call: Call): Promise<Response | 'present' | 'absent'> {
    let url = stage.registry + call.path;
    for (let hops = 0; ; hops += 1) {
      const response = await ask(url, call);
      const { statusCode, headers } = response;
      if (statusCode >= 200 && statusCode < 300) return response;
      const next =
        call.method === 'GET' && hops < REDIRECTS
          ? redirection(url, statusCode, headers['location'])
          : undefined;
      if (next !== undefined) {
        await response.body.dump();
        url = next;
        continue;
      }
      const outcome = interpret({ ...call, status: statusCode, headers, body: await wordsOf(response.body) });
      if (outcome instanceof SluiceError) throw outcome;
      return outcome;
    }
  }

  async function json<T>(call: Call): Promise<T | 'present' | 'absent'> {
    const response = await send(call);
    if (typeof response === 'string') return response;
    let text: string;
    try {
      text = await response.body.text();
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw answerCut(call, 'the connection ended before the answer did', error);
    }
    try {
      return JSON.parse(text) as T;
    } catch {
      throw notJson(call, String(response.headers['content-type'] ?? ''), text);
    }
  }

  return {
    send,
    json,
    // Not `close()`, which waits for answers that may never come.
    close: async () => (given ? undefined : dispatcher.destroy()),
  };
}

/** Where a GET goes on to; never from https to plain http. */
export function redirection(
  from: string,
  status: number,
  location: string | string[] | undefined,
): string | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || typeof location !== 'string') return undefined;
  const next = URL.parse(location, from);
  if (next === null || (from.startsWith('https:') && next.protocol !== 'https:')) return undefined;
  return next.href;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
export const USER_AGENT = `sluice/${version} node/${process.version}`;
