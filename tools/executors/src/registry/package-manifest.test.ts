import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTarball, packFiles } from '../testing/npm-packages.ts';
import { assertManifest, bytesFromBuffer, bytesFromFile, readPackageManifest } from './bytes.ts';

const JSON_OF = (fields: object): string =>
  JSON.stringify({ name: '@acme/lib', version: '1.0.0', ...fields });

describe('the manifest in a tarball', () => {
  it('is read together with a small readme', async () => {
    const bytes = await makeTarball({
      name: '@acme/lib',
      version: '1.0.0',
      files: {
        'README.md': '# lib',
        'nested/package.json': '{"name":"other"}',
        'big.bin': Buffer.alloc(3_000_000, 'xyz'),
      },
    });
    expect(await readPackageManifest(bytes)).toEqual({ manifest: bytes.manifest, readme: '# lib' });
  });
  it('is found in a folder of any name', async () => {
    const { manifest } = await readPackageManifest(
      bytesFromBuffer(packFiles({ 'package.json': JSON_OF({}) }, 6, 'lib-abc')),
    );
    expect(manifest.name).toBe('@acme/lib');
  });
  it.each([
    ['no package.json', packFiles({ 'index.js': '1' }), 'no package.json'],
    ['no JSON', packFiles({ 'package.json': '{"name":' }), 'not JSON'],
    ['no name', packFiles({ 'package.json': '{"version":"1.0.0"}' }), 'no name'],
    [
      'a huge package.json',
      packFiles({ 'package.json': JSON_OF({ fill: 'x'.repeat(2_000_000) }) }),
      'at most',
    ],
    ['not a tarball', Buffer.from('<html>hello</html>'), ''],
    ['an empty file', Buffer.alloc(0), ''],
    [
      'a tarball cut short',
      packFiles({ 'package.json': JSON_OF({}), 'a.bin': Buffer.alloc(100_000, 'abc') }, 0).subarray(
        0,
        50_000,
      ),
      '',
    ],
    ['gzip of something else', gzipSync(Buffer.alloc(5000, 'no tar')), ''],
  ])('%s is unreadable', async (_, tarball, why) => {
    await expect(readPackageManifest(bytesFromBuffer(tarball))).rejects.toMatchObject({
      code: 'TARBALL_UNREADABLE',
      message: expect.stringContaining(why),
    });
  });
  it('must be the only one', async () => {
    const one = gunzipSync(packFiles({ 'package.json': JSON_OF({}) }));
    const two = gunzipSync(packFiles({ 'package.json': JSON_OF({ name: 'evil' }) }, 6, 'other'));
    const both = gzipSync(Buffer.concat([one.subarray(0, one.length - 1024), two]));
    await expect(readPackageManifest(bytesFromBuffer(both))).rejects.toMatchObject({
      message: expect.stringContaining('more than one'),
    });
  });
  it('must be what it is handed around as, and not private', () => {
    const manifest = { name: '@acme/lib', version: '1.0.0' };
    expect(() => assertManifest(manifest, manifest)).not.toThrow();
    expect(() => assertManifest(manifest, { name: '@acme/lib', version: '1.0.1' })).toThrow(
      expect.objectContaining({ code: 'TARBALL_NAME_MISMATCH' }),
    );
    expect(() => assertManifest(manifest, { name: '@acme/other', version: '1.0.0' })).toThrow(
      /@acme\/other@1.0.0/,
    );
    expect(() => assertManifest({ ...manifest, private: true }, manifest)).toThrow(
      expect.objectContaining({ code: 'PACKAGE_PRIVATE' }),
    );
  });
});

describe('bytes', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-bytes-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('of a file are those of a buffer, and the file stays', async () => {
    const path = join(folder, 'a.tgz');
    const made = await makeTarball({ name: 'a', version: '1.0.0' });
    await writeFile(path, made.buffer);
    const bytes = await bytesFromFile(path);
    expect(bytes).toMatchObject({ size: made.size, integrity: made.integrity, shasum: made.shasum });
    await bytes.dispose();
    expect(await readFile(path)).toEqual(made.buffer);
  });
  it('in memory are freed when disposed of', async () => {
    const bytes = bytesFromBuffer(Buffer.from('abc'));
    expect(bytes.shasum).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    await bytes.dispose();
    await bytes.dispose();
    expect(bytes.buffer).toBeUndefined();
    expect(() => bytes.stream()).toThrow('disposed');
  });
});
