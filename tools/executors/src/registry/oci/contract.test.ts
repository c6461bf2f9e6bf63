import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../foundation/index.ts';
import { copyImage, openLayout, openOci, pushLayout, readAttachment, type Oci } from './index.ts';
import { fallbackTag, IMAGE_INDEX, IMAGE_MANIFEST, sha256 } from './names.ts';
import { manifestOf, TestLayout } from './testing/images.ts';
import type { TestRegistry } from './testing/docker-registry.ts';
import { KINDS, PASSWORD } from './testing/registries.ts';
import type { Descriptor } from './types.ts';
import { whole } from './verified.ts';

const SBOM = 'application/vnd.cyclonedx+json';

for (const { kind, start } of KINDS)
  describe.skipIf(start === undefined)(kind, () => {
    let registry: TestRegistry;
    let oci: Oci;
    let temp: string;
    let count = 0;
    beforeAll(async () => {
      registry = await start!();
      oci = openOci({
        host: registry.host,
        insecure: true,
        credentials: { username: 'sluice', password: new Secret(PASSWORD) },
      });
      temp = await mkdtemp(join(tmpdir(), 'sluice-oci-'));
    });
    afterAll(async () => {
      await oci.close();
      await registry.close();
      await rm(temp, { recursive: true });
    });
    const fresh = () => oci.repository(`acme/app-${(count += 1)}`);
    const upload = (repository: ReturnType<typeof fresh>, bytes: Buffer) =>
      repository.upload({ digest: sha256(bytes), size: bytes.length }, async (from) =>
        Readable.from([bytes.subarray(from)]),
      );

    /** Two platforms, an SBOM on one of them, and a signature on that SBOM. */
    async function multiPlatform(folder: string) {
      const layout = new TestLayout(folder);
      const shared = await layout.layer(300_000, 'shared');
      const one = await layout.image([shared, await layout.layer(1_200_000, 'one')]);
      const two = await layout.image([shared, await layout.layer(5, 'two')], { annotations: { of: 'two' } });
      const index = await layout.index([
        { ...one, platform: { os: 'linux', architecture: 'amd64' } },
        { ...two, platform: { os: 'linux', architecture: 'arm64' } },
      ]);
      const attached = async (subject: Descriptor, type: string): Promise<Descriptor> =>
        layout.image([await layout.blob(Buffer.from(`${type} of ${subject.digest}`), type)], {
          artifactType: type,
          subject,
        });
      const sbom = await attached(one, SBOM);
      const signature = await attached(sbom, 'application/vnd.example.signature');
      await layout.write(index, sbom, signature);
      return { layout, index, one, two, shared, sbom, signature };
    }

    test('keeps a blob: asked for, whole, from an offset, and empty', async () => {
      const repository = fresh();
      const bytes = Buffer.alloc(3_000_000, 'abcdefg');
      const digest = sha256(bytes);
      expect(await repository.hasBlob(digest)).toBe(false);
      await upload(repository, bytes);
      expect(await repository.hasBlob(digest)).toBe(true);
      expect(sha256(await whole(await repository.blob(digest)))).toBe(digest);
      const end = await whole(await repository.blob(digest, { from: 2_999_990 }));
      expect(end.equals(bytes.subarray(2_999_990))).toBe(true);
      await upload(repository, Buffer.alloc(0));
      expect(await repository.hasBlob(sha256(Buffer.alloc(0)))).toBe(true);
      await expect(repository.blob(sha256(Buffer.from('never')))).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      });
    });

    test('refuses an upload whose bytes have another digest', async () => {
      const repository = fresh();
      const digest = sha256(Buffer.from('expected'));
      await expect(
        repository.upload({ digest, size: 8 }, async () => Readable.from([Buffer.from('whatever')])),
      ).rejects.toMatchObject({ code: 'IMAGE_BYTES_DIFFER' });
      expect(await repository.hasBlob(digest)).toBe(false);
    });

    test('keeps manifests to the byte, by tag and by digest', async () => {
      const repository = fresh();
      await upload(repository, Buffer.from('{}'));
      const config = {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: sha256(Buffer.from('{}')),
        size: 2,
      };
      const manifest = manifestOf({
        schemaVersion: 2,
        mediaType: IMAGE_MANIFEST,
        config,
        layers: [],
        x: 'ä \n',
      });
      expect(await repository.manifest('v1')).toBeUndefined();
      expect(await repository.head('v1')).toBeUndefined();
      expect(await repository.tags()).toEqual([]);
      await repository.putManifest(manifest, 'v1');
      expect(await repository.manifest('v1')).toEqual(manifest);
      expect(await repository.manifest(manifest.digest)).toEqual(manifest);
      expect(await repository.head('v1')).toEqual({
        digest: manifest.digest,
        mediaType: IMAGE_MANIFEST,
        size: manifest.bytes.length,
      });
      for (const tag of ['b', 'a', 'c']) await repository.putManifest(manifest, tag);
      expect((await repository.tags()).sort()).toEqual(['a', 'b', 'c', 'v1']);
    });

    test('does not take a manifest whose layers are not there', async () => {
      const repository = fresh();
      const config = { mediaType: 'x/y', digest: sha256(Buffer.from('nowhere')), size: 7 };
      const manifest = manifestOf({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [] });
      await expect(repository.putManifest(manifest, 'v1')).rejects.toMatchObject({
        code: 'IMAGE_INCOMPLETE',
      });
      expect(await repository.head('v1')).toBeUndefined();
    });

    test('mounts a blob from a repository beside it, and says where it cannot', async () => {
      const [one, two] = [fresh(), fresh()];
      const bytes = Buffer.from('to be mounted');
      await upload(one, bytes);
      expect(await two.mount(sha256(bytes), one.name)).toBe(true);
      expect(await two.hasBlob(sha256(bytes))).toBe(true);
      const missing = Buffer.from('not anywhere');
      expect(await two.mount(sha256(missing), one.name)).toBe(false);
      // The upload that the refused mount began is used.
      await upload(two, missing);
      expect(await two.hasBlob(sha256(missing))).toBe(true);
    });

    test('lists what is attached, of every writer', async () => {
      const repository = fresh();
      await upload(repository, Buffer.from('{}'));
      const config = {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: sha256(Buffer.from('{}')),
        size: 2,
      };
      const image = manifestOf({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [config] });
      const subject = { mediaType: IMAGE_MANIFEST, digest: image.digest, size: image.bytes.length };
      await repository.putManifest(image, 'v1');
      expect(await repository.referrers(image.digest)).toEqual([]);
      const attached = ['a/a', 'b/b', 'c/c'].map((artifactType) =>
        manifestOf({
          schemaVersion: 2,
          mediaType: IMAGE_MANIFEST,
          artifactType,
          config,
          layers: [config],
          subject,
          annotations: { said: artifactType },
        }),
      );
      await Promise.all(attached.map((each) => repository.putManifest(each, each.digest)));
      const listed = await repository.referrers(image.digest);
      expect(listed.toSorted((a, b) => a.artifactType!.localeCompare(b.artifactType!))).toEqual(
        attached.map((each, i) => ({
          mediaType: IMAGE_MANIFEST,
          digest: each.digest,
          size: each.bytes.length,
          artifactType: ['a/a', 'b/b', 'c/c'][i],
          annotations: { said: ['a/a', 'b/b', 'c/c'][i] },
        })),
      );
    });

    test('takes a pushed layout with its attachments; a further run gives the same and sends nothing', async () => {
      const folder = join(temp, 'pushed');
      const { layout, index } = await multiPlatform(join(folder, 'image'));
      await writeFile(join(folder, 'sbom.json'), '{"bomFormat":"CycloneDX"}');
      const attachment = {
        file: 'sbom.json',
        artifactType: SBOM,
        sha256: createHash('sha256').update('{"bomFormat":"CycloneDX"}').digest('hex'),
      };
      const target = fresh();
      const request = { folder: layout.folder, target, tag: 'sha-0123456789ab', attachments: [attachment] };
      const first = await pushLayout(request);
      expect(first).toMatchObject({
        digest: index.digest,
        mediaType: IMAGE_INDEX,
        tags: [{ before: undefined }],
      });
      const again = await pushLayout(request);
      expect(again).toMatchObject({ bytes: 0, blobs: { streamed: 0 }, manifests: { put: 0 } });
      expect(again.attached).toEqual(first.attached);
      expect((await target.manifest('sha-0123456789ab'))?.bytes).toEqual(
        await readFile(layout.file(index.digest)),
      );
      const read = await readAttachment(target, index.digest, SBOM, { sha256: attachment.sha256 });
      expect(read.bytes.toString()).toBe('{"bomFormat":"CycloneDX"}');
      expect(read.digest).toBe(first.attached[0]);
      await expect(readAttachment(target, index.digest, 'no/such')).rejects.toMatchObject({
        code: 'ATTACHMENT_MISSING',
      });
    });

    test('gets a whole copy: all platforms, and what is attached to what is attached', async () => {
      const { layout, index, one, two, sbom, signature } = await multiPlatform(join(temp, 'nested'));
      const [first, second] = [fresh(), fresh()];
      await copyImage({
        source: await openLayout(layout.folder),
        target: first,
        digest: index.digest,
        tags: ['v1'],
        moves: false,
      });
      const report = await copyImage({
        source: first,
        target: second,
        digest: index.digest,
        tags: ['staging', 'v1'],
        moves: false,
      });
      expect(report).toMatchObject({
        bytes: 0,
        blobs: { streamed: 0, there: 0, mounted: 9 },
        manifests: { put: 5 },
      });
      for (const { digest } of [index, one, two, sbom, signature])
        expect((await second.manifest(digest))?.bytes).toEqual(await readFile(layout.file(digest)));
      expect((await second.head('staging'))?.digest).toBe(index.digest);
      expect(await second.referrers(one.digest)).toMatchObject([{ digest: sbom.digest, artifactType: SBOM }]);
      expect(await second.referrers(sbom.digest)).toMatchObject([{ digest: signature.digest }]);
      const again = await copyImage({
        source: first,
        target: second,
        digest: index.digest,
        tags: ['staging'],
        moves: false,
      });
      expect(again).toMatchObject({ manifests: { put: 0, there: 5 }, tags: [{ before: index.digest }] });
    });

    test('inside one repository only the tag is set, in four requests', async () => {
      const { layout, index, one } = await multiPlatform(join(temp, 'tags'));
      const repository = fresh();
      await pushLayout({ folder: layout.folder, target: repository, tag: 'sha-1', attachments: [] });
      const promote = (digest: string, tag: string, moves = false) =>
        copyImage({ source: repository, target: repository, digest, tags: [tag], moves });
      expect(await promote(index.digest, 'staging')).toMatchObject({ requests: 4, bytes: 0 });
      expect(await promote(index.digest, 'staging')).toMatchObject({ requests: 2, manifests: { put: 0 } });
      await expect(promote(one.digest, 'staging')).rejects.toMatchObject({
        code: 'TAG_TAKEN',
        message: expect.stringMatching(`${index.digest}.*${one.digest}`),
      });
      expect((await repository.head('staging'))?.digest).toBe(index.digest);
      await promote(one.digest, 'staging', true);
      expect((await repository.head('staging'))?.digest).toBe(one.digest);
      await expect(promote(sha256(Buffer.from('none')), 'x')).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      });
    });

    test('a list of referrers that another writer made stays, in the registries that have no other', async () => {
      const { layout, one, sbom } = await multiPlatform(join(temp, 'lists'));
      const repository = fresh();
      await pushLayout({ folder: layout.folder, target: repository, tag: 'v1', attachments: [] });
      const list = await repository.manifest(fallbackTag(one.digest));
      const listed = list && (JSON.parse(list.bytes.toString()) as { manifests: Descriptor[] }).manifests;
      expect(listed ?? [{ digest: sbom.digest }]).toMatchObject([{ digest: sbom.digest }]);
    });
  });
