import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../foundation/index.ts';
import { startFaultProxy, type FaultProxy } from '../../testing/fault-proxy.ts';
import type { OciRegistry } from '../local/oci/index.ts';
import { attachmentManifest } from './attachments.ts';
import { copyImage, openLayout, openOci, pushLayout, readAttachment, tally } from './index.ts';
import type { Oci, OciRepository } from './index.ts';
import { sha256 } from './names.ts';
import { startCuttingProxy, type CuttingProxy } from './testing/cutting-proxy.ts';
import { manifestOf, TestLayout } from './testing/images.ts';
import { PASSWORD, startEmbedded } from './testing/registries.ts';
import type { Descriptor } from './types.ts';

let temp: string;
let from: OciRegistry;
let to: OciRegistry;
let count = 0;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'sluice-oci-faults-'));
  [from, to] = [await startEmbedded(), await startEmbedded()];
});
afterAll(async () => {
  await from.close();
  await to.close();
  await rm(temp, { recursive: true });
});
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

function client(host: string): Oci {
  const made = openOci({ host, insecure: true });
  open.push(made);
  return made;
}
async function faulty(registry: OciRegistry): Promise<{ proxy: FaultProxy; host: string }> {
  const proxy = await startFaultProxy({ target: `http://${registry.host}` });
  open.push(proxy);
  return { proxy, host: new URL(proxy.url).host };
}
async function cutting(registry: OciRegistry): Promise<CuttingProxy> {
  const proxy = await startCuttingProxy(registry.host);
  open.push(proxy);
  return proxy;
}

interface Made {
  name: string;
  layout: TestLayout;
  image: Descriptor;
  layers: Descriptor[];
}
/** An image that only this test has, as a layout. */
async function made(sizes: number[] = [100_000]): Promise<Made> {
  const name = `acme/app-${(count += 1)}`;
  const layout = new TestLayout(join(temp, name, 'image'));
  const layers: Descriptor[] = [];
  for (const [i, size] of sizes.entries()) layers.push(await layout.layer(size, `${name}-${i}`));
  const image = await layout.image(layers);
  await layout.write(image);
  return { name, layout, image, layers };
}
/** The same, in the first registry. */
async function pushed(sizes?: number[]): Promise<Made> {
  const all = await made(sizes);
  const target = client(from.host).repository(all.name);
  await pushLayout({ folder: all.layout.folder, target, tag: 'v1', attachments: [] });
  return all;
}
const copy = (source: OciRepository, target: OciRepository, digest: string, signal?: AbortSignal) =>
  copyImage({ source, target, digest, tags: ['v1'], moves: false, signal });

describe('bytes', () => {
  test('a layer with one other byte is found out, is not kept, and gets no tag', async () => {
    const { name, image, layers } = await pushed();
    const { proxy, host } = await faulty(from);
    proxy.rules.push({
      path: new RegExp(`blobs/${layers[0]!.digest}`),
      times: Infinity,
      fault: { do: 'corrupt' },
    });
    const target = client(to.host).repository(name);
    const source = client(host).repository(name);
    await expect(copy(source, target, image.digest)).rejects.toMatchObject({
      code: 'IMAGE_BYTES_DIFFER',
      transient: false,
      details: { registry: host, expected: layers[0]!.digest },
    });
    expect(await target.hasBlob(layers[0]!.digest)).toBe(false);
    expect(await target.head('v1')).toBeUndefined();
  });

  test('a manifest with one other byte is found out, by digest and by tag', async () => {
    const { name, image } = await pushed();
    const { proxy, host } = await faulty(from);
    proxy.rules.push({ method: 'GET', path: /manifests/, times: Infinity, fault: { do: 'corrupt' } });
    const source = client(host).repository(name);
    await expect(source.manifest(image.digest)).rejects.toMatchObject({ code: 'IMAGE_BYTES_DIFFER' });
    await expect(source.manifest('v1')).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGE_(BYTES_DIFFER|ANSWER_INVALID)$/),
    });
  });

  test('a manifest is not sent under a digest that is not its own', async () => {
    const { host, requests } = to;
    const manifest = {
      ...manifestOf({ schemaVersion: 2, mediaType: 'x/y' }),
      digest: sha256(Buffer.from('x')),
    };
    const before = requests.length;
    await expect(client(host).repository('a/b').putManifest(manifest, 'v1')).rejects.toMatchObject({
      code: 'IMAGE_BYTES_DIFFER',
    });
    expect(requests).toHaveLength(before);
  });

  test('a login page in the place of a registry', async () => {
    const { proxy, host } = await faulty(from);
    proxy.rules.push({ times: Infinity, fault: { do: 'html' } });
    const repository = client(host).repository('a/b');
    for (const call of [
      repository.manifest('v1'),
      repository.head('v1'),
      repository.hasBlob(sha256(Buffer.from(''))),
    ])
      await expect(call).rejects.toMatchObject({ code: 'IMAGE_ANSWER_INVALID' });
  });

  test.each(['../../etc', 'Acme/api', 'a//b', ''])('a repository is not called "%s"', (name) => {
    expect(() => client(from.host).repository(name)).toThrow(
      expect.objectContaining({ code: 'IMAGE_ANSWER_INVALID' }),
    );
  });

  test('digests in a manifest that are none are refused before they become addresses', async () => {
    const { name } = await pushed();
    const repository = client(from.host).repository(name);
    const evil = manifestOf({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'x/y', digest: 'sha256:../../../v2/x', size: 1 },
      layers: [],
    });
    const source = { ...repository, manifest: async () => evil };
    await expect(copy(source, client(to.host).repository(name), evil.digest)).rejects.toMatchObject({
      code: 'IMAGE_ANSWER_INVALID',
    });
  });
});

