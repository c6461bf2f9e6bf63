import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Parser } from 'tar';
import { LayerTar, type LayerEntry } from './layer-tar.ts';
import { tarOf, type TarEntry } from './testing/archives.ts';

const EPOCH = 1_700_000_000;
const LATER = EPOCH + 86_400;

/** The layer as it comes out, and what was told of it. `size` is that of the pieces in which it comes. */
async function through(layer: Buffer, latest?: number, size = layer.length) {
  const told: (LayerEntry & { content: string | undefined })[] = [];
  const reader = {
    wants: ({ path }: LayerEntry) => path.endsWith('.txt'),
    entry: (entry: LayerEntry, content: Buffer | undefined) =>
      void told.push({ ...entry, content: content?.toString() }),
  };
  const pieces = Array.from({ length: Math.ceil(layer.length / size) }, (_, i) =>
    layer.subarray(i * size, (i + 1) * size),
  );
  const out = await buffer(Readable.from(pieces).pipe(new LayerTar(reader, latest)));
  return { out, told };
}

/** Paths and times as the tar library reads them. */
function timesOf(layer: Buffer): [string, number][] {
  const found: [string, number][] = [];
  const parser = new Parser({
    onReadEntry: (entry) => {
      found.push([entry.path, (entry.mtime?.getTime() ?? 0) / 1000]);
      entry.resume();
    },
  });
  parser.end(layer);
  return found;
}

const entries: TarEntry[] = [
  { path: 'app/', type: 'Directory', mtime: LATER, mode: 0o755 },
  { path: './app/old.txt', content: 'old', mtime: EPOCH - 5 },
  { path: 'app/new.txt', content: 'n'.repeat(1500), mtime: LATER },
  { path: 'app/link', type: 'SymbolicLink', linkpath: 'new.txt', mtime: LATER },
  { path: 'empty.txt', content: '', mtime: EPOCH },
  {
    path: `deep/${'d'.repeat(200)}/x.txt`,
    content: 'deep',
    mtime: LATER,
    pax: { mtime: LATER + 0.5, atime: EPOCH - 1 },
  },
  { path: 'after.bin', content: 'x', mtime: LATER },
];

describe('a layer', () => {
  it('passes as it is where no time is given', async () => {
    const layer = tarOf(entries);
    expect((await through(layer)).out.equals(layer)).toBe(true);
  });

  it('has no time later than the sources, and is otherwise the same', async () => {
    const layer = tarOf(entries);
    const { out } = await through(layer, EPOCH);
    const [before, after] = [timesOf(layer), timesOf(out)];
    expect(after).toEqual(before.map(([path, time]) => [path, Math.min(time, EPOCH)]));
    expect(Math.max(...before.map(([, time]) => time))).toBeGreaterThan(EPOCH);
    expect((await through(out)).told).toEqual((await through(layer)).told);
    expect((await through(out, EPOCH)).out.equals(out)).toBe(true);
    expect(out.includes('mtime=1700000000\n')).toBe(true);
    expect(out.includes(`mtime=${LATER}`)).toBe(false);
  });

  it('is the same whatever was built when', async () => {
    const built = (mtime: number) =>
      through(
        tarOf(entries.map((entry) => ({ ...entry, mtime, ...(entry.pax ? { pax: { mtime } } : {}) }))),
        EPOCH,
      );
    expect((await built(LATER)).out.equals((await built(LATER + 77)).out)).toBe(true);
  });

  it.each([1, 7, 511, 512, 513, 10_000])('comes in pieces of %i bytes and is the same', async (size) => {
    const layer = tarOf(entries);
    const whole = await through(layer, EPOCH);
    const pieces = await through(layer, EPOCH, size);
    expect(pieces.out.equals(whole.out)).toBe(true);
    expect(pieces.told).toEqual(whole.told);
  });

  it('tells of its entries, with the contents that are wanted', async () => {
    const { told } = await through(tarOf(entries), EPOCH);
    expect(told.map(({ path, content }) => [path, content])).toEqual([
      ['app', undefined],
      ['app/old.txt', 'old'],
      ['app/new.txt', 'n'.repeat(1500)],
      ['app/link', undefined],
      ['empty.txt', ''],
      [`deep/${'d'.repeat(200)}/x.txt`, 'deep'],
      ['after.bin', undefined],
    ]);
    expect(told[3]).toMatchObject({ type: 'SymbolicLink', linkpath: 'new.txt' });
  });

  it('that was cut off, or is none, is refused', async () => {
    const layer = tarOf(entries);
    const broken = Buffer.from(layer);
    broken[0] = 0x7a;
    const run = (bytes: Buffer) =>
      new Promise((resolve, reject) => {
        const tar = new LayerTar({ wants: () => false, entry: () => {} }, EPOCH);
        Readable.from([bytes]).pipe(tar).on('error', reject).on('end', resolve).resume();
      });
    await expect(run(layer.subarray(0, 1100))).rejects.toThrow('cut off');
    await expect(run(broken)).rejects.toThrow('no tar file');
    await expect(run(Buffer.from('x'.repeat(600)))).rejects.toThrow('no tar file');
  });
});
