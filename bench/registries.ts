import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endGroup, spawnOwned } from './commands.ts';

/** A fresh registry, as the measured programs see it. */
export interface Registry {
  /** Its address without a trailing slash; the delaying proxy's, where there is one. */
  url: string;
  /** Its address without the delay, for preparing and for looking afterwards. */
  direct: string;
  token: string;
  /** Ends its processes and removes its storage. */
  stop(): Promise<void>;
}

const START_MS = 30_000;

/** An empty Verdaccio on a free port of the loopback, in a process of its own; behind a delay of `latency` ms where it is not 0. */
export async function startRegistry(latency: number): Promise<Registry> {
  const storage = mkdtempSync(join(tmpdir(), 'sluice-bench-registry-'));
  const stops: (() => Promise<void>)[] = [];
  const remove = (): void => rmSync(storage, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((end) => end()));
    process.off('exit', remove);
    remove();
  };
  try {
    const registry = await startProcess('registry-process.ts', [storage]);
    stops.push(registry.stop);
    if (registry.token === undefined) throw new Error('the registry gave no token');
    const direct = `http://127.0.0.1:${registry.port}`;
    if (latency === 0) return { url: direct, direct, token: registry.token, stop };
    const proxy = await startProcess('delay-process.ts', [direct, String(latency)]);
    stops.push(proxy.stop);
    return { url: `http://127.0.0.1:${proxy.port}`, direct, token: registry.token, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  port: number;
  token?: string;
  stop(): Promise<void>;
}

async function startProcess(file: string, args: string[]): Promise<Started> {
  const child = spawnOwned([process.execPath, join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((settle) => {
    child.once('exit', () => settle());
    child.once('error', () => settle());
  });
  const stop = async (): Promise<void> => {
    endGroup(child);
    await ended;
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    const message = await Promise.race([
      new Promise<{ port: number; token?: string }>((settle) => {
        child.once('message', (said) => settle(said as { port: number; token?: string }));
      }),
      ended.then(() => Promise.reject(new Error(`${file} ended before it was ready`))),
      new Promise<never>((_, fail) => {
        timer = setTimeout(() => fail(new Error(`${file} was not ready within ${START_MS} ms`)), START_MS);
      }),
    ]);
    return { ...message, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