describe('connections that break', () => {
  test('a download goes on where it was cut', async () => {
    const { name, image, layers } = await pushed([3_000_000]);
    const proxy = await cutting(from);
    proxy.cuts.push({ way: 'down', after: 1_000_000 }, { way: 'down', after: 1_500_000 });
    const target = client(to.host).repository(name);
    await copy(client(proxy.host).repository(name), target, image.digest);
    expect((await target.head('v1'))?.digest).toBe(image.digest);
    expect(await target.hasBlob(layers[0]!.digest)).toBe(true);
    expect(proxy.cuts).toEqual([]);
  });

  test('a download that never comes to its end is said, and may be tried again', async () => {
    const { name, image } = await pushed([3_000_000]);
    const { proxy, host } = await faulty(from);
    const target = client(to.host).repository(name);
    const rule = { path: /blobs/, times: Infinity, fault: { do: 'half-body' } as const };
    proxy.rules.push(rule);
    const source = client(host).repository(name);
    await expect(copy(source, target, image.digest)).rejects.toMatchObject({
      code: 'IMAGE_DOWNLOAD_CUT',
      transient: true,
    });
    expect(await target.head('v1')).toBeUndefined();
  });

  test('an upload goes on where it was cut, whatever the number of cuts, and sends nothing twice', async () => {
    const { layout, image, name, layers } = await made([9_000_000]);
    const proxy = await cutting(to);
    proxy.cuts.push(...[1, 1, 1, 1].map((after) => ({ way: 'up' as const, after: after * 1_000_000 })));
    const target = client(proxy.host).repository(name);
    const report = await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: [] });
    expect(report.digest).toBe(image.digest);
    expect(await target.hasBlob(layers[0]!.digest)).toBe(true);
    expect(proxy.cuts).toEqual([]);
    expect(proxy.up).toBeLessThan(9_500_000);
  });

  test('an upload whose connection the registry itself drops goes on where it was', async () => {
    const dropping = await startEmbedded({ faults: { cutUploads: [1000, 70_000] } });
    open.push(dropping);
    const { layout, image, name } = await made([400_000]);
    const target = client(dropping.host).repository(name);
    await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: [] });
    expect(dropping.faults.cutUploads).toEqual([]);
    expect((await target.head('v1'))?.digest).toBe(image.digest);
  });

  test('an upload that comes no further ends with an error; a further run sends what is missing', async () => {
    const { layout, image, name } = await made([200_000, 300_000, 9_000_000]);
    const { host, proxy: faults } = await faulty(to);
    faults.rules.push({
      method: 'PUT',
      path: /uploads/,
      after: 2,
      times: Infinity,
      fault: { do: 'cut-request', after: 1 },
    });
    faults.rules.push({ method: 'PATCH', times: Infinity, fault: { do: 'cut-request', after: 1 } });
    const request = { folder: layout.folder, tag: 'v1', attachments: [] };
    await expect(pushLayout({ ...request, target: client(host).repository(name) })).rejects.toMatchObject({
      code: 'IMAGE_UPLOAD_CUT',
      transient: true,
    });
    const target = client(to.host).repository(name);
    expect(await target.head('v1')).toBeUndefined();
    const again = await pushLayout({ ...request, target });
    expect(again.blobs.there).toBeGreaterThan(0);
    expect(again.blobs.streamed).toBeLessThan(4);
    expect((await target.head('v1'))?.digest).toBe(image.digest);
  });

  test('an upload whose last answer was lost is done', async () => {
    const { layout, name, layers } = await made();
    const { host, proxy } = await faulty(to);
    proxy.rules.push({ method: 'PUT', path: /uploads/, fault: { do: 'lose-answer' } });
    const target = client(host).repository(name);
    await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: [] });
    expect(await target.hasBlob(layers[0]!.digest)).toBe(true);
  });

  test('what a proxy does not take in one piece goes in chunks', async () => {
    const { layout, image, name, layers } = await made([20_000_000]);
    const { host, proxy } = await faulty(to);
    const tooLarge = { do: 'answer', status: 413, body: '<h1>413 Request Entity Too Large</h1>' } as const;
    const hex = layers[0]!.digest.slice('sha256:'.length);
    proxy.rules.push({ method: 'PUT', path: new RegExp(hex), fault: tooLarge });
    const target = client(host).repository(name);
    await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: [] });
    expect((await target.head('v1'))?.digest).toBe(image.digest);
    expect(proxy.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(3);
  });

  test('a caller that gives up gets its own reason, and no tag', async () => {
    const { name, image } = await pushed();
    const { host, proxy } = await faulty(from);
    proxy.rules.push({ path: /blobs/, times: Infinity, fault: { do: 'hang' } });
    const stop = new AbortController();
    const target = client(to.host).repository(name);
    const copying = copy(client(host).repository(name), target, image.digest, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(copying).rejects.toThrow('enough');
    expect(await target.head('v1')).toBeUndefined();
  });

  test('nobody listens, and no TLS where TLS should be', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tls = openOci({ host, insecure: false });
    await expect(tls.repository('a/b').head('v1')).rejects.toMatchObject({
      code: 'IMAGE_REGISTRY_UNREACHABLE',
      transient: false,
      message: expect.stringContaining('no TLS'),
    });
    await tls.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await expect(client(host).repository('a/b').head('v1')).rejects.toMatchObject({
      code: 'IMAGE_REGISTRY_UNREACHABLE',
      transient: true,
      message: expect.stringContaining('refused'),
    });
  });
});

