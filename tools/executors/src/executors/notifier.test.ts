import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Context } from '../promotion/context.ts';
import { notifierOf } from './notifier.ts';

const told: { link?: string; by: string; text: string }[] = [];
const server = createServer((request, response) => {
  let text = '';
  request
    .on('data', (chunk) => (text += chunk))
    .on('end', () => {
      told.push(JSON.parse(text));
      response.end();
    });
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const contextOf = (env: NodeJS.ProcessEnv) => {
  const HOOK = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook-0123456789`;
  const options = { notifications: [{ webhookEnv: 'HOOK', format: 'json' }] };
  return { env: { ...env, HOOK }, options, identity: 'github.com/acme/shop' } as unknown as Context;
};
const deployed = {
  event: 'succeeded',
  at: '2026-01-01T00:00:00.000Z',
  run: 'run-1',
  stage: 'production',
  project: 'api',
  version: '1.1.0',
  from: 'r-1',
} as const;

it('says who, what, from where to where, with a link to the run where there is one', async () => {
  const inJob = {
    GITHUB_ACTOR: 'ada',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_RUN_ID: '42',
  };
  await notifierOf(contextOf(inJob))(deployed);
  await notifierOf(contextOf({}))(deployed);
  const link = 'https://github.com/acme/shop/actions/runs/42';
  expect(told[0]).toMatchObject({ link, by: `ada (${link})` });
  expect(told[0]?.text).toMatch(
    /^api 1\.1\.0 is in production\n\nBy: ada .*\nFrom: r-1\n[^]*\nhttps:.*\/42\n$/,
  );
  expect(told[1]).not.toHaveProperty('link');
});
