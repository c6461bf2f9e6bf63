import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { startIssuer, type TestIssuer } from '../../testing/issuer/index.ts';
import { openNpmStore } from '../../registry/index.ts';
import { makeTarball } from '../../testing/npm-packages.ts';
import { testStage } from '../../testing/stages.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../../testing/npm-registry/index.ts';
import { examine } from '../testing/examine.ts';

let issuer: TestIssuer;
let registry: TestNpmRegistry;
let flow: Flow;
beforeAll(async () => {
  issuer = await startIssuer({ environment: 'Production' });
  registry = await startNpmRegistry({ issuer: issuer.url });
  flow = await Flow.start({
    live: true,
    packages: { units: [], money: [] },
    gates: { public: { environment: 'Production' } },
    stages: { public: { registry: registry.url, kind: 'npm', trusted: true } },
  });
});
afterAll(async () => {
  await flow?.close();
  await registry?.close();
  await issuer?.close();
});
afterEach(() => void Object.assign(issuer.job, { environment: 'Production' }));

const look = async (env: NodeJS.ProcessEnv = issuer.env) =>
  (await examine(flow, { stage: 'public', env })).of('trusted publisher', 'public');
/** As a person does it, with a token. */
const firstPublish = async (name: string): Promise<void> => {
  const stage = testStage({ registry: registry.url, kind: 'npm', token: registry.token });
  const store = openNpmStore(stage);
  const bytes = await makeTarball({ name, version: '1.0.0' });
  await store.put(bytes, bytes.manifest, { tag: 'latest', access: 'public' });
  await store.close();
};
const trust = (name: string, environment = 'Production') => {
  registry.publishers.set(name, { repository: 'acme/platform', workflow: 'release.yml', environment });
};

it('is not knowable outside of a job, and the command that tells is said', async () => {
  expect(await look({})).toBe(
    'not checked: only a job with "permissions: id-token: write" can try; the settings are shown to an owner of the package alone -> npm trust list @acme/money',
  );
});

it('is not knowable from another environment than that of the gate, and what has to stand there is said', async () => {
  delete issuer.job['environment'];
  expect(await look()).toBe(
    'not checked: this job is in no environment, and the one that publishes is in the environment Production: only that one can try -> npm trust list @acme/money (made by: npm trust github @acme/money --repo acme/platform --file release.yml --env Production --allow-publish)',
  );
});

it('is not asked for what is not there yet', async () => {
  expect(await look()).toBe('not checked: nothing of ours is there yet, so nobody can be trusted with it');
  const { of } = await examine(flow, { stage: 'public', env: issuer.env });
  expect(of('token', 'public')).toMatch(/^ok: none is needed/);
  expect(of('packages', 'public')).toMatch(/^problem: not there yet: .*first publish/);
});

it('is tried by the job that will publish: refused, the command that mends it stands below', async () => {
  for (const name of ['@acme/units', '@acme/money']) await firstPublish(name);
  trust('@acme/units');
  trust('@acme/money', 'Elsewhere');
  registry.requests.length = 0;
  expect(await look()).toMatch(
    /^problem: the registry does not trust this job with 1 of 2 packages: @acme\/money\n[^]*environment Production[^]* -> npm trust github @acme\/money --repo acme\/platform --file release\.yml --env Production --allow-publish$/,
  );
});

it('is well where all are trusted; nothing was published', async () => {
  trust('@acme/units');
  trust('@acme/money');
  const { of } = await examine(flow, { stage: 'public', env: issuer.env });
  expect(of('trusted publisher')).toBe('ok: trusts this job with all 2 packages that are there');
  expect(of('packages', 'public')).toBe('ok: all 2 are there already');
  expect(registry.requests.filter((request) => /^(PUT|DELETE)/.test(request))).toEqual([]);
});