describe('answers', () => {
  test('too many requests, and when to come back', async () => {
    const { host, proxy } = await faulty(to);
    proxy.rules.push({ fault: { do: 'answer', status: 429, headers: { 'retry-after': '7' } } });
    await expect(client(host).repository('a/b').head('v1')).rejects.toMatchObject({
      code: 'IMAGE_RATE_LIMITED',
      transient: true,
      retryAfterMs: 7000,
    });
  });

  test('a layer that lies at another host is fetched from there, without the credentials', async () => {
    const bytes = Buffer.from('elsewhere');
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(bytes);
    });
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    const { port } = elsewhere.address() as AddressInfo;
    const registry = await startEmbedded({
      password: PASSWORD,
      faults: { privately: true, blobsAt: `http://127.0.0.1:${port}/` },
    });
    open.push(registry);
    const oci = openOci({
      host: registry.host,
      insecure: true,
      credentials: { username: 'sluice', password: new Secret(PASSWORD) },
    });
    open.push(oci);
    const repository = oci.repository('a/b');
    const digest = sha256(bytes);
    await repository.upload({ digest, size: bytes.length }, async () => Readable.from([bytes]));
    const { result, requests } = await tally(async () => (await repository.blob(digest)).toArray());
    expect(Buffer.concat(result)).toEqual(bytes);
    expect([seen, requests.all]).toEqual([[undefined], 3]);
    await new Promise((done) => elsewhere.close(done));
  });

  test('a mount that is refused becomes an upload', async () => {
    const { name, image } = await pushed();
    const { host, proxy } = await faulty(from);
    proxy.rules.push({
      method: 'POST',
      path: /mount=/,
      times: Infinity,
      fault: { do: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } },
    });
    const oci = client(host);
    const target = oci.repository(`${name}-copy`);
    const report = await copy(oci.repository(name), target, image.digest);
    expect(report.blobs).toEqual({ there: 0, mounted: 0, streamed: 2 });
    expect((await target.head('v1'))?.digest).toBe(image.digest);
  });

  test('tags come page by page', async () => {
    const { name, image } = await pushed();
    const repository = client(from.host).repository(name);
    const manifest = (await repository.manifest(image.digest))!;
    for (const tag of ['a', 'b', 'c', 'd']) await repository.putManifest(manifest, tag);
    const { host, proxy } = await faulty(from);
    const first = { errors: [], tags: ['a'] };
    proxy.rules.push({
      path: /n=1000/,
      fault: {
        do: 'answer',
        status: 200,
        body: first,
        headers: { link: `</v2/${name}/tags/list?n=2&last=a>; rel="next"` },
      },
    });
    expect(await client(host).repository(name).tags()).toEqual(['a', 'b', 'c', 'd', 'v1']);
    expect(proxy.requests).toHaveLength(3);
  });
});

