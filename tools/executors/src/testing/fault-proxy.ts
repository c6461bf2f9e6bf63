import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong. Whatever reaches the registry in spite of it is said with each. */
export type Fault =
  /** The registry is not asked. */
  | { do: 'answer'; status: number; headers?: Record<string, string>; body?: string | object }
  /** The registry is not asked; a login page with status 200. */
  | { do: 'html' }
  /** The registry is not asked, and no answer ever comes. */
  | { do: 'hang' }
  | { do: 'delay'; ms: number }
  /** The connection breaks after so many bytes of the request's body; the registry is not asked. */
  | { do: 'cut-request'; after: number }
  /** The registry answers; the connection breaks after so many bytes of the answer's body. */
  | { do: 'cut-answer'; after: number }
  /** The registry takes the request in; the connection breaks instead of the answer. */
  | { do: 'lose-answer' }
  /** Half of the answer's body under an honest length, as a broken cache gives it: only reading it tells. */
  | { do: 'half-body' }
  /** One byte in the middle of the answer's body is another one. */
  | { do: 'corrupt' }
  /** The packument lacks this version (404 where it was the only one), as long as copies are old. */
  | { do: 'hide'; version: string }
  /** Something happens before the registry is asked, or after it took the request in; then the connection breaks. */
  | { do: 'trap'; when: 'before' | 'after'; spring: () => void | Promise<void> }
  /** The registry is asked, and answers, when this is done. */
  | { do: 'meanwhile'; work: () => Promise<void> };

export interface FaultRule {
  method?: string;
  /** On the path with its query, `%2f` as `/`. */
  path?: RegExp;
  /** So many matching requests pass before the first that is hit. */
  after?: number;
  /** So many are hit; 1 by default, `Infinity` for all. */
  times?: number;
  fault: Fault;
}

export interface SeenRequest {
  method: string;
  /** With its query, `%2f` as `/`. */
  path: string;
  headers: IncomingMessage['headers'];
  /** What was answered; undefined as long as it is open, and where the connection was cut. */
  status?: number;
  /** The fault that hit it. */
  fault?: Fault['do'];
}

export interface FaultProxy {
  url: string;
  /** Looked through from the front for each request; the first that fits and is not used up hits it. Change it at any time. */
  rules: FaultRule[];
  requests: SeenRequest[];
  /** Requests under way, now and at the most. */
  concurrent: { now: number; most: number };
  close(): Promise<void>;
}

/**
 * A proxy on loopback in front of a registry, which misbehaves by rules. `delayMs` makes the registry far away: every
 * request waits so long, all of them at the same time. Nothing else is changed, the `Host` header included.
 */
