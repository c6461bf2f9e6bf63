import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openOci } from '../oci/index.ts';
import { IMAGE_MANIFEST, sha256 } from '../oci/names.ts';
import { manifestOf } from '../oci/testing/images.ts';
import { IMAGES } from './images.ts';
import { describeRegistries, leaseLocalRegistries, registriesText, resetLocalRegistries } from './index.ts';
import type { LocalLease } from './index.ts';
import { localPaths, stagePaths } from './paths.ts';

const env = { ...process.env, SLUICE_LOCAL_LINGER_MS: '0' };
const config = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: sha256(Buffer.from('{}')),
  size: 2,
};
const image = manifestOf({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [] });

let root: string;
let leases: LocalLease[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-images-'));
  leases = [];
});
afterEach(async () => {
  await Promise.all(leases.map(released));
  await rm(root, { recursive: true, force: true });
});

async function lease(stages = [IMAGES]): Promise<LocalLease> {
  const made = await leaseLocalRegistries({ workspaceRoot: root, stages, env });
  leases.push(made);
  return made;
}
/** Waits until the process behind it is gone too. */
async function released(lease: LocalLease): Promise<void> {
  await lease.release();
  for (let i = 0; i < 500; i += 1) {
    if (!(await stat(localPaths(root).lock).catch(() => undefined))) return;
    await pause(10);
  }
}
async function push(lease: LocalLease): Promise<void> {
  const { url, token } = lease.addresses.get(IMAGES)!;
  const oci = openOci({
    host: new URL(url).host,
    insecure: true,
    credentials: { username: 'sluice', password: token },
  });
  const repository = oci.repository('acme/api');
  await repository.upload(config, async () => Readable.from([Buffer.from('{}')]));
  await repository.putManifest(image, 'v1');
  await oci.close();
}
async function digestOf(lease: LocalLease): Promise<string | undefined> {
  const oci = openOci({ host: new URL(lease.addresses.get(IMAGES)!.url).host, insecure: true });
  const found = await oci.repository('acme/api').head('v1');
  await oci.close();
  return found?.digest;
}

test('it comes with a lease that asks for it, is read by all and written with its token, and keeps its port', async () => {
  const first = await lease();
  expect([...first.addresses.keys()]).toEqual([IMAGES]);
  await push(first);
  expect(await digestOf(first)).toBe(image.digest);
  const { url } = first.addresses.get(IMAGES)!;
  const anonymous = openOci({ host: new URL(url).host, insecure: true });
  await expect(anonymous.repository('acme/api').putManifest(image, 'v2')).rejects.toMatchObject({
    code: 'IMAGE_CREDENTIALS_MISSING',
  });
  expect(await anonymous.repository('acme/api').tags()).toEqual(['v1']);
  await anonymous.close();
  await released(first);

  const second = await lease();
  expect(second.addresses.get(IMAGES)!.url).toBe(url);
  expect(second.addresses.get(IMAGES)!.token.reveal()).toBe(first.addresses.get(IMAGES)!.token.reveal());
  expect(await digestOf(second)).toBe(image.digest);
  const text = registriesText(root, describeRegistries(root, [IMAGES], second));
  expect(text).toContain(`skopeo list-tags --tls-verify=false docker://${new URL(url).host}/acme/api`);
  expect(text).not.toContain(second.addresses.get(IMAGES)!.token.reveal());
  await released(second);

  expect(await resetLocalRegistries(root)).toEqual([IMAGES]);
  expect(await digestOf(await lease())).toBeUndefined();
});

test('it runs in the process of the package registries, whose npmrc does not name it', async () => {
  const packages = await lease(['github']);
  const both = await lease(['github', IMAGES]);
  expect(both.addresses.get('github')!.url).toBe(packages.addresses.get('github')!.url);
  await push(both);
  const npmrc = await readFile(localPaths(root).npmrc, 'utf8');
  expect(npmrc).toContain(new URL(packages.addresses.get('github')!.url).host);
  expect(npmrc).not.toContain(new URL(both.addresses.get(IMAGES)!.url).host);
  expect((await stat(stagePaths(localPaths(root), IMAGES).credentials)).mode & 0o077).toBe(0);
});

test('a port that is taken is replaced, and it says what that means', async () => {
  const first = await lease();
  const { url } = first.addresses.get(IMAGES)!;
  await released(first);
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(Number(new URL(url).port), '127.0.0.1', done));
  const second = await lease();
  expect(second.addresses.get(IMAGES)!.url).not.toBe(url);
  expect(second.notes).toEqual([expect.stringContaining(`port ${new URL(url).port} is taken`)]);
  await new Promise<void>((done) => taken.close(() => done()));
});

test('what was being written when the process ended is not there, and does not get in the way', async () => {
  const first = await lease();
  await push(first);
  await released(first);
  const { storage } = stagePaths(localPaths(root), IMAGES);
  await writeFile(join(storage, 'repositories/acme/api/_tags/v2.half~'), 'sha2');
  const [old, young] = ['old', 'young'].map((name) => join(storage, 'uploads', name)) as [string, string];
  for (const file of [old, young]) await writeFile(file, 'half');
  await utimes(old, 1, 1);
  const second = await lease();
  const oci = openOci({ host: new URL(second.addresses.get(IMAGES)!.url).host, insecure: true });
  expect(await oci.repository('acme/api').tags()).toEqual(['v1']);
  await oci.close();
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
});