describe('a copy', () => {
  test('a tag that is taken is found before anything is copied', async () => {
    const [one, two] = [await pushed(), await pushed()];
    const target = client(to.host).repository(one.name);
    await copy(client(from.host).repository(one.name), target, one.image.digest);
    const source = client(from.host).repository(two.name);
    await expect(copy(source, target, two.image.digest)).rejects.toMatchObject({
      code: 'TAG_TAKEN',
      details: { there: one.image.digest, wanted: two.image.digest },
    });
    expect(await target.hasBlob(two.layers[0]!.digest)).toBe(false);
    const moves = (tag: string): boolean => tag === 'v1';
    const report = await copyImage({ source, target, digest: two.image.digest, tags: ['v1', 'v2'], moves });
    expect(report.tags).toEqual([
      { tag: 'v1', before: one.image.digest },
      { tag: 'v2', before: undefined },
    ]);
    expect((await target.head('v1'))?.digest).toBe(two.image.digest);
  });

  test('a tag that does not show what it was set to', async () => {
    const { name, image } = await pushed();
    const target = client(to.host).repository(name);
    const source = client(from.host).repository(name);
    const other = manifestOf({ schemaVersion: 2, mediaType: 'x/y' });
    const odd = { ...target, manifest: async (tag: string) => (tag === 'v1' ? other : target.manifest(tag)) };
    await expect(copy(source, odd, image.digest)).rejects.toMatchObject({
      code: 'TAG_NOT_AS_SET',
      transient: true,
      message: expect.stringMatching(`${image.digest}.*${other.digest}`),
    });
  });

  test('the tag comes last: a copy that fails half-way shows under none, and a further run goes on', async () => {
    const { name, image } = await pushed([50_000, 60_000, 70_000]);
    const { host, proxy } = await faulty(from);
    proxy.rules.push({
      method: 'GET',
      path: /blobs/,
      after: 2,
      times: Infinity,
      fault: { do: 'answer', status: 503 },
    });
    const target = client(to.host).repository(name);
    const source = client(host).repository(name);
    await expect(copy(source, target, image.digest)).rejects.toMatchObject({
      code: 'IMAGE_REGISTRY_FAILED',
      transient: true,
    });
    expect(await target.head('v1')).toBeUndefined();
    proxy.rules.length = 0;
    await copy(source, target, image.digest);
    expect((await target.head('v1'))?.digest).toBe(image.digest);
  });

  test('a layer that was lost under a manifest that is there is brought again', async () => {
    const { name, image, layers } = await pushed();
    const source = client(from.host).repository(name);
    const target = client(to.host).repository(name);
    await copy(source, target, image.digest);
    let lost = true;
    const leaky: OciRepository = {
      ...target,
      hasBlob: async (digest, signal) =>
        digest === layers[0]!.digest && lost ? false : target.hasBlob(digest, signal),
      upload: async (blob, opened, signal) => {
        lost = false;
        await target.upload(blob, opened, signal);
      },
    };
    const report = await copy(source, leaky, image.digest);
    expect(report).toMatchObject({ blobs: { streamed: 1 }, tags: [{ before: image.digest }] });
    expect(lost).toBe(false);
  });

  test('what is attached but not listed (a run that was cut off between the two) is listed again', async () => {
    const old = await startEmbedded({ faults: { referrers: false } });
    open.push(old);
    const { layout, name, image } = await made();
    const file = join(temp, 'note.json');
    await writeFile(file, '{}');
    const attachment = { file, artifactType: 'x/note', sha256: sha256(Buffer.from('{}')) };
    const first = client(from.host).repository(name);
    await pushLayout({ folder: layout.folder, target: first, tag: 'v1', attachments: [attachment] });
    const [entry] = await first.referrers(image.digest);
    const target = client(old.host).repository(name);
    await copyImage({
      source: first,
      target,
      digest: image.digest,
      tags: [],
      moves: false,
      referrers: false,
    });
    await copyImage({
      source: first,
      target,
      digest: entry!.digest,
      tags: [],
      moves: false,
      referrers: false,
    });
    // The registry knows of no referrers, and the list was written with the manifest: as if it had not been.
    const unlisted = { ...target, referrers: async () => [] };
    const report = await copyImage({
      source: first,
      target: unlisted,
      digest: image.digest,
      tags: ['v1'],
      moves: false,
    });
    expect(report.manifests.put).toBeGreaterThanOrEqual(1);
    expect(await target.referrers(image.digest)).toMatchObject([
      { digest: entry!.digest, artifactType: 'x/note' },
    ]);
  });
});

