import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Flow } from '../promotion/testing/flow.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../testing/npm-registry/index.ts';
import { sluice } from './testing/sluice.ts';

let registry: TestNpmRegistry;
let flow: Flow;
const told: { event: string; project: string; next: string }[] = [];
const hook = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk));
  request.on('end', () => {
    told.push(JSON.parse(text));
    response.end();
  });
});
const type = (...args: string[]) => sluice(flow.root, flow.env, ...args);

beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  registry = await startNpmRegistry();
  flow = await Flow.start({
    live: true,
    packages: { units: [] },
    stages: { public: { registry: registry.url, kind: 'npm', publish: 'staged', tokenEnv: 'NPM_TOKEN' } },
    options: { notifications: [{ webhookEnv: 'HOOK', on: ['approval-requested'] }] },
  });
  flow.env['NPM_TOKEN'] = registry.token;
  flow.env['HOOK'] = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  await flow.build();
  await flow.publish();
  await flow.promote('test');
});
afterAll(async () => {
  hook.closeAllConnections();
  hook.close();
  await flow?.close();
  await registry?.close();
});

it('ends as at a closed gate until a person has approved, and then records', async () => {
  const promoted = await type('promote', 'public', 'units');
  expect(promoted.code).toBe(3);
  expect(promoted.stderr + promoted.stdout).toContain('npx nx approve -c public');

  // Whoever may approve is asked.
  expect(told).toMatchObject([
    { event: 'approval-requested', project: 'units', next: 'npx nx approve -c public' },
  ]);

  const listed = await type('approve', 'public', '--dry-run', '--json');
  expect(listed.code).toBe(0);
  const { session } = JSON.parse(listed.stdout);
  expect(session.staged).toEqual([
    { id: '@acme/units@1.0.0', command: expect.stringMatching(/^npm stage approve [\w-]+ --registry=/) },
  ]);

  const late = await type('approve', 'public', '--wait', '1s');
  expect(late.code).toBe(3);
  expect(late.stderr).toContain(session.staged[0].command);
  expect((await type('approve', 'public', '--wait', 'soon')).code).toBe(2);

  registry.state.approve(session.staged[0].command.split(' ')[3]);
  const approved = await type('approve', 'public');
  expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining('@acme/units@1.0.0 -> public') });
  expect(await flow.records()).toContain('promoted public units@1.0.0');
});
