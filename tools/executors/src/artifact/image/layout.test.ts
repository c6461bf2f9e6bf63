import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { knownLayers } from './known-layers.ts';
import { blobPath, LayoutWriter, OCI } from './layout.ts';
import { digestOf, tarOf } from './testing/archives.ts';

const nothing = { wants: () => false, entry: () => {} };
const layer = tarOf([{ path: 'a', content: 'x'.repeat(10_000), mtime: 1 }]);

let folder: string;
let writer: LayoutWriter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-layout-test-'));
  writer = new LayoutWriter(folder);
  await writer.open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a layer in a layout', () => {
  it('is gzip without a name, a time or a system, under the digest of just that', async () => {
    const stored = await writer.layer(Readable.from([layer]), nothing, undefined);
    const bytes = await readFile(blobPath(folder, stored.digest));
    expect(stored).toEqual({
      mediaType: OCI.layer,
      digest: digestOf(bytes),
      size: bytes.length,
      was: digestOf(layer),
      diffId: digestOf(layer),
    });
    expect(gunzipSync(bytes).equals(layer)).toBe(true);
    expect(bytes.subarray(3, 8).equals(Buffer.alloc(5))).toBe(true);
    expect(bytes[9]).toBe(255);
    expect(writer.size).toBe(bytes.length);
  });

  it.each([
    ['gzip', gzipSync(layer, { level: 1 })],
    ['zstd', zstdCompressSync(layer)],
    ['nothing', layer],
  ])('is the same whatever it was compressed with: %s', async (_, bytes) => {
    const plain = await writer.layer(Readable.from([layer]), nothing, undefined);
    for (const size of [3, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (__, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await writer.layer(Readable.from(pieces), nothing, undefined)).toEqual(plain);
    }
  });

  it('leaves nothing behind where it could not be read', async () => {
    const broken = Readable.from([gzipSync(layer).subarray(0, 50)]);
    await expect(writer.layer(broken, nothing, undefined)).rejects.toThrow('unexpected end of file');
    expect(await readdir(join(folder, 'blobs'))).toEqual(['sha256']);
    expect(await readdir(join(folder, 'blobs/sha256'))).toEqual([]);
  });

  it('takes as much memory as one that is small', async () => {
    const size = 192 * 1024 * 1024;
    async function* large(): AsyncGenerator<Buffer> {
      const header = Buffer.alloc(512);
      new Header({ path: 'large', type: 'File', size, mode: 0o644 }).encode(header);
      yield header;
      const piece = Buffer.alloc(1024 * 1024);
      for (let at = 0; at < size; at += piece.length) yield piece;
      yield Buffer.alloc(1024);
    }
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 5);
    const before = process.memoryUsage().arrayBuffers;
    try {
      await writer.layer(Readable.from(large(), { objectMode: false }), nothing, 5);
    } finally {
      clearInterval(watch);
    }
    expect(most - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('what was compressed before', () => {
  const image = async (to: LayoutWriter) => {
    const stored = await to.unchanged(Readable.from([layer]), nothing, digestOf(layer));
    const config = await to.json(OCI.config, { rootfs: { diff_ids: [stored.diffId] } });
    const { mediaType, digest, size } = stored;
    await to.close(await to.json(OCI.manifest, { config, layers: [{ mediaType, digest, size }] }), 'x');
    return stored;
  };

  it('is taken from another layout, and hashed', async () => {
    const first = await image(writer);
    const second = join(folder, 'second');
    const again = new LayoutWriter(second, await knownLayers(folder));
    await again.open();
    expect(await image(again)).toEqual(first);
    const [one, other] = [folder, second].map((each) => stat(blobPath(each, first.digest)));
    // The same file: nothing was compressed again.
    expect((await other)?.ino).toBe((await one)?.ino);
  });

  it('is not looked at where the layout is not whole', async () => {
    await image(writer);
    await rm(join(folder, 'index.json'));
    expect((await knownLayers(folder)).size).toBe(0);
    expect((await knownLayers(join(folder, 'nowhere'))).size).toBe(0);
  });
});