export async function startFaultProxy(options: { target: string; delayMs?: number }): Promise<FaultProxy> {
  const target = new URL(options.target);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  const rules: FaultRule[] = [];
  const requests: SeenRequest[] = [];
  const concurrent = { now: 0, most: 0 };
  const hits = new Map<FaultRule, number>();

  function pick(seen: SeenRequest): Fault | undefined {
    for (const rule of rules) {
      if (rule.method !== undefined && rule.method !== seen.method) continue;
      if (rule.path !== undefined && !rule.path.test(seen.path)) continue;
      const count = (hits.get(rule) ?? 0) + 1;
      const first = (rule.after ?? 0) + 1;
      if (count >= first + (rule.times ?? 1)) continue;
      hits.set(rule, count);
      if (count >= first) return rule.fault;
    }
    return undefined;
  }

  const server = createServer((incoming, outgoing) => {
    const seen: SeenRequest = {
      method: incoming.method ?? '',
      path: (incoming.url ?? '').replace(/%2f/gi, '/'),
      headers: incoming.headers,
    };
    requests.push(seen);
    concurrent.now += 1;
    concurrent.most = Math.max(concurrent.most, concurrent.now);
    outgoing.once('close', () => {
      concurrent.now -= 1;
      if (outgoing.writableFinished) seen.status = outgoing.statusCode;
    });
    const fault = pick(seen);
    seen.fault = fault?.do;
    handle(incoming, outgoing, fault).catch(() => outgoing.destroy());
  });

  async function handle(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    if (options.delayMs) await sleep(options.delayMs);
    switch (fault?.do) {
      case 'answer':
        incoming.resume();
        return answer(outgoing, fault);
      case 'html':
        incoming.resume();
        return answer(outgoing, { status: 200, headers: { 'content-type': 'text/html' }, body: LOGIN_PAGE });
      case 'hang':
        incoming.resume();
        return;
      case 'cut-request': {
        let taken = 0;
        for await (const chunk of incoming) if ((taken += (chunk as Buffer).length) >= fault.after) break;
        outgoing.destroy();
        return;
      }
      case 'delay':
        await sleep(fault.ms);
        break;
      case 'meanwhile':
        await fault.work();
        break;
      case 'trap':
        if (fault.when === 'after') break;
        await fault.spring();
        outgoing.destroy();
        return;
    }
    const upstream = await ask(incoming, outgoing, fault !== undefined);
    const status = upstream.statusCode ?? 502;
    if (fault === undefined || fault.do === 'delay' || fault.do === 'meanwhile') {
      outgoing.writeHead(status, upstream.headers);
      upstream.pipe(outgoing);
      return;
    }
    const body = await whole(upstream);
    if (fault.do === 'trap') await fault.spring();
    if (fault.do === 'lose-answer' || fault.do === 'trap') outgoing.destroy();
    else if (fault.do === 'cut-answer') {
      outgoing.writeHead(status, sized(upstream.headers, body));
      outgoing.write(body.subarray(0, Math.min(fault.after, body.length - 1)), () => outgoing.destroy());
    } else {
      const changed = change(fault, status, body);
      outgoing.writeHead(changed.status, sized(upstream.headers, changed.body));
      outgoing.end(changed.body);
    }
  }

  /** The registry's answer; as plain bytes, and never "unchanged", where a fault is to work on its body. */
  function ask(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    plain: boolean,
  ): Promise<IncomingMessage> {
    const headers = { ...incoming.headers };
    if (plain)
      for (const name of ['accept-encoding', 'if-none-match', 'if-modified-since']) delete headers[name];
    return new Promise((resolve, reject) => {
      const { hostname, port, pathname } = target;
      const path = pathname.replace(/\/$/, '') + incoming.url;
      const forward = request({ agent, hostname, port, path, method: incoming.method, headers }, resolve);
      forward.once('error', reject);
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) forward.destroy();
      });
      incoming.pipe(forward);
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rules,
    requests,
    concurrent,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}

const LOGIN_PAGE =
  '<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>';

function answer(
  outgoing: ServerResponse,
  { status, headers, body }: { status: number; headers?: Record<string, string>; body?: string | object },
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? {});
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  outgoing.end(text);
}

function sized(
  headers: IncomingMessage['headers'],
  body: Buffer,
): Record<string, string | string[] | number | undefined> {
  const { 'transfer-encoding': _, ...rest } = headers;
  return { ...rest, 'content-length': body.length };
}

function change(fault: Fault, status: number, body: Buffer): { status: number; body: Buffer } {
  if (fault.do === 'half-body') return { status, body: body.subarray(0, body.length >> 1) };
  if (fault.do === 'corrupt') {
    const middle = body.length >> 1;
    body[middle] = (body[middle] ?? 0) ^ 0xff;
    return { status, body };
  }
  if (fault.do === 'hide' && status === 200) return hide(body, fault.version);
  return { status, body };
}

function hide(body: Buffer, version: string): { status: number; body: Buffer } {
  const packument = JSON.parse(body.toString()) as {
    versions?: Record<string, unknown>;
    time?: Record<string, string>;
    'dist-tags'?: Record<string, string>;
  };
  const tags = packument['dist-tags'] ?? {};
  delete packument.versions?.[version];
  delete packument.time?.[version];
  for (const [tag, target] of Object.entries(tags)) if (target === version) delete tags[tag];
  if (Object.keys(packument.versions ?? {}).length === 0)
    return { status: 404, body: Buffer.from('{"error":"not found"}') };
  return { status: 200, body: Buffer.from(JSON.stringify(packument)) };
}

async function whole(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
