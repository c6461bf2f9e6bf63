import { request } from 'node:http';
import { readJson } from './files.ts';
import type { Hosted } from './host.ts';
import type { LocalPaths } from './paths.ts';

/** What the running server writes for its clients. */
export interface ServerState {
  pid: number;
  control: string;
  secret: string;
}

export const readState = (paths: LocalPaths): Promise<ServerState | undefined> =>
  readJson<ServerState>(paths.state);

export interface OpenLease {
  registries: Record<string, Hosted>;
  /** Resolves when the connection ends, by whichever side. */
  closed: Promise<void>;
  release(): Promise<void>;
}
/** The server could not start a registry; asking again will not help. */
export class ServerProblem extends Error {}

/** Opens a lease: a request whose answer never ends. Undefined where nobody answers, or who answers is just stopping. */
export function openLease(
  state: ServerState,
  query: URLSearchParams,
  ms: number,
): Promise<OpenLease | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(`${state.control}/lease?${query}`, {
      agent: false,
      headers: { authorization: `Bearer ${state.secret}` },
    });
    const timer = setTimeout(() => call.destroy(), ms);
    const closed = new Promise<void>((done) => call.once('close', () => done()));
    call.on('error', () => {});
    void closed.then(() => {
      clearTimeout(timer);
      resolve(undefined);
    });
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', () => {});
      response.on('data', (part: string) => {
        text += part;
        if (response.statusCode !== 200 || !text.endsWith('\n')) return;
        clearTimeout(timer);
        // A finished client must be able to end although its lease is open.
        response.socket.unref();
        resolve({
          registries: JSON.parse(text) as Record<string, Hosted>,
          closed,
          release: () => {
            response.socket.ref();
            call.destroy();
            return closed;
          },
        });
      });
      response.on('end', () => {
        if (response.statusCode === 500)
          reject(new ServerProblem((JSON.parse(text) as { problem: string }).problem));
      });
    });
    call.end();
  });
}

/** Asks the server to stop: `busy` where somebody else holds a lease, `gone` where nobody answers. */
export function askToStop(state: ServerState): Promise<'stopping' | 'busy' | 'gone'> {
  return new Promise((resolve) => {
    const call = request(`${state.control}/stop`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${state.secret}` },
      timeout: 5000,
    });
    call.on('response', (response) => {
      response.resume();
      resolve(
        response.statusCode === 200 || response.statusCode === 503
          ? 'stopping'
          : response.statusCode === 409
            ? 'busy'
            : 'gone',
      );
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve('gone'));
    call.end();
  });
}
