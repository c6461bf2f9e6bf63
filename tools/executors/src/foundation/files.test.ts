import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWhole } from './files.ts';

describe('writeWhole', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-files-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('takes the place of what was there', async () => {
    const file = join(folder, 'file');
    await writeWhole(file, 'old');
    await writeWhole(file, [Buffer.from('ne'), Buffer.from('w')], { mode: 0o600 });
    expect(await readFile(file, 'utf8')).toBe('new');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('leaves nothing half behind where it cannot', async () => {
    const file = join(folder, 'file');
    await mkdir(join(file, 'in the way'), { recursive: true });
    await expect(writeWhole(file, 'new')).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    expect(await readdir(folder)).toEqual(['file']);
  });
});
