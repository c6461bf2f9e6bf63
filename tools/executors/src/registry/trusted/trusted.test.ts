import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../testing/fault-proxy.ts';
import { startIssuer, type TestIssuer } from '../../testing/issuer/index.ts';
import { makeTarball } from '../../testing/npm-packages.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../../testing/npm-registry/index.ts';
import { testStage } from '../../testing/stages.ts';
import { openNpmStore } from '../npm-store.ts';
import type { StageStore } from '../types.ts';

const HOW = { tag: 'latest', access: 'public' } as const;
const NAME = '@acme/lib';

describe('trusted publishing', () => {
  let issuer: TestIssuer;
  let registry: TestNpmRegistry;
  let proxy: FaultProxy;
  let stores: StageStore[];
  let notes: string[];

  beforeEach(async () => {
    issuer = await startIssuer({ environment: 'Production' });
    registry = await startNpmRegistry({ issuer: issuer.url });
    proxy = await startFaultProxy({ target: registry.url });
    stores = [];
    notes = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    await proxy.close();
    await registry.close();
    await issuer.close();
  });

  const open = (given: { token?: string; trusted?: boolean; env?: NodeJS.ProcessEnv } = {}): StageStore => {
    const { token, trusted = true, env = issuer.env } = given;
    const stage = testStage({
      registry: proxy.url,
      kind: 'npm',
      trusted,
      tokenEnv: 'NPM_TOKEN',
      ...(token ? { token } : {}),
    });
    const store = openNpmStore(stage, { env, note: (line) => notes.push(line) });
    stores.push(store);
    return store;
  };
  const put = async (store: StageStore, version: string, name = NAME, tag = 'latest') => {
    const bytes = await makeTarball({ name, version });
    await store.put(bytes, bytes.manifest, { ...HOW, tag });
    return bytes;
  };
  /** The package is there, as a person brought it, and trusts release.yml behind the environment. */
  const isThere = async (environment = 'Production', name = NAME): Promise<void> => {
    await put(open({ token: registry.token, trusted: false }), '1.0.0', name);
    registry.publishers.set(name, { repository: 'acme/platform', workflow: 'release.yml', environment });
    registry.requests.length = 0;
  };
  const versions = (name = NAME) => Object.keys(registry.state.packages.get(name)?.versions ?? {});

  it("publishes with a token exchanged for the job's own, which is for this registry alone", async () => {
    await isThere();
    const bytes = await put(open(), '1.1.0');
    expect(versions()).toEqual(['1.0.0', '1.1.0']);
    expect(registry.state.packages.get(NAME)?.tags).toEqual({ latest: '1.1.0' });
    expect((await open().fetch(NAME, '1.1.0')).integrity).toBe(bytes.integrity);
    expect(issuer.audiences).toEqual(['npm:127.0.0.1']);
  });

  it('exchanges one token for each package, and keeps it for further versions', async () => {
    await isThere();
    await isThere('Production', 'other');
    const store = open();
    for (const version of ['1.1.0', '1.2.0']) {
      await put(store, version);
      await put(store, version, 'other');
    }
    const exchanges = registry.requests.filter((request) => request.includes('/exchange/'));
    expect(exchanges.toSorted()).toEqual([
      'POST /-/npm/v1/oidc/token/exchange/package/@acme/lib',
      'POST /-/npm/v1/oidc/token/exchange/package/other',
    ]);
    expect(versions('other')).toEqual(['1.0.0', '1.1.0', '1.2.0']);
  });

  it("shows the registry's words and what the job said where an exchange is refused", async () => {
    await isThere('Elsewhere');
    const store = open();
    await expect(put(store, '1.1.0')).rejects.toMatchObject({
      code: 'TOKEN_EXCHANGE_REFUSED',
      transient: false,
      message: expect.stringMatching(
        /403.*claims do not match.*repository acme\/platform, workflow release\.yml, environment Production/,
      ),
      next: expect.stringContaining('NPM_TOKEN'),
      details: {
        claims: { repository: 'acme/platform', workflow: 'release.yml', environment: 'Production' },
      },
    });
    expect(versions()).toEqual(['1.0.0']);
  });

  it('says that a first publish cannot go this way', async () => {
    await expect(put(open(), '1.0.0')).rejects.toMatchObject({
      code: 'TRUSTED_FIRST_PUBLISH',
      next: expect.stringContaining('NPM_TOKEN'),
    });
    expect(registry.state.packages.size).toBe(0);
  });

  it('takes the token that was given where an exchange is refused, and says so', async () => {
    const store = open({ token: registry.token });
    await put(store, '1.0.0');
    await put(store, '1.1.0');
    expect(versions()).toEqual(['1.0.0', '1.1.0']);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^TOKEN_EXCHANGE_REFUSED:.*the token in NPM_TOKEN is used instead$/);
    expect(notes[0]).not.toContain(registry.token);
  });

  it('tries a failing registry again instead of falling back to another token', async () => {
    await isThere();
    const store = open({ token: registry.token });
    proxy.rules.push({
      method: 'POST',
      path: /\/exchange\//,
      fault: { do: 'answer', status: 503, headers: { 'retry-after': '2' } },
    });
    await expect(put(store, '1.1.0')).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      transient: true,
      retryAfterMs: 2000,
    });
    expect(versions()).toEqual(['1.0.0']);
    await put(store, '1.1.0');
    expect(versions()).toEqual(['1.0.0', '1.1.0']);
    expect(notes).toEqual([]);
  });

  it('hands on that GitHub gave no token, as something that may pass', async () => {
    await isThere();
    issuer.failures = 1;
    const store = open();
    await expect(put(store, '1.1.0')).rejects.toMatchObject({ code: 'OIDC_REQUEST_FAILED', transient: true });
    await put(store, '1.1.0');
    expect(versions()).toEqual(['1.0.0', '1.1.0']);
  });

  it('does not take an answer without a token for one', async () => {
    await isThere();
    proxy.rules.push({ path: /\/exchange\//, fault: { do: 'answer', status: 200, body: {} } });
    await expect(put(open(), '1.1.0')).rejects.toMatchObject({ code: 'REGISTRY_ANSWER_NOT_JSON' });
    expect(versions()).toEqual(['1.0.0']);
  });

  it('neither moves tags nor deprecates with tokens that cannot, and says what a person can type', async () => {
    await isThere();
    const store = open();
    expect(store.capabilities).toMatchObject({ distTags: false, deprecate: false });
    expect(store.capabilities.cannot.at(-1)).toContain('put another one into NPM_TOKEN');
    registry.requests.length = 0;
    await expect(store.setTag(NAME, 'beta', '1.0.0')).rejects.toMatchObject({
      code: 'TRUSTED_TOKEN_CANNOT',
      next: expect.stringContaining('npm dist-tag add @acme/lib@1.0.0 beta'),
    });
    await expect(store.removeTag(NAME, 'beta')).rejects.toMatchObject({ code: 'TRUSTED_TOKEN_CANNOT' });
    await expect(store.deprecate(NAME, '1.0.0', "it's bad")).rejects.toMatchObject({
      code: 'TRUSTED_TOKEN_CANNOT',
      next: expect.stringContaining(`npm deprecate @acme/lib@1.0.0 'it'\\''s bad'`),
    });
    expect(registry.requests).toEqual([]);
  });

  it('moves tags with a token that was given beside, and publishes with the exchanged one', async () => {
    await isThere();
    const store = open({ token: registry.token });
    expect(store.capabilities.distTags).toBe(true);
    await put(store, '1.1.0', NAME, 'candidate');
    await store.setTag(NAME, 'latest', '1.1.0');
    expect(registry.state.packages.get(NAME)?.tags).toEqual({ latest: '1.1.0', candidate: '1.1.0' });
    expect(registry.requests.filter((request) => request.includes('/exchange/'))).toHaveLength(1);
  });

  it('names both ways in where a job may not ask for tokens and none was given', async () => {
    await expect(put(open({ env: {} }), '1.0.0')).rejects.toMatchObject({
      code: 'TOKEN_MISSING',
      next: expect.stringMatching(/id-token: write.*NPM_TOKEN/),
    });
    expect(issuer.audiences).toEqual([]);
  });

  it('asks for nothing where the stage does not trust jobs', async () => {
    await expect(put(open({ trusted: false }), '1.0.0')).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
    expect(issuer.audiences).toEqual([]);
  });
});
