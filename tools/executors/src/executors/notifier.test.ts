import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Context } from '../promotion/context.ts';
import { planItem, planOf } from '../report/testing/plans.ts';
import { startWebhook, type TestWebhook } from '../report/testing/webhook.ts';
import { deploymentContext } from './deployment-context.ts';
import { notifierOf, tellPromotion } from './notifier.ts';

let people: TestWebhook<{ link?: string; by: string; text: string; next?: string; wayBack?: string }>;
beforeAll(async () => {
  people = await startWebhook();
});
afterAll(() => people.close());

const STAGES = {
  services: {
    stages: [
      { name: 'staging', hosts: ['www1'] },
      { name: 'production', hosts: ['www1'] },
    ],
  },
};
const targets = {
  promote: 'promote',
  rollback: 'rollback',
  releases: 'releases',
  'deploy-vps': 'deploy-vps',
};
const contextOf = (env: NodeJS.ProcessEnv) => {
  const HOOK = `${people.url}hook-0123456789`;
  const options = { notifications: [{ webhookEnv: 'HOOK', format: 'json' }], targets, ...STAGES };
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
  expect(people.told[0]).toMatchObject({ link, by: `ada (${link})` });
  expect(people.told[0]?.text).toMatch(
    /^api 1\.1\.0 is in production\n\nBy: ada .*\nFrom: r-1\n[^]*\nhttps:.*\/42\n$/,
  );
  expect(people.told[1]).not.toHaveProperty('link');
});

it('says after a deployment how to get on, and how to get back', async () => {
  people.told.length = 0;
  const event = { ...deployed, stage: 'staging', release: 'r-2', hosts: ['www1'], digest: 'sha256:0' };
  const { notify } = deploymentContext(contextOf({}));
  await notify?.({ ...event, action: 'deployment' });
  await notify?.({ ...event, action: 'deployment', event: 'failed' });
  await notify?.({ ...event, action: 'rollback', event: 'rolled-back', to: 'r-1' });
  expect(people.told.map(({ next, wayBack }) => [next, wayBack])).toEqual([
    ['npx nx run api:promote:production', 'npx nx run api:rollback:staging'],
    [undefined, undefined],
    ['npx nx run api:releases:staging', undefined],
  ]);
  await notify?.({ ...event, action: 'deployment', stage: 'production' });
  expect(people.told[3]).not.toHaveProperty('next');
});

it.each([
  ['services', 'staging', 'npx nx run api:deploy-vps:staging'],
  ['packages', 'test', 'npx nx run-many -t promote -c public'],
  ['packages', 'public', 'npx nx verify'],
] as const)('after a promotion of %s to %s says what comes next', async (pipeline, stage, next) => {
  people.told.length = 0;
  const context = contextOf({});
  Object.assign(context.options, { packages: { stages: [{ name: 'test' }, { name: 'public' }] } });
  const item = planItem('api');
  const plan = { ...planOf(item), pipeline, stage };
  const result = { ...item, success: true, status: 'done' as const, reached: [], line: '' };
  await tellPromotion(context, plan, [result]);
  expect(people.told).toMatchObject([{ event: 'succeeded', action: 'promotion', stage, next }]);
});
