import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesFromBuffer, diskError } from './bytes.ts';
import { openContentStore } from './content-store.ts';

describe('the content store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-content-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((e) => e.isFile())
      .map((e) => e.name);

  it('gives back what it was given, once', async () => {
    const store = openContentStore(join(folder, 'new'));
    const bytes = bytesFromBuffer(Buffer.from('some bytes'));
    expect(await store.has(bytes.integrity)).toBe(false);
    expect(await store.get(bytes.integrity)).toBeUndefined();
    await Promise.all([store.put(bytes), store.put(bytes), store.put(bytes)]);
    expect(await store.has(bytes.integrity)).toBe(true);
    const back = await store.get(bytes.integrity);
    expect(back).toMatchObject({ size: 10, integrity: bytes.integrity, shasum: bytes.shasum });
    expect(await text(back!.stream())).toBe('some bytes');
    await back!.dispose();
    expect(await files()).toHaveLength(1);
  });
  it('does not hand out what was changed', async () => {
    const store = openContentStore(folder);
    const bytes = bytesFromBuffer(Buffer.from('some bytes'));
    await store.put(bytes);
    const [file] = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.tgz'));
    await writeFile(join(folder, file!), 'other bytes');
    await expect(store.get(bytes.integrity)).rejects.toMatchObject({ code: 'CONTENT_DAMAGED' });
  });
  it('keeps nothing of bytes that are not what they say', async () => {
    const store = openContentStore(folder);
    const bytes = {
      ...bytesFromBuffer(Buffer.from('some bytes')),
      integrity: bytesFromBuffer(Buffer.from('x')).integrity,
    };
    await expect(store.put(bytes)).rejects.toMatchObject({ code: 'CONTENT_DAMAGED' });
    expect(await files()).toEqual([]);
  });
  it('takes nothing but a sha512 for a name', async () => {
    await mkdir(join(folder, 'sha512'), { recursive: true });
    await expect(openContentStore(folder).has('sha512-../../x')).rejects.toThrow('integrity');
  });
  it('says that the disk is full', () => {
    expect(diskError(Object.assign(new Error('x'), { code: 'ENOSPC' }), '/disk')).toMatchObject({
      code: 'DISK_FULL',
    });
    const other = new Error('y');
    expect(diskError(other, '/disk')).toBe(other);
  });
});
