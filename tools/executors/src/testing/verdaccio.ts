import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

export interface VerdaccioUser {
  name: string;
  password: string;
}
export interface TestVerdaccio {
  /** Without a trailing slash. */
  url: string;
  /** A token of one of the `users`; the first one by default. */
  token(user?: string): Promise<string>;
  /** Ends the server, and removes the storage where it was made here. */
  close(): Promise<void>;
}

const TESTER: VerdaccioUser = { name: 'tester', password: 'tester-password' };

/**
 * A real Verdaccio in this process, on a free loopback port, without uplinks. Anyone reads, users publish.
 * `config` is laid over the configuration (its top-level keys replace ours).
 */
export async function startVerdaccio(
  options: { users?: VerdaccioUser[]; storage?: string; config?: Record<string, unknown> } = {},
): Promise<TestVerdaccio> {
  const users = options.users ?? [TESTER];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-verdaccio-'));
  await writeFile(join(folder, 'htpasswd'), users.map(htpasswdLine).join(''));
  const server = (await runServer({
    configPath: join(folder, 'config.yaml'),
    self_path: join(folder, 'config.yaml'),
    storage: options.storage ?? join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$authenticated', unpublish: '$authenticated' } },
    web: { enable: false },
    middlewares: {},
    max_body_size: '400mb',
    userRateLimit: { windowMs: 1000, max: 10_000 },
    log: { type: 'stdout', format: 'json', level: 'fatal' },
    ...options.config,
  } as never)) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (name = users[0]?.name) =>
      tokenOf(
        url,
        users.find((user) => user.name === name),
      ),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A line of Verdaccio's htpasswd file; SHA-1 because bcrypt would cost each test its time. */
export function htpasswdLine({ name, password }: VerdaccioUser): string {
  return `${name}:{SHA}${createHash('sha1').update(password).digest('base64')}:autocreated 2026-01-01\n`;
}

async function tokenOf(url: string, user: VerdaccioUser | undefined): Promise<string> {
  if (!user) throw new Error('this Verdaccio has no such user');
  const answer = await fetch(`${url}/-/user/org.couchdb.user:${user.name}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`,
    },
    body: JSON.stringify(user),
  });
  const { token } = (await answer.json()) as { token?: string };
  if (!token) throw new Error(`Verdaccio gave no token for ${user.name} (${answer.status})`);
  return token;
}
