import { bytesFromBuffer } from '../../registry/bytes.ts';
import { publishDocument, wholeBody } from '../../registry/publish-document.ts';
import type { Flow, StageName } from './flow.ts';

/** Puts a tarball into a registry around us, under the tag `by-hand`, as whoever holds the token can. */
export async function putByHand(
  flow: Flow,
  stage: StageName,
  tarball: Buffer,
  manifest: { name: string; version: string },
  tag = 'by-hand',
): Promise<void> {
  const verdaccio = flow.registries.get(stage)!;
  const document = publishDocument(bytesFromBuffer(tarball), manifest, {
    registry: verdaccio.url,
    tag,
    access: 'public',
  });
  await ask(flow, stage, 'PUT', `/${manifest.name.replace('/', '%2f')}`, wholeBody(document, tarball));
}

/** Moves a dist-tag around us. */
export async function tagByHand(flow: Flow, stage: StageName, name: string, tag: string, version: string) {
  await ask(
    flow,
    stage,
    'PUT',
    `/-/package/${name.replace('/', '%2f')}/dist-tags/${tag}`,
    JSON.stringify(version),
  );
}

async function ask(flow: Flow, stage: StageName, method: string, path: string, body: Buffer | string) {
  const verdaccio = flow.registries.get(stage)!;
  const answer = await fetch(verdaccio.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await verdaccio.token()}`,
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
