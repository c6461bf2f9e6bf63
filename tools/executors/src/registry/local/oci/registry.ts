import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { USER } from '../config.ts';
import { close, listen } from '../listen.ts';
import { answers, type Faults } from './answers.ts';
import { rightsOf } from './rights.ts';
import { ImageStore } from './store.ts';
import { Refusal } from './wire.ts';

export interface OciRegistryOptions {
  /** Where the images lie; made if missing. */
  folder: string;
  /** Tried first; any free port where it is taken. Without it, any. */
  port?: number;
  /** Writing then needs a login as the user `sluice`; without it nothing does. */
  password?: string;
  /** For tests of clients. */
  faults?: Faults;
}
export interface OciRegistry {
  /** `127.0.0.1:<port>` */
  host: string;
  port: number;
  /** May be changed while it runs. */
  faults: Faults;
  /** `<method> <path and query>` of all requests so far. */
  requests: string[];
  close(): Promise<void>;
}

/** Starts a registry of the OCI distribution protocol on 127.0.0.1, in this process. */
export async function startOciRegistry(options: OciRegistryOptions): Promise<OciRegistry> {
  const store = new ImageStore(options.folder);
  await store.prepare();
  const { faults = {}, password } = options;
  const rights =
    password === undefined
      ? undefined
      : rightsOf({
          user: USER,
          password,
          scheme: faults.login ?? 'bearer',
          privately: faults.privately ?? false,
        });
  const requests: string[] = [];
  const answer = answers(store, rights, faults);
  const server: Server = createServer((request, response) => {
    if (requests.push(`${request.method} ${request.url}`) > MOST_REMEMBERED) requests.shift();
    answer(request, response).catch((error: unknown) => refuse(request, response, error));
  });
  server.keepAliveTimeout = 60_000;
  // A large layer over a slow line takes its time.
  server.requestTimeout = 0;
  const port = await listen(server, options.port ?? 0);
  return { host: `127.0.0.1:${port}`, port, faults, requests, close: () => close(server) };
}
const MOST_REMEMBERED = 1000;

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, code, message, headers } =
    error instanceof Refusal
      ? error
      : new Refusal(500, 'UNKNOWN', error instanceof Error ? error.message : String(error));
  // What is left of a body that nobody reads would be taken for the next request.
  const unread = !request.complete && request.headers['content-length'] !== '0';
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    ...(unread && request.method !== 'GET' && request.method !== 'HEAD' ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? '' : JSON.stringify({ errors: [{ code, message }] }));
}
