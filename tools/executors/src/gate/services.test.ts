import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { GateOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { evaluateGate } from './evaluate.ts';
import { HOUR, Live } from './testing/live.ts';
import type { GateInput } from './types.ts';

const digest = (version: string) => `sha256:${createHash('sha256').update(version).digest('hex')}`;
const IMAGES = 'registry.example.com/acme';
let live: Live;
afterEach(() => live.remove());

/** A live pipeline whose services come by staging, which has hosts, to production. */
async function start(gate: GateOptions, staging: Partial<ServiceStageOptions> = { hosts: ['deploy@h'] }) {
  live = await Live.make({ approvals: 1 });
  const options = {
    packages: { stages: [{ name: 'first', registry: 'https://first.registry.example.com' }] },
    services: {
      images: IMAGES,
      stages: [
        { name: 'staging', ...staging },
        { name: 'production', gate },
      ],
    },
  };
  live.commit({ 'nx.json': JSON.stringify({ plugins: [{ plugin: '@sluice/nx', options }] }) });
  live.push();
  await record('sha-a', { type: 'published', stage: 'images' });
  await record('sha-a', { type: 'promoted', stage: 'staging', from: 'images' });
}
const item = (version: string) => ({
  project: 'api',
  name: '@acme/api',
  version,
  integrity: digest(version),
  root: 'apps/api',
});
const more = {
  published: {
    root: 'apps/api',
    size: 1,
    tag: 't',
    tools: {},
    dependencies: {},
    image: { repository: 'api', mediaType: 'm', images: {}, builder: 'b', attachments: [] },
  },
  promoted: { tag: 't', verified: 'bytes', planHash: 'p', approvals: [], gate: [] },
  deployed: {
    release: 'r',
    hosts: ['deploy@h'],
    composeHash: 'c',
    environmentHash: 'e',
    databaseVersion: null,
  },
} as const;

async function record(
  version: string,
  given: { type: string; stage: string; [field: string]: unknown },
  hours = 0,
  signer: string | null = 'ci',
) {
  const { root: _, ...named } = item(version);
  const kind = given.type === 'published' || given.type === 'promoted' ? given.type : 'deployed';
  const body = {
    pipeline: 'services',
    registry: IMAGES,
    ...named,
    ...more[kind],
    ...(kind === 'published' ? { source: { commit: live.source, dirty: false } } : {}),
    ...(kind === 'promoted' ? { policy: live.git(live.clone, 'rev-parse', 'refs/remotes/origin/main') } : {}),
    ...given,
  };
  await live.record([body as never], signer, later(hours));
}
const later = (hours: number) => new Date(live.now.getTime() + hours * HOUR);
const deployed = (version: string, hours: number, signer: string | null = 'ci', fields: object = {}) =>
  record(version, { type: 'deployed', stage: 'staging', ...fields }, hours, signer);

async function judged(condition: string, hours: number, change: Partial<GateInput> = {}) {
  const decisions = await evaluateGate({
    ...(await live.input()),
    stage: { pipeline: 'services', name: 'production', identity: IMAGES },
    from: 'staging',
    items: [item('sha-a')],
    now: later(hours),
    ...change,
  });
  const [decision] = decisions.values();
  return decision?.results.find((one) => one.condition === condition);
}

describe('soak of a service', () => {
  test('begins with its deployment where the stage before has hosts', async () => {
    await start({ soak: '24h' });
    expect(await judged('soak', 100)).toMatchObject({
      open: false,
      detail: '@acme/api@sha-a was never deployed to staging',
      next: 'npx nx run api:deploy-vps:staging',
    });
    await deployed('sha-a', 1);
    expect(await judged('soak', 24)).toMatchObject({ open: false, until: expect.any(String) });
    expect(await judged('soak', 25)).toMatchObject({ open: true });
  });

  test('goes on over a second deployment of the same, and a failed one', async () => {
    await start({ soak: '24h' });
    await deployed('sha-a', 1);
    await deployed('sha-a', 20);
    await deployed('sha-b', 21, 'ci', { type: 'deploy-failed', code: 'X', reason: 'r', outcome: 'restored' });
    expect(await judged('soak', 25)).toMatchObject({ open: true });
  });

  test('ends with what takes its place', async () => {
    await start({ soak: '24h' });
    await deployed('sha-a', 1);
    await deployed('sha-b', 20);
    expect(await judged('soak', 100)).toEqual({
      condition: 'soak',
      open: false,
      detail: expect.stringMatching(/^in staging from .* to .*, 24h asked for$/),
    });
    await deployed('sha-a', 101);
    expect(await judged('soak', 120)).toMatchObject({ open: false, until: expect.any(String) });
  });

  test('is lost where a person went back from it', async () => {
    await start({ soak: '1h' });
    await deployed('sha-a', 1);
    const left = { release: 'r', version: 'sha-a', integrity: digest('sha-a') };
    await deployed('sha-0', 9, 'ci', { type: 'returned', reason: 'it leaks', left });
    expect(await judged('soak', 100)).toMatchObject({
      open: false,
      detail: expect.stringMatching(/^it was taken back in staging at .*: it leaks$/),
    });
  });

  test('rests on no record that nobody signed, nor on other bytes', async () => {
    await start({ soak: '1h' });
    await deployed('sha-a', 1, null);
    expect(await judged('soak', 100)).toMatchObject({
      open: false,
      detail: 'the record of its deployment to staging does not count: it is not signed',
    });
    await deployed('sha-a', 2, 'ci', { integrity: digest('other') });
    expect(await judged('soak', 100)).toMatchObject({ open: false });
    await deployed('sha-a', 3);
    expect(await judged('soak', 100)).toMatchObject({ open: true });
  });

  test('begins with the promotion where there are no hosts, as far as policy and machine know', async () => {
    await start({ soak: '1h' }, {});
    expect(await judged('soak', 2)).toMatchObject({ open: true });
    expect(await judged('soak', 2, { beforeHasHosts: true })).toMatchObject({ open: false });
  });
});

test('verified means a deployment that came to its end', async () => {
  await start({ verified: 'bytes' });
  await deployed('sha-a', 1, 'ci', { type: 'deploy-failed', code: 'X', reason: 'r', outcome: 'broken' });
  expect(await judged('verified', 2)).toMatchObject({ open: false });
  await deployed('sha-a', 3);
  expect(await judged('verified', 4)).toMatchObject({ open: true, detail: 'staging: deployed and verified' });
});

test('the stage must be the one that the policy means', async () => {
  await start({ approvals: 1 });
  const differs = expect.objectContaining({ code: 'POLICY_DIFFERS' });
  await expect(judged('approvals', 1, { from: 'images' })).rejects.toEqual(differs);
  const stage = { pipeline: 'services', name: 'production', identity: 'elsewhere.example.com/acme' } as const;
  await expect(judged('approvals', 1, { stage })).rejects.toEqual(differs);
  expect(await judged('approvals', 1)).toMatchObject({ open: false });
});
