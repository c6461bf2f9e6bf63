import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OciRegistry } from '../local/oci/index.ts';
import { copyImage, openLayout, openOci, pushLayout, type Oci } from './index.ts';
import { programOf } from './testing/docker-registry.ts';
import { TestLayout } from './testing/images.ts';
import { PASSWORD, startEmbedded } from './testing/registries.ts';
import type { Descriptor } from './types.ts';

const run = promisify(execFile);
const skopeo = programOf('skopeo');

let temp: string;
let registry: OciRegistry;
let oci: Oci;
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'sluice-oci-interop-'));
  registry = await startEmbedded();
  oci = openOci({ host: registry.host, insecure: true });
});
afterAll(async () => {
  await oci.close();
  await registry.close();
  await rm(temp, { recursive: true });
});

async function twoPlatforms(folder: string): Promise<{ layout: TestLayout; index: Descriptor }> {
  const layout = new TestLayout(folder);
  const platforms = await Promise.all(
    ['amd64', 'arm64'].map(async (architecture) => ({
      ...(await layout.image([await layout.layer(50_000, `${folder} ${architecture}`)])),
      platform: { os: 'linux', architecture },
    })),
  );
  const index = await layout.index(platforms);
  await layout.write(index);
  return { layout, index };
}

describe.skipIf(skopeo === undefined)(`skopeo${skopeo ? '' : ' (left out: it is not installed)'}`, () => {
  test('reads what we pushed, to the byte', async () => {
    const { layout, index } = await twoPlatforms(join(temp, 'ours'));
    const target = oci.repository('acme/ours');
    await pushLayout({ folder: layout.folder, target, tag: 'v1', attachments: [] });
    const raw = await run(skopeo!, [
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${registry.host}/acme/ours:v1`,
    ]);
    expect(raw.stdout).toBe((await target.manifest(index.digest))!.bytes.toString());
    const folder = join(temp, 'fetched');
    await run(skopeo!, [
      'copy',
      '--all',
      // Else it compresses layers on their way.
      '--preserve-digests',
      '--src-tls-verify=false',
      `docker://${registry.host}/acme/ours@${index.digest}`,
      `oci:${folder}:v1`,
    ]);
    expect((await openLayout(folder)).root.digest).toBe(index.digest);
  });

  test('pushes what we then promote, behind a login', async () => {
    const guarded = await startEmbedded({ password: PASSWORD });
    try {
      const { layout, index } = await twoPlatforms(join(temp, 'theirs'));
      const to = `docker://${guarded.host}/acme/theirs:v1`;
      const copy = [
        'copy',
        '--all',
        '--preserve-digests',
        '--dest-tls-verify=false',
        `oci:${layout.folder}`,
        to,
      ];
      await expect(run(skopeo!, copy)).rejects.toThrow(/authentication required|unauthorized|login/i);
      await run(skopeo!, [...copy, `--dest-creds=sluice:${PASSWORD}`]);
      const source = openOci({ host: guarded.host, insecure: true });
      const report = await copyImage({
        source: source.repository('acme/theirs'),
        target: oci.repository('acme/theirs'),
        digest: index.digest,
        tags: ['v1'],
        moves: false,
      });
      await source.close();
      expect(report.blobs.streamed).toBe(4);
      const raw = await run(skopeo!, [
        'inspect',
        '--raw',
        '--tls-verify=false',
        `docker://${registry.host}/acme/theirs:v1`,
      ]);
      expect(raw.stdout).toContain('arm64');
    } finally {
      await guarded.close();
    }
  });
});

test('memory does not grow with the image', async () => {
  const layout = new TestLayout(join(temp, 'big'));
  const image = await layout.image([
    await layout.layer(100_000_000, 'one'),
    await layout.layer(50_000_000, 'two'),
  ]);
  await layout.write(image);
  await pushLayout({ folder: layout.folder, target: oci.repository('acme/big'), tag: 'v1', attachments: [] });
  const target = await startEmbedded();
  try {
    const index = pathToFileURL(join(import.meta.dirname, 'index.ts')).href;
    const code = `
      const { openOci, copyImage } = await import(${JSON.stringify(index)});
      const [from, to] = ${JSON.stringify([registry.host, target.host])}.map((host) => openOci({ host, insecure: true }));
      await to.repository('acme/big').head('v1');
      const before = process.memoryUsage().rss;
      let peak = before;
      const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
      const report = await copyImage({ source: from.repository('acme/big'), target: to.repository('acme/big'),
        digest: ${JSON.stringify(image.digest)}, tags: ['v1'], moves: false });
      clearInterval(timer);
      console.log(JSON.stringify({ bytes: report.bytes, grown: peak - before }));
      await from.close(); await to.close();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    await new Promise((done) => child.once('close', done));
    const { bytes, grown } = JSON.parse(text) as { bytes: number; grown: number };
    expect(bytes).toBeGreaterThan(150_000_000);
    expect(grown).toBeLessThan(80_000_000);
  } finally {
    await target.close();
  }
});
