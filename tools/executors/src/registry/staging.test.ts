import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts';
import { makeTarball } from '../testing/npm-packages.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../testing/npm-registry/index.ts';
import { testStage } from '../testing/stages.ts';
import { openNpmStore } from './npm-store.ts';
import type { StageStore, Staging } from './types.ts';

const HOW = { tag: 'latest', access: 'public' } as const;
const NAME = '@acme/lib';

describe('staging in a registry', () => {
  let registry: TestNpmRegistry;
  let proxy: FaultProxy;
  let store: StageStore;
  let staging: Staging;

  beforeEach(async () => {
    registry = await startNpmRegistry();
    proxy = await startFaultProxy({ target: registry.url });
    store = openNpmStore(testStage({ registry: proxy.url, kind: 'npm', token: registry.token }));
    staging = store.staging as Staging;
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await registry.close();
  });
  const stage = async (version: string, files?: Record<string, string>) => {
    const bytes = await makeTarball({ name: NAME, version, ...(files ? { files } : {}) });
    return { bytes, answer: await staging.put(bytes, bytes.manifest, HOW) };
  };

  it('keeps the bytes, and shows them to nobody', async () => {
    const { bytes, answer } = await stage('1.0.0');
    expect(answer).toBe('accepted');
    expect((await store.look(NAME)).exists).toBe(false);
    const [staged] = await staging.list(NAME);
    expect(staged).toMatchObject({ version: '1.0.0', tag: 'latest' });
    expect((await staging.fetch(NAME, staged!)).integrity).toBe(bytes.integrity);
    expect(staging.command('approve', staged!)).toBe(
      `npm stage approve ${staged?.id} --registry=${proxy.url}`,
    );
  });

  it('says that a version is staged already, or published, and leaves it as it is', async () => {
    const { bytes } = await stage('1.0.0');
    expect((await stage('1.0.0', { 'other.js': '1' })).answer).toBe('present');
    const [staged] = await staging.list(NAME);
    expect((await staging.fetch(NAME, staged!)).integrity).toBe(bytes.integrity);
    registry.state.approve(staged!.id);
    expect((await stage('1.0.0', { 'other.js': '1' })).answer).toBe('present');
    expect(registry.state.staged.size).toBe(0);
    expect((await store.look(NAME)).versions.get('1.0.0')?.integrity).toBe(bytes.integrity);
  });

  it('finds what was staged although the answer was lost', async () => {
    const bytes = await makeTarball({ name: NAME, version: '1.0.0' });
    proxy.rules.push({ method: 'POST', fault: { do: 'lose-answer' } });
    await expect(staging.put(bytes, bytes.manifest, HOW)).rejects.toMatchObject({ transient: true });
    expect(await staging.put(bytes, bytes.manifest, HOW)).toBe('present');
    expect(registry.state.staged.size).toBe(1);
  });

  it('hashes what arrived, and throws half of a tarball away', async () => {
    const { bytes } = await stage('1.0.0');
    const [staged] = await staging.list(NAME);
    const path = /\/tarball$/;
    proxy.rules.push({ path, fault: { do: 'corrupt' } }, { path, fault: { do: 'cut-answer', after: 20 } });
    expect((await staging.fetch(NAME, staged!)).integrity).not.toBe(bytes.integrity);
    await expect(staging.fetch(NAME, staged!)).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_CUT',
      transient: true,
    });
  });

  it('reads all pages of the list', async () => {
    for (let patch = 0; patch < 101; patch += 1) await stage(`1.0.${patch}`);
    const versions = (await staging.list(NAME)).map(({ version }) => version);
    expect(versions).toHaveLength(101);
    expect(versions).toContain('1.0.100');
    expect(
      proxy.requests.filter(({ method, path }) => method === 'GET' && path.startsWith('/-/stage?')),
    ).toHaveLength(2);
  });

  it('takes no id into a command that is none, and nothing of another package', async () => {
    const items = [
      { id: '$(reboot)', packageName: NAME, version: '1.0.0' },
      { id: 'a b', packageName: NAME, version: '1.0.0' },
      { id: 'good-1', packageName: 'other', version: '1.0.0' },
      { id: 'good-2', packageName: NAME, version: '1.0.0' },
    ];
    const answer = { do: 'answer', status: 200 } as const;
    proxy.rules.push({ fault: { ...answer, body: { items, total: 4 } } }, { fault: { ...answer, body: {} } });
    expect((await staging.list(NAME)).map(({ id }) => id)).toEqual(['good-2']);
    await expect(staging.list(NAME)).rejects.toMatchObject({ code: 'REGISTRY_ANSWER_NOT_JSON' });
  });

  it('says which right is missing', async () => {
    const other = openNpmStore(testStage({ registry: proxy.url, kind: 'npm', token: 'of-somebody-else' }));
    const bytes = await makeTarball({ name: NAME, version: '1.0.0' });
    await expect(other.staging?.list(NAME)).rejects.toMatchObject({ code: 'RIGHT_MISSING' });
    await expect(other.staging?.put(bytes, bytes.manifest, HOW)).rejects.toMatchObject({
      code: 'RIGHT_MISSING',
    });
    await other.close();
  });

  it('is nothing that other kinds of registries know', () => {
    const generic = openNpmStore(testStage({ registry: proxy.url, kind: 'generic' }));
    expect(generic.staging).toBeUndefined();
  });
});
