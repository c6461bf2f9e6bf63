import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface TestRegistry {
  host: string;
  close(): Promise<void>;
}

/** Where a program lies on PATH (or in Debian's place for it); undefined where it is not installed. */
export function programOf(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin']
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** The reference registry (Debian's `docker-registry`) on a free port of loopback, storing in a temporary folder. */
export async function startDockerRegistry(program: string): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-docker-registry-'));
  const port = await freePort();
  const file = join(folder, 'config.yml');
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: createHash('sha256').update(folder).digest('hex'),
    },
  };
  await writeFile(file, JSON.stringify(config));
  const child = spawn(program, ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (let i = 0; i < 300; i += 1) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => true,
      () => false,
    );
    if (up) return { host: `127.0.0.1:${port}`, close };
    if (child.exitCode !== null) break;
    await pause(20);
  }
  await close();
  throw new Error(`docker-registry did not start: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((done) => server.close(() => done()));
  return port;
}
