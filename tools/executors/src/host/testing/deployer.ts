import process from 'node:process';
import { openHost, type HostOptions } from '../host.ts';

/**
 * A deployer as a process of its own, to be killed: takes the lock, and holds it until it is told to go. SIGTERM makes it go
 * the proper way.
 */
const { ttl, everyMs, ...options } = JSON.parse(process.argv[2] ?? '{}') as HostOptions & {
  ttl: number;
  everyMs: number;
};
const host = await openHost(options);
await host.run('lock', { values: { OWNER: `deployer ${process.pid}`, TTL: String(ttl) } });
host.startHeartbeat(everyMs);
process.once('SIGTERM', () => {
  void (async () => {
    host.stopHeartbeat();
    await host.run('undo');
    await host.run('unlock');
    await host.close();
    process.exit(143);
  })();
});
setInterval(() => {}, 1_000);
process.stdout.write('locked\n');
