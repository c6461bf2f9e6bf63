import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { runLoad } from './load.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});
async function serve(answer: (n: number) => number | 'cut' | 'silent') {
  let n = 0;
  server = createServer((request, response) => {
    const status = answer(++n);
    if (status === 'cut') request.socket.destroy();
    else if (status !== 'silent') response.writeHead(status).end('body');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

it('counts every request that was not answered as expected, by its reason', async () => {
  const url = await serve((n) => (n === 3 ? 502 : n === 5 ? 'cut' : n === 7 ? 'silent' : 200));
  const report = await runLoad({ url, rate: 100, seconds: 0.2, patience: 300 });
  expect(report).toMatchObject({
    sent: 20,
    failed: 3,
    failures: { 'HTTP 502': 1, UND_ERR_SOCKET: 1, late: 1 },
  });
  expect(report.latency.longest).toBeGreaterThanOrEqual(290);
});

it('judges the body too, and ends when it is told to', async () => {
  const url = await serve(() => 200);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const report = await runLoad({
    url,
    rate: 200,
    signal: stop.signal,
    expect: (_status, body) => body === 'other',
  });
  expect(report.sent).toBeGreaterThan(5);
  expect(report.failed).toBe(report.sent);
});
