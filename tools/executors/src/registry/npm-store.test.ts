import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactBytes } from '../artifact/types.ts';
import { makeTarball } from '../testing/npm-packages.ts';
import { testStage } from '../testing/stages.ts';
import { startVerdaccio, type TestVerdaccio } from '../testing/verdaccio.ts';
import { escaped } from './names.ts';
import { openNpmStore, tarballPath } from './npm-store.ts';
import type { StageStore } from './types.ts';

const HOW = { tag: 'latest', access: 'public' } as const;

describe('the npm store against Verdaccio', () => {
  let registry: TestVerdaccio;
  let store: StageStore;
  let count = 0;
  const fresh = (): string => `@acme/lib-${(count += 1)}`;
  const put = async (name: string, version: string, tag = 'latest') => {
    const bytes = await makeTarball({ name, version });
    await store.put(bytes, bytes.manifest, { tag, access: 'public' });
    return bytes;
  };

  beforeAll(async () => {
    registry = await startVerdaccio({
      config: {
        packages: {
          '@closed/*': { access: 'nobody', publish: 'nobody' },
          '@acme/kept': { access: '$all', publish: '$authenticated', unpublish: 'nobody' },
          '**': { access: '$all', publish: '$authenticated', unpublish: '$authenticated' },
        },
      },
    });
    store = openNpmStore(testStage({ registry: registry.url, token: await registry.token() }));
  });
  afterAll(async () => {
    await store.close();
    await registry.close();
  });

  it('gives back the bytes that it was given', async () => {
    const name = fresh();
    const bytes = await makeTarball({ name, version: '1.0.0' });

    expect(await store.look(name)).toEqual({ exists: false, versions: new Map(), tags: {} });
    expect(await store.put(bytes, bytes.manifest, HOW)).toBe('accepted');

    const seen = await store.look(name);
    expect(seen).toMatchObject({ exists: true, tags: { latest: '1.0.0' } });
    expect(seen.versions.get('1.0.0')).toMatchObject({ integrity: bytes.integrity, shasum: bytes.shasum });
    const back = await store.fetch(name, '1.0.0', seen.versions.get('1.0.0')?.tarball);
    expect(back.buffer?.equals(bytes.buffer)).toBe(true);
    expect(back.integrity).toBe(bytes.integrity);
    expect((await store.fetch(name, '1.0.0')).integrity).toBe(bytes.integrity);
  });

  it('says that a version is present, and leaves it as it is', async () => {
    const name = fresh();
    const first = await put(name, '1.0.0');
    const other = await makeTarball({ name, version: '1.0.0', files: { 'more.js': '1' } });
    expect(await store.put(other, other.manifest, HOW)).toBe('present');
    expect((await store.fetch(name, '1.0.0')).integrity).toBe(first.integrity);
  });

  it('moves and removes dist-tags', async () => {
    const name = fresh();
    await put(name, '1.0.0');
    await put(name, '1.1.0', 'next');
    expect((await store.look(name)).tags).toEqual({ latest: '1.0.0', next: '1.1.0' });
    await store.setTag(name, 'latest', '1.1.0');
    await store.removeTag(name, 'next');
    await store.removeTag(name, 'next');
    expect((await store.look(name)).tags).toEqual({ latest: '1.1.0' });
    await expect(store.setTag(name, 'latest', '9.9.9')).rejects.toMatchObject({
      code: 'VERSION_NOT_IN_STAGE',
      transient: false,
    });
  });

  it('deprecates one version and takes it back', async () => {
    const name = fresh();
    await put(name, '1.0.0');
    await put(name, '1.1.0');
    await store.deprecate(name, '1.1.0', 'broken, use 1.0.0');
    expect((await store.look(name)).versions.get('1.1.0')?.deprecated).toBe('broken, use 1.0.0');
    expect((await store.look(name)).versions.get('1.0.0')?.deprecated).toBeUndefined();
    await store.deprecate(name, '1.1.0', '');
    expect((await store.look(name)).versions.get('1.1.0')?.deprecated).toBeUndefined();
    await expect(store.deprecate(name, '3.0.0', 'x')).rejects.toMatchObject({ code: 'VERSION_NOT_IN_STAGE' });
  });

  it('keeps a version that comes in while another one is deprecated', async () => {
    const name = fresh();
    await put(name, '1.0.0');
    await Promise.all([
      store.deprecate(name, '1.0.0', 'old'),
      put(name, '1.1.0'),
      store.setTag(name, 'stable', '1.0.0'),
    ]);
    const seen = await store.look(name);
    expect([...seen.versions.keys()]).toEqual(['1.0.0', '1.1.0']);
    expect(seen.versions.get('1.0.0')?.deprecated).toBe('old');
    expect(seen.tags).toEqual({ latest: '1.1.0', stable: '1.0.0' });
  });

  it('says which right is missing where a version may not be deprecated', async () => {
    await put('@acme/kept', '1.0.0');
    await expect(store.deprecate('@acme/kept', '1.0.0', 'bad')).rejects.toMatchObject({
      code: 'RIGHT_MISSING',
    });
  });

  it('knows whose token it has', async () => {
    expect(await store.whoami()).toBe('tester');
  });

  it('publishes without what does not belong into a packument', async () => {
    const name = fresh();
    const bytes = await makeTarball({
      name,
      version: '1.0.0',
      manifest: { bin: './cli.js', _from: 'x', readme: 'r'.repeat(100_000) },
    });
    await store.put(bytes, { ...bytes.manifest, dist: { tarball: 'elsewhere' } }, HOW);
    const packument = (await (await fetch(`${registry.url}/${escaped(name)}`)).json()) as {
      versions: Record<string, Record<string, unknown>>;
    };
    const manifest = packument.versions['1.0.0']!;
    expect(manifest['bin']).toEqual({ [name.slice(6)]: './cli.js' });
    expect(manifest['_from']).toBeUndefined();
    expect(String(manifest['readme'] ?? '').length).toBeLessThan(1000);
    expect(manifest['dist']).toMatchObject({ integrity: bytes.integrity, shasum: bytes.shasum });
  });

  it('streams a large tarball in both directions without holding it', async () => {
    const name = fresh();
    const noise = Buffer.alloc(24 * 1024 * 1024);
    for (let i = 0; i < noise.length; i += 4)
      noise.writeUInt32LE((Math.imul(i, 2654435761) ^ (i >>> 7)) >>> 0, i);
    const bytes = await makeTarball({ name, version: '1.0.0', files: { 'noise.bin': noise }, level: 0 });
    const tempFolder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
    const stage = testStage({ registry: registry.url, token: await registry.token() });
    const small = openNpmStore(stage, { memoryLimit: 64 * 1024, tempFolder });
    const streamed: ArtifactBytes = { ...bytes, buffer: undefined };
    expect(await small.put(streamed, bytes.manifest, HOW)).toBe('accepted');
    const back = await small.fetch(name, '1.0.0');
    expect(back.buffer).toBeUndefined();
    expect(back).toMatchObject({ integrity: bytes.integrity, size: bytes.size });
    expect(await readdir(tempFolder)).toHaveLength(1);
    await back.dispose();
    await back.dispose();
    expect(await readdir(tempFolder)).toEqual([]);
    await small.close();
    await rm(tempFolder, { recursive: true });
  });

  describe('without the right token', () => {
    const bad = (token?: string) => openNpmStore(testStage({ registry: registry.url, token }));
    it('names the variable that a missing token belongs into', async () => {
      const anonymous = bad();
      const bytes = await makeTarball({ name: fresh(), version: '1.0.0' });
      const error = await anonymous.put(bytes, bytes.manifest, HOW).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'TOKEN_MISSING',
        transient: false,
        details: { tokenEnv: 'SLUICE_TEST_TOKEN' },
      });
      expect((await store.look(bytes.manifest.name)).exists).toBe(false);
      await anonymous.close();
    });
    it('says that a wrong token is refused, and never shows it', async () => {
      const wrong = bad('wrong-token-value');
      const bytes = await makeTarball({ name: fresh(), version: '1.0.0' });
      for (const attempt of [() => wrong.put(bytes, bytes.manifest, HOW), () => wrong.whoami()]) {
        const error = await attempt().catch((e: unknown) => e);
        expect(error).toMatchObject({ code: 'TOKEN_REFUSED' });
        expect(JSON.stringify(error) + String(error)).not.toContain('wrong-token-value');
      }
      expect((await store.look(bytes.manifest.name)).exists).toBe(false);
      await wrong.close();
    });
    it('says that a scope is refused', async () => {
      const bytes = await makeTarball({ name: '@closed/lib', version: '1.0.0' });
      await expect(store.put(bytes, bytes.manifest, HOW)).rejects.toMatchObject({ code: 'SCOPE_REFUSED' });
    });
  });

  it('says how large a tarball was that is too large', async () => {
    const tight = await startVerdaccio({ config: { max_body_size: '10kb' } });
    const closed = openNpmStore(testStage({ registry: tight.url, token: await tight.token() }));
    for (const size of [40_000, 6_000_000]) {
      const bytes = await makeTarball({
        name: '@acme/big',
        version: '1.0.0',
        files: { 'a.bin': Buffer.alloc(size, 'ab') },
        level: 0,
      });
      await expect(closed.put(bytes, bytes.manifest, HOW)).rejects.toMatchObject({
        code: 'TARBALL_TOO_LARGE',
        message: expect.stringContaining(`${bytes.size} bytes`),
      });
    }
    await closed.close();
    await tight.close();
  });
});

describe('addresses', () => {
  it('writes a scoped name as one segment', () => {
    expect(escaped('@acme/lib')).toBe('@acme%2flib');
    expect(escaped('lib')).toBe('lib');
  });
  it.each([
    ['http://inner:4873/lib/-/lib-1.0.0.tgz', 'https://npm.example.com', '/lib/-/lib-1.0.0.tgz'],
    ['http://inner:4873/lib/-/lib-1.0.0.tgz', 'https://example.com/npm', '/lib/-/lib-1.0.0.tgz'],
    ['https://example.com/npm/lib/-/lib-1.0.0.tgz', 'https://example.com/npm', '/lib/-/lib-1.0.0.tgz'],
    ['https://npm.example.com/download/a/1/x?sig=1', 'https://npm.example.com', '/download/a/1/x?sig=1'],
    ['/lib/-/lib-1.0.0.tgz', 'https://npm.example.com', '/lib/-/lib-1.0.0.tgz'],
  ])('%s on %s is %s', (address, registry, path) => {
    expect(tarballPath(address, registry)).toBe(path);
  });
});
