import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFaultProxy } from '../testing/fault-proxy.ts';
import { makeTarball, type TarballRecipe } from '../testing/npm-packages.ts';
import { testStage } from '../testing/stages.ts';
import { startVerdaccio, type TestVerdaccio } from '../testing/verdaccio.ts';
import { installAndImport, openNpmStore } from './index.ts';
import type { StageStore } from './types.ts';

describe('installing from a stage and importing', () => {
  let registry: TestVerdaccio;
  let elsewhere: TestVerdaccio;
  let token: string;
  let store: StageStore;
  let client: StageStore;

  beforeAll(async () => {
    const packages = { '**': { access: '$authenticated', publish: '$authenticated' } };
    registry = await startVerdaccio({ config: { packages } });
    elsewhere = await startVerdaccio();
    token = await registry.token();
    store = openNpmStore(testStage({ registry: registry.url, token }));
    client = openNpmStore(testStage({ registry: elsewhere.url, token: await elsewhere.token() }));
    await publish(client, { name: 'third-party', version: '1.0.0' });
    await publish(client, {
      name: '@acme/base',
      version: '1.0.0',
      files: { 'index.js': 'throw new Error("from elsewhere")' },
    });
    await publish(store, { name: '@acme/base', version: '1.0.0' });
  });
  afterAll(async () => {
    await store.close();
    await client.close();
    await registry.close();
    await elsewhere.close();
  });

  async function publish(to: StageStore, recipe: TarballRecipe) {
    const bytes = await makeTarball(recipe);
    await to.put(bytes, bytes.manifest, { tag: 'latest', access: 'public' });
    return { name: recipe.name, version: recipe.version, integrity: bytes.integrity };
  }
  const check = (item: { name: string; version: string; integrity: string }, more: object = {}) =>
    installAndImport({
      ...item,
      stage: testStage({ registry: registry.url, token }),
      scopes: ['@acme'],
      clientOptions: {
        registry: `${elsewhere.url}/`,
        '@acme:registry': `${elsewhere.url}/`,
        before: new Date(0),
        omit: ['prod'],
      },
      ...more,
    });
  const leftovers = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('sluice-install-'));

  it('takes the workspace from the stage and the rest from the client, and loads each entry', async () => {
    const before = await leftovers();
    const item = await publish(store, {
      name: '@acme/top',
      version: '1.0.0',
      dependencies: { '@acme/base': '^1.0.0', 'third-party': '^1.0.0' },
      manifest: {
        exports: {
          '.': './index.js',
          './old': { require: './old.cjs' },
          './package.json': './package.json',
          './types': { types: './t.d.ts' },
        },
        bin: { top: 'cli.js' },
        scripts: { postinstall: 'exit 1' },
      },
      files: {
        'index.js': `import { name as a } from '@acme/base'; import { name as b } from 'third-party'; export default [a, b];`,
        'old.cjs': 'module.exports = 1;',
        't.d.ts': 'export type T = 1;',
        'cli.js': '#!/usr/bin/env node',
      },
    });
    expect((await check(item)).entries).toEqual(['.', './old', './package.json', './types', 'bin:top']);
    expect(await leftovers()).toEqual(before);
  });

  it('installs several at the same time', async () => {
    const items = await Promise.all(
      ['a', 'b', 'c'].map((name) => publish(store, { name: `@acme/${name}`, version: '2.0.0' })),
    );
    expect(await Promise.all(items.map((item) => check(item)))).toEqual(
      items.map(() => ({ entries: ['.'] })),
    );
  });

  it('installs an unscoped package by its address', async () => {
    const item = await publish(store, {
      name: 'plain',
      version: '1.0.0',
      dependencies: { 'third-party': '1.0.0' },
    });
    expect((await check(item)).entries).toEqual(['.']);
  });

  it.each<[string, Partial<TarballRecipe>, string, string]>([
    [
      'an entry that is not there',
      { manifest: { exports: { './gone': './gone.js' } } },
      './gone',
      'Cannot find module',
    ],
    [
      'a dependency that was forgotten',
      { files: { 'index.js': `import 'not-declared';` } },
      '.',
      'not-declared',
    ],
    [
      'code that throws',
      { files: { 'index.js': `throw new TypeError('broken at load');` } },
      '.',
      'TypeError: broken at load',
    ],
    ['code that ends the process', { files: { 'index.js': `process.exit(0);` } }, '.', 'ended the process'],
    ['a syntax error', { files: { 'index.js': `export const = 1;` } }, '.', 'SyntaxError'],
    [
      'a file that is missing',
      { manifest: { exports: { '.': './index.js', './data.json': './data.json' } } },
      './data.json',
      'not in the package',
    ],
    [
      'secrets read from the environment',
      { files: { 'index.js': `if (!process.env.SLUICE_INSTALL_SECRET) throw new Error('no secret');` } },
      '.',
      'no secret',
    ],
  ])('names the entry and the reason: %s', async (title, recipe, entry, reason) => {
    process.env['SLUICE_INSTALL_SECRET'] = 'x';
    const item = await publish(store, {
      name: `@acme/bad-${title.replace(/\W/g, '-')}`,
      version: '1.0.0',
      ...recipe,
    });
    const error = await check(item).catch((e: unknown) => e as Error);
    delete process.env['SLUICE_INSTALL_SECRET'];
    expect(error).toMatchObject({
      code: 'IMPORT_FAILED',
      transient: false,
      message: expect.stringContaining(reason),
    });
    expect((error as Error).message).toContain(`entry "${entry}"`);
    expect((error as Error).message).not.toContain(tmpdir() + '/');
  });

  it('ends an import that hangs', async () => {
    const item = await publish(store, {
      name: '@acme/hangs',
      version: '1.0.0',
      files: { 'index.js': 'for (;;);' },
    });
    await expect(check(item, { importWithin: 700 })).rejects.toMatchObject({
      code: 'IMPORT_FAILED',
      message: expect.stringContaining('did not end'),
    });
  });

  it('refuses other bytes than expected', async () => {
    const item = await publish(store, { name: '@acme/other-bytes', version: '1.0.0' });
    await expect(check({ ...item, integrity: 'sha512-other' })).rejects.toMatchObject({
      code: 'INSTALL_FAILED',
      transient: false,
      message: expect.stringContaining(item.integrity),
    });
  });

  it('says which dependency cannot be installed', async () => {
    const item = await publish(store, {
      name: '@acme/needs',
      version: '1.0.0',
      dependencies: { '@acme/base': '^9.0.0' },
    });
    await expect(check(item)).rejects.toMatchObject({
      code: 'INSTALL_FAILED',
      transient: false,
      message: expect.stringContaining('@acme/base@^9.0.0'),
    });
  });

  it('is transient where the network is at fault, and shows no token', async () => {
    const proxy = await startFaultProxy({ target: registry.url });
    const item = await publish(store, { name: '@acme/late', version: '1.0.0' });
    const stage = testStage({ registry: proxy.url, token });
    proxy.rules.push({ fault: { do: 'answer', status: 503 } }, { fault: { do: 'cut-request', after: 0 } });
    for (const attempt of [1, 2]) {
      const error = await check(item, { stage }).catch((e: unknown) => e as Error);
      expect(error, `attempt ${attempt}`).toMatchObject({ code: 'INSTALL_FAILED', transient: true });
      expect(String(error) + JSON.stringify(error)).not.toContain(token);
    }
    expect((await check(item, { stage })).entries).toEqual(['.']);
    await proxy.close();
  });

  it('ends when the caller does', async () => {
    const item = await publish(store, { name: '@acme/stopped', version: '1.0.0' });
    const reason = new Error('stop');
    await expect(check(item, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const running = check(item, { signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