describe('attachments and layouts', () => {
  test('the same document of the same image has the same bytes, whenever', () => {
    const subject = { mediaType: 'a/b', digest: sha256(Buffer.from('i')), size: 1, annotations: { x: 'y' } };
    const document = { title: 'sbom.json', artifactType: 'x/y', bytes: Buffer.from('{}') };
    const empty = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    expect(attachmentManifest(subject, document).bytes.toString()).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"x/y",' +
        `"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"${empty}","size":2,"data":"e30="},` +
        `"layers":[{"mediaType":"x/y","digest":"${empty}","size":2,"annotations":{"org.opencontainers.image.title":"sbom.json"}}],` +
        `"subject":{"mediaType":"a/b","digest":"${subject.digest}","size":1}}`,
    );
  });

  test('two different documents of one type: the one that the ledger knows, or none', async () => {
    const { layout, name, image } = await made();
    const target = client(to.host).repository(name);
    const files = await Promise.all(
      ['mine', 'theirs'].map(async (text) => {
        const file = join(temp, `${name.replace('/', '-')}-${text}.json`);
        await writeFile(file, text);
        return { file, artifactType: 'x/note', sha256: sha256(Buffer.from(text)) };
      }),
    );
    await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: files });
    await expect(readAttachment(target, image.digest, 'x/note')).rejects.toMatchObject({
      code: 'ATTACHMENT_AMBIGUOUS',
    });
    const mine = await readAttachment(target, image.digest, 'x/note', { sha256: files[0]!.sha256 });
    expect(mine.bytes.toString()).toBe('mine');
    await expect(
      readAttachment(target, image.digest, 'x/note', { sha256: sha256(Buffer.from('other')) }),
    ).rejects.toMatchObject({ code: 'ATTACHMENT_MISSING' });
  });

  test.each<[string, (made: Made) => Promise<unknown>, string]>([
    ['no index', ({ layout }) => rm(join(layout.folder, 'index.json')), 'no index.json'],
    ['an index of nothing', ({ layout }) => layout.write(), 'names 0 images'],
    [
      'two images',
      async ({ layout, image }) => layout.write(image, await layout.index([image])),
      'names 2 images',
    ],
    ['a missing manifest', ({ layout, image }) => rm(layout.file(image.digest)), 'is missing'],
    ['a changed manifest', ({ layout, image }) => writeFile(layout.file(image.digest), '{}'), 'was changed'],
    ['a missing layer', ({ layout, layers }) => rm(layout.file(layers[0]!.digest)), 'is missing'],
    [
      'a changed layer',
      ({ layout, layers }) => writeFile(layout.file(layers[0]!.digest), Buffer.alloc(100_000)),
      'was changed',
    ],
    [
      'a cut layer',
      ({ layout, layers }) => writeFile(layout.file(layers[0]!.digest), 'short'),
      'was changed',
    ],
  ])('a layout with %s is not pushed', async (_, damage, why) => {
    const all = await made();
    await damage(all);
    const target = client(to.host).repository(all.name);
    await expect(
      pushLayout({ folder: all.layout.folder, target, tag: 'v1', attachments: [] }),
    ).rejects.toMatchObject({ code: 'LAYOUT_INVALID', message: expect.stringContaining(why) });
    expect(await target.head('v1')).toBeUndefined();
  });

  test('an attachment that was changed since it was built leaves the image without its tag', async () => {
    const { layout, name } = await made();
    const file = join(layout.folder, '..', 'sbom.json');
    await writeFile(file, 'changed');
    const target = client(to.host).repository(name);
    const attachments = [{ file: 'sbom.json', artifactType: 'x/y', sha256: sha256(Buffer.from('built')) }];
    await expect(pushLayout({ folder: layout.folder, target, tag: 'v1', attachments })).rejects.toMatchObject(
      {
        code: 'LAYOUT_INVALID',
      },
    );
    expect(await target.head('v1')).toBeUndefined();
  });

  test('a layout is a source like any other', async () => {
    const { layout, image, name } = await made();
    const target = client(to.host).repository(name);
    const source = await openLayout(layout.folder);
    expect(source.root.digest).toBe(image.digest);
    await copyImage({ source, target, digest: image.digest, tags: [], moves: false });
    expect((await target.head(image.digest))?.digest).toBe(image.digest);
    expect(await target.tags()).toEqual([]);
  });
});
