import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';

let upstream: Server;
let reached: string[];
let proxy: FaultProxy;

beforeEach(async () => {
  reached = [];
  upstream = createServer((request, response) => {
    request.resume().on('end', () => {
      reached.push(`${request.method} ${request.url}`);
      response.writeHead(200, { 'x-host': request.headers.host ?? '' }).end('0123456789');
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy({ target: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` });
});
afterEach(async () => {
  await proxy.close();
  upstream.closeAllConnections();
  upstream.close();
});
const get = (path = '/a') => fetch(proxy.url + path);

it('passes on what no rule hits, with the host that was asked', async () => {
  const answer = await get('/@acme%2flib?write=true');
  expect(await answer.text()).toBe('0123456789');
  expect(answer.headers.get('x-host')).toBe(new URL(proxy.url).host);
  expect(reached).toEqual(['GET /@acme%2flib?write=true']);
  expect(proxy.requests).toMatchObject([{ method: 'GET', path: '/@acme/lib?write=true', status: 200 }]);
});

it('counts the hits of a rule, from the one that it begins with', async () => {
  proxy.rules.push({ path: /^\/a/, after: 1, times: 2, fault: { do: 'answer', status: 500 } });
  const statuses: number[] = [];
  for (const path of ['/a', '/b', '/a', '/a', '/a']) statuses.push((await get(path)).status);
  expect(statuses).toEqual([200, 200, 500, 500, 200]);
  expect(reached).toEqual(['GET /a', 'GET /b', 'GET /a']);
});

it('loses an answer after the registry took the request in', async () => {
  proxy.rules.push({ method: 'PUT', fault: { do: 'lose-answer' } });
  await expect(fetch(`${proxy.url}/a`, { method: 'PUT', body: 'x' })).rejects.toThrow('fetch failed');
  expect(reached).toEqual(['PUT /a']);
});

it('cuts a request before the registry has it', async () => {
  proxy.rules.push({ fault: { do: 'cut-request', after: 1 } });
  await expect(fetch(`${proxy.url}/a`, { method: 'PUT', body: 'x'.repeat(100) })).rejects.toThrow(
    'fetch failed',
  );
  expect(reached).toEqual([]);
});

it('changes, halves and cuts bodies', async () => {
  proxy.rules.push(
    { fault: { do: 'corrupt' } },
    { fault: { do: 'half-body' } },
    { fault: { do: 'cut-answer', after: 3 } },
  );
  expect(await (await get()).text()).not.toBe('0123456789');
  expect(await (await get()).text()).toBe('01234');
  await expect(get().then((answer) => answer.text())).rejects.toThrow('terminated');
});

it('springs a trap before the registry is asked or after it answered, and lets things happen meanwhile', async () => {
  const seen: string[][] = [];
  const look = () => void seen.push([...reached]);
  proxy.rules.push(
    { fault: { do: 'trap', when: 'before', spring: look } },
    { fault: { do: 'trap', when: 'after', spring: look } },
    { fault: { do: 'meanwhile', work: async () => look() } },
  );
  await expect(get('/1')).rejects.toThrow('fetch failed');
  await expect(get('/2')).rejects.toThrow('fetch failed');
  expect(await (await get('/3')).text()).toBe('0123456789');
  expect(seen).toEqual([[], ['GET /2'], ['GET /2']]);
  expect(reached).toEqual(['GET /2', 'GET /3']);
});
