import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOciRegistry, type OciRegistry } from './index.ts';

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const INDEX = 'application/vnd.oci.image.index.v1+json';

let folder: string;
let registry: OciRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'));
  registry = await startOciRegistry({ folder });
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

/** A plain request, as no client of ours makes it. */
async function call(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Headers; text: string; code?: string }> {
  const answer = await fetch(`http://${registry.host}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const text = await answer.text();
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return { status: answer.status, headers: answer.headers, text, ...(code && { code }) };
}
async function begin(name = 'a/b'): Promise<string> {
  return (await call('POST', `/v2/${name}/blobs/uploads/`)).headers.get('location')!;
}
async function blob(text: string, name = 'a/b'): Promise<void> {
  const answer = await call('PUT', `${await begin(name)}?digest=${digestOf(text)}`, { body: text });
  expect(answer.status).toBe(201);
}
const index = (extra: object = {}): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], ...extra });
const put = (reference: string, body: string, name = 'a/b') =>
  call('PUT', `/v2/${name}/manifests/${reference}`, { body, headers: { 'content-type': INDEX } });

test('an upload in chunks says how far it is, takes them in order only, and survives a restart', async () => {
  const at = await begin();
  const first = await call('PATCH', at, { body: 'hello ', headers: { 'content-range': '0-5' } });
  expect([first.status, first.headers.get('range')]).toEqual([202, '0-5']);
  const wrong = await call('PATCH', at, { body: 'world', headers: { 'content-range': '7-11' } });
  expect([wrong.status, wrong.code, wrong.headers.get('range')]).toEqual([416, 'RANGE_INVALID', '0-5']);

  await registry.close();
  registry = await startOciRegistry({ folder });
  const now = await call('GET', at);
  expect([now.status, now.headers.get('range')]).toEqual([204, '0-5']);
  await call('PATCH', at, { body: 'world', headers: { 'content-range': '6-10' } });
  expect((await call('PUT', `${at}?digest=${digestOf('hello world')}`)).status).toBe(201);
  expect((await call('GET', `/v2/a/b/blobs/${digestOf('hello world')}`)).text).toBe('hello world');
  expect(await readdir(join(folder, 'uploads'))).toEqual([]);
});

test('bytes with another digest are not kept, nor is the upload', async () => {
  const at = await begin();
  const answer = await call('PUT', `${at}?digest=${digestOf('other')}`, { body: 'bytes' });
  expect([answer.status, answer.code]).toEqual([400, 'DIGEST_INVALID']);
  expect((await call('GET', at)).code).toBe('BLOB_UPLOAD_UNKNOWN');
  expect(await readdir(join(folder, 'blobs'))).toEqual([]);
  const other = await begin();
  expect((await call('DELETE', other)).status).toBe(204);
  expect((await call('GET', other)).status).toBe(404);
});

test('a whole blob comes with the POST, and is asked for in parts', async () => {
  const made = await call('POST', `/v2/a/b/blobs/uploads/?digest=${digestOf('0123456789')}`, {
    body: '0123456789',
  });
  expect(made.status).toBe(201);
  const at = `/v2/a/b/blobs/${digestOf('0123456789')}`;
  const part = await call('GET', at, { headers: { range: 'bytes=2-4' } });
  expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10']);
  expect((await call('GET', at, { headers: { range: 'bytes=10-' } })).status).toBe(416);
  const head = await call('HEAD', at);
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
});

test('what one repository has another has not, until it is mounted', async () => {
  await blob('shared', 'a/one');
  const at = `/v2/a/two/blobs/${digestOf('shared')}`;
  expect((await call('HEAD', at)).status).toBe(404);
  const mounted = await call('POST', `/v2/a/two/blobs/uploads/?mount=${digestOf('shared')}&from=a/one`);
  expect(mounted.status).toBe(201);
  expect((await call('HEAD', at)).status).toBe(200);
  expect((await call('POST', `/v2/a/two/blobs/uploads/?mount=${digestOf('none')}&from=a/one`)).status).toBe(
    202,
  );
});

test.each([
  ['no JSON', 'v1', 'hello', 'MANIFEST_INVALID'],
  ['a missing layer', 'v1', index({ layers: [{ digest: digestOf('x') }] }), 'MANIFEST_BLOB_UNKNOWN'],
  ['a missing child', 'v1', index({ manifests: [{ digest: digestOf('x') }] }), 'MANIFEST_UNKNOWN'],
  ['a layer without a digest', 'v1', index({ layers: [{}] }), 'MANIFEST_INVALID'],
  ['a subject without a digest', 'v1', index({ subject: { digest: '../x' } }), 'MANIFEST_INVALID'],
  ['another digest', digestOf('x'), index(), 'DIGEST_INVALID'],
  ['too much', 'v1', index({ annotations: { x: 'x'.repeat(5_000_000) } }), 'SIZE_INVALID'],
])('a manifest with %s is refused', async (_, reference, body, code) => {
  expect((await put(reference, body)).code).toBe(code);
  expect((await call('GET', '/v2/a/b/manifests/v1')).code).toBe('MANIFEST_UNKNOWN');
});

test('referrers are listed before their subject is there, and by type', async () => {
  const subject = { mediaType: INDEX, digest: digestOf(index()), size: 1 };
  const types = ['x/one', 'x/two'];
  for (const artifactType of types) {
    const answer = await put(digestOf(index({ artifactType, subject })), index({ artifactType, subject }));
    expect(answer.headers.get('oci-subject')).toBe(subject.digest);
  }
  const list = async (query = '') => {
    const answer = await call('GET', `/v2/a/b/referrers/${subject.digest}${query}`);
    const { manifests } = JSON.parse(answer.text) as { manifests: { artifactType: string }[] };
    return [answer.headers.get('oci-filters-applied'), manifests.map((each) => each.artifactType).sort()];
  };
  expect(await list()).toEqual([null, types]);
  expect(await list('?artifactType=x/two')).toEqual(['artifactType', ['x/two']]);
  registry.faults.referrers = false;
  expect((await call('GET', `/v2/a/b/referrers/${subject.digest}`)).status).toBe(404);
  expect((await put('v2', index({ subject }))).headers.get('oci-subject')).toBeNull();
});

test('tags come in pages, and move', async () => {
  for (const tag of ['c', 'a', 'b']) await put(tag, index());
  const first = await call('GET', '/v2/a/b/tags/list?n=2');
  expect(JSON.parse(first.text)).toEqual({ name: 'a/b', tags: ['a', 'b'] });
  const [, next = ''] = /<(.*)>; rel="next"/.exec(first.headers.get('link')!)!;
  expect(JSON.parse((await call('GET', next)).text)).toEqual({ name: 'a/b', tags: ['c'] });
  await put('a', index({ annotations: { moved: 'yes' } }));
  expect((await call('GET', '/v2/a/b/manifests/a')).text).toContain('moved');
  expect((await call('GET', '/v2/no/such/tags/list')).code).toBe('NAME_UNKNOWN');
});

test.each([
  ['GET', '/v2/A/b/manifests/v1', 404],
  ['GET', '/v2/a/../b/manifests/v1', 404],
  ['GET', '/v2/a%2F..%2F..%2Fb/manifests/v1', 404],
  ['GET', `/v2/a/b/blobs/uploads/${randomUUID()}`, 404],
  ['GET', '/v2/a/b/blobs/uploads/..%2F..%2Fx', 404],
  ['GET', '/v2/%E0%A4%A', 404],
  ['DELETE', '/v2/a/b/manifests/v1', 405],
  ['GET', '/', 404],
  ['GET', '/v2/', 200],
])('%s %s is answered with %i', async (method, path, status) => {
  expect((await call(method, path)).status).toBe(status);
});
