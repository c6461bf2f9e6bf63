import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeTarball } from './tarball.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-artifact-test-'));
  await writeFile(join(folder, 'a.txt'), 'hello');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeTarball', () => {
  it.each([4, 6])('SOURCE_CHANGED where a file of 5 bytes was %i when it was listed', async (size) => {
    await expect(
      writeTarball(folder, [{ path: 'a.txt', size, mode: 0o644 }], join(folder, 'out.tgz')),
    ).rejects.toMatchObject({ code: 'SOURCE_CHANGED', message: expect.stringContaining('a.txt') });
  });
});
