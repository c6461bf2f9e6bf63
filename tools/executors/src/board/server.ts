import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { asSluiceError, errors, redact } from '../foundation/index.ts';
import type { PageFiles } from './bundle.ts';
import { SERVED_POLICY, servedPage } from './html.ts';
import type { BoardSource } from './source.ts';

export interface BoardServer {
  url: string;
  close(): Promise<void>;
}

/** Tried first where no port is named, so that links stay good. */
const USUAL_PORT = 4410;
/** Events of one answer. */
const MOST_EVENTS = 500;
const HEARTBEAT_MS = 15_000;

const HEADERS = {
  'content-security-policy': SERVED_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/**
 * Serves the board on loopback. It answers reading requests alone, and only those that name this address: a page of
 * another site cannot have its name point here.
 * @throws BOARD_PORT_TAKEN where a port was named and somebody listens on it
 */
export async function serveBoard(
  source: BoardSource,
  page: PageFiles,
  options: { port?: number } = {},
): Promise<BoardServer> {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    answer({ source, page, server, streams }, request, response).catch((thrown: unknown) => {
      const error = asSluiceError(thrown);
      if (response.headersSent) response.destroy();
      else void send(request, response, 500, 'application/json', JSON.stringify({ problem: error.format() }));
    });
  });
  await listen(server, options.port);
  const beat = setInterval(() => {
    for (const stream of streams) stream.write(': still here\n\n');
  }, HEARTBEAT_MS);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      clearInterval(beat);
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, port: number | undefined): Promise<void> {
  const attempt = (number: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(number, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await attempt(port ?? USUAL_PORT);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE' && port === undefined) throw cause;
    if (port !== undefined) throw errors.BOARD_PORT_TAKEN({ port }, { cause });
    await attempt(0);
  }
}

interface Serving {
  source: BoardSource;
  page: PageFiles;
  server: Server;
  streams: Set<ServerResponse>;
}

async function answer(
  { source, page, server, streams }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const host = request.headers.host ?? '';
  if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(host))
    return send(request, response, 421, 'text/plain', `This is the board of 127.0.0.1:${port} alone.\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(request, response, 405, 'text/plain', 'The board only reads.\n', { allow: 'GET, HEAD' });
  const { pathname, searchParams } = new URL(request.url ?? '/', `http://${host}`);
  const json = (value: unknown) =>
    send(
      request,
      response,
      value === undefined ? 404 : 200,
      'application/json',
      JSON.stringify(value ?? { problem: 'nothing is known of this' }),
    );
  const asked = (name: string) => searchParams.get(name) ?? '';
  switch (pathname) {
    case '/':
      return send(request, response, 200, 'text/html', servedPage());
    case '/page.js':
      return send(request, response, 200, 'text/javascript', page.script);
    case '/page.css':
      return send(request, response, 200, 'text/css', page.style);
    case '/api/board':
      return json(await source.board());
    case '/api/timeline': {
      const from = wholeNumber(asked('from'), 0, Number.MAX_SAFE_INTEGER);
      const count = wholeNumber(asked('count'), 100, MOST_EVENTS);
      const types = asked('types').split(',').filter(Boolean);
      const query = { text: asked('text'), stage: asked('stage'), name: asked('name'), types };
      return json(await source.timeline(query, from, count));
    }
    case '/api/evidence':
      return json(await source.evidence(asked('name'), asked('version')));
    case '/api/changes':
      return json(await source.changes(asked('name'), asked('stage')));
    case '/api/events': {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
      response.write('retry: 1000\n\n');
      const stop = source.watch(() => void response.write('event: changed\ndata: {}\n\n'));
      streams.add(response);
      response.on('close', () => {
        stop();
        streams.delete(response);
      });
      return;
    }
    default:
      return send(request, response, 404, 'text/plain', 'There is nothing here.\n');
  }
}

function wholeNumber(text: string, otherwise: number, most: number): number {
  return /^\d{1,12}$/.test(text) ? Math.min(Number(text), most) : otherwise;
}

const WORTH_PACKING = 2048;
const pack = promisify(gzip);

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const plain = Buffer.from(redact(text));
  const packs = plain.length > WORTH_PACKING && /\bgzip\b/.test(`${request.headers['accept-encoding']}`);
  const body = packs ? await pack(plain, { level: 1 }) : plain;
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    'content-type': `${type}; charset=utf-8`,
    'content-length': body.length,
    ...(packs ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
