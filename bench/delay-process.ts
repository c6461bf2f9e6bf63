// A proxy that holds every request back, as a registry far away does; any number of requests at once.
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const [target, delay] = [process.argv[2], Number(process.argv[3])];
if (target === undefined || process.send === undefined) throw new Error('started by registries.ts only');
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const { hostname, port } = new URL(target);

const server = createServer((incoming, outgoing) => {
  setTimeout(() => {
    const forward = request(
      // The headers pass unchanged, `host` too: tarball addresses then lead through the proxy again.
      { hostname, port, agent, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
  }, delay);
});
server.keepAliveTimeout = 120_000;
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once('disconnect', () => process.exit(0));
