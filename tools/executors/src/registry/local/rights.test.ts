import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaseLocalRegistries, type LocalLease, type LocalRegistry } from './index.ts';
import { isDeletion, keepsVersions } from './keep.ts';
import { call, publish } from './testing/calls.ts';

const STAGES = ['github', 'test', 'public'];
let root: string;
let local: LocalLease;
let registries: { stage: string; registry: LocalRegistry; token: string }[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-rights-'));
  await cp(join(import.meta.dirname, '../../../../../verdaccio'), join(root, 'verdaccio'), {
    recursive: true,
  });
  local = await leaseLocalRegistries({
    workspaceRoot: root,
    stages: STAGES,
    env: { ...process.env, SLUICE_LOCAL_LINGER_MS: '0' },
  });
  registries = STAGES.map((stage) => {
    const registry = local.addresses.get(stage)!;
    return { stage, registry, token: registry.token.reveal() };
  });
});
afterAll(async () => {
  await local.release();
  // The registries see that their folder is gone, should they still run.
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

test('every stage wants its own token; two do so for reading', async () => {
  for (const { stage, registry, token } of registries) {
    const others = registries.filter((other) => other.stage !== stage).map((other) => other.token);
    for (const wrong of [undefined, 'made-up-token', ...others])
      expect([401, 403]).toContain((await publish(registry, '@acme/own', wrong)).status);
    expect((await call(registry, '/@acme%2fown', { token })).status).toBe(404);
    expect((await publish(registry, '@acme/own', token)).status).toBe(201);
    expect((await call(registry, '/@acme%2fown')).status).toBe(stage === 'public' ? 200 : 401);
    expect((await call(registry, '/@acme%2fown', { token })).status).toBe(200);
  }
});

test('none takes a version twice, and only public refuses to delete', async () => {
  for (const { stage, registry, token } of registries) {
    const path = '/@acme%2fkept';
    expect((await publish(registry, '@acme/kept', token)).status).toBe(201);
    expect((await publish(registry, '@acme/kept', token)).status).toBe(409);
    const { _rev } = (await (await call(registry, `${path}?write=true`, { token })).json()) as {
      _rev: string;
    };
    const deletion = await call(registry, `${path}/-rev/${_rev}`, { method: 'DELETE', token });
    expect(deletion.status).toBe(stage === 'public' ? 403 : 201);
    expect((await call(registry, path, { token })).status).toBe(stage === 'public' ? 200 : 404);
  }
});

test('in public a tag comes and goes and a version is deprecated, but none is taken out', async () => {
  const { registry, token } = registries[2]!;
  const path = '/@acme%2fbad';
  const read = async () =>
    (await (await call(registry, `${path}?write=true`, { token })).json()) as {
      _rev: string;
      'dist-tags': object;
      versions: Record<string, { deprecated?: string }>;
    };
  await publish(registry, '@acme/bad', token);
  for (const tag of ['next', 'gone']) {
    const set = await call(registry, `/-/package${path}/dist-tags/${tag}`, {
      method: 'PUT',
      token,
      body: '1.0.0',
    });
    expect(set.status).toBe(201);
  }
  expect((await call(registry, `/-/package${path}/dist-tags/gone`, { method: 'DELETE', token })).status).toBe(
    201,
  );
  const whole = await read();
  whole.versions['1.0.0']!.deprecated = 'bad';
  expect((await call(registry, path, { method: 'PUT', token, body: whole })).status).toBe(201);
  const { _rev: revision } = whole;
  const without = { ...whole, versions: {} };
  expect(
    (await call(registry, `${path}/-rev/${revision}`, { method: 'PUT', token, body: without })).status,
  ).toBe(403);
  expect(
    (await call(registry, `${path}/-/bad-1.0.0.tgz/-rev/${revision}`, { method: 'DELETE', token })).status,
  ).toBe(403);
  const left = await read();
  expect(left['dist-tags']).toEqual({ latest: '1.0.0', next: '1.0.0' });
  expect(left.versions['1.0.0']?.deprecated).toBe('bad');
});

test('nobody registers, and no other registry is asked for what is not there', async () => {
  const body = { name: 'mallory', password: 'a-long-password' };
  for (const { registry, token } of registries) {
    const registration = await call(registry, '/-/user/org.couchdb.user:mallory', { method: 'PUT', body });
    expect(registration.status).toBeGreaterThanOrEqual(400);
    expect((await call(registry, '/semver', { token })).status).toBe(404);
  }
});

test.each([
  ['DELETE', '/@acme%2fx/-rev/3-abc', true],
  ['DELETE', '/@acme%2fx/-/x-1.0.0.tgz/-rev/3-abc', true],
  ['PUT', '/@acme%2fx/-rev/3-abc', true],
  ['PUT', '/@acme%2fx', false],
  ['GET', '/@acme%2fx', false],
  ['DELETE', '/-/package/@acme%2fx/dist-tags/next', false],
  ['DELETE', '/-/user/token/abc', false],
])('%s %s deletes: %s', (method, url, deletes) => {
  expect(isDeletion(method, url)).toBe(deletes);
});

test('a registry keeps its versions only where no pattern lets anybody unpublish', () => {
  expect(keepsVersions({ packages: { '**': { unpublish: 'nobody' } } })).toBe(true);
  expect(
    keepsVersions({ packages: { '@a/*': { unpublish: 'nobody' }, '**': { publish: '$authenticated' } } }),
  ).toBe(false);
  expect(keepsVersions({})).toBe(false);
});
