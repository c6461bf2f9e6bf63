import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Context } from '../promotion/context.ts';
import { bytesFromBuffer } from '../registry/bytes.ts';
import { gatherAssets } from './assets.ts';
import type { Candidate } from './types.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-assets-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const TARBALL = Buffer.from('the bytes');
const BUNDLE = '{"mediaType":"a bundle"}';
const sha256 = createHash('sha256').update(BUNDLE).digest('hex');

function gather(more: { served?: Buffer; attachments?: Record<string, string>; provenance?: boolean } = {}) {
  const { served = TARBALL, attachments = { [sha256]: BUNDLE }, provenance = true } = more;
  const context = {
    workspaceRoot: folder,
    stage: () => Promise.resolve({}),
    store: () => Promise.resolve({ fetch: () => Promise.resolve(bytesFromBuffer(served)) }),
    ledger: () => Promise.resolve({ batch: () => Promise.resolve({ attachments }) }),
  } as unknown as Context;
  const candidate = {
    project: 'money',
    name: '@acme/money',
    version: '1.0.0',
    integrity: `sha512-${createHash('sha512').update(TARBALL).digest('base64')}`,
    published: { batch: 'b', record: provenance ? { provenance: { sha256, commit: 'c' } } : {} },
  } as unknown as Candidate;
  return gatherAssets(context, { candidate, stage: 'public', folder });
}

it('the provenance goes with the tarball; an SBOM of another build does not', async () => {
  expect(await gather()).toEqual({
    assets: [
      { path: 'acme-money-1.0.0.tgz', name: 'acme-money-1.0.0.tgz', label: '@acme/money 1.0.0' },
      {
        path: 'acme-money-1.0.0.sigstore.json',
        name: 'acme-money-1.0.0.sigstore.json',
        label: 'Provenance (Sigstore)',
      },
    ],
    notes: ['no SBOM: dist/artifacts/money of this version is not here'],
  });
  expect(await readFile(join(folder, 'acme-money-1.0.0.tgz'))).toEqual(TARBALL);
  expect(await readFile(join(folder, 'acme-money-1.0.0.sigstore.json'), 'utf8')).toBe(BUNDLE);
});

it('without a provenance there is the tarball alone', async () => {
  await gather({ provenance: false });
  expect(await readdir(folder)).toEqual(['acme-money-1.0.0.tgz']);
});

it('other bytes than the ledger has are not given out', async () => {
  await expect(gather({ served: Buffer.from('others') })).rejects.toMatchObject({
    code: 'BYTES_CHANGED_IN_SOURCE',
  });
  expect(await readdir(folder)).toEqual([]);
});

it('a provenance that the ledger has lost is said', async () => {
  await expect(gather({ attachments: {} })).rejects.toMatchObject({ code: 'PROVENANCE_MISSING' });
});
