// One Verdaccio, as a process of its own so that its processor time is not counted as a client's.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

const storage = process.argv[2];
if (storage === undefined || process.send === undefined) throw new Error('started by registries.ts only');
const user = 'bench';
const password = createHash('sha256').update(storage).digest('hex');
mkdirSync(storage, { recursive: true });
writeFileSync(
  join(storage, 'htpasswd'),
  `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}:autocreated\n`,
);

const server = (await runServer({
  storage: join(storage, 'packages'),
  configPath: join(storage, 'config.yaml'),
  self_path: storage,
  auth: { htpasswd: { file: join(storage, 'htpasswd'), max_users: -1 } },
  uplinks: {},
  packages: { '**': { access: '$all', publish: '$authenticated', unpublish: '$authenticated' } },
  web: { enable: false },
  server: { keepAliveTimeout: 120 },
  max_body_size: '500mb',
  log: { type: 'stdout', format: 'json', level: 'fatal' },
} as never)) as Server;
server.listen(0, '127.0.0.1', () => {
  void announce((server.address() as AddressInfo).port);
});
process.once('disconnect', () => process.exit(0));

async function announce(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/-/user/org.couchdb.user:${user}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    },
    body: JSON.stringify({ name: user, password }),
  });
  const { token } = (await response.json()) as { token?: string };
  process.send?.({ port, token });
}
