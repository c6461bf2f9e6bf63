import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SluiceError } from '../../foundation/index.ts';
import { openLayout } from '../../registry/oci/index.ts';
import { parseService } from '../../service/index.ts';
import { buildImageArtifact, planImageBuild, type ImageBuildInput } from './build.ts';
import { blobPath } from './layout.ts';
import { readImageArtifact } from './read.ts';
import { digestOf, dockerArchive, ociArchive, tarOf, type MadeImage } from './testing/archives.ts';
import { fakeEngine, type FakeEngine, type FakeOptions } from './testing/fake-builder.ts';
import type { ImageArtifactManifest } from './types.ts';

const EPOCH = 1_700_000_000;
const COMMIT = 'c0ffee'.padEnd(40, '0');
const DIGEST = `sha256:${'d'.repeat(64)}`;
const base = tarOf([{ path: 'bin/sh', content: 'shell', mtime: EPOCH + 999_999 }]);
/** An image as a builder makes it: a moment later each time, with the builder's own marks. */
const image = (change: Partial<MadeImage> = {}): MadeImage => {
  const now = EPOCH + 5000 + Math.floor(Math.random() * 1_000_000);
  const own = tarOf([
    { path: 'app/', type: 'Directory', mtime: now },
    { path: 'app/node_modules/a/package.json', content: '{"name":"a","version":"1.0.0"}', mtime: now },
  ]);
  return {
    layers: [base, own],
    config: { Hostname: String(now), Env: ['A=b'], Labels: { own: 'x' } },
    ...change,
  };
};
const debian = (digests: string[] = []) => ({
  Id: `sha256:${'1'.repeat(64)}`,
  RepoDigests: digests,
  RootFS: { Layers: [digestOf(base)] },
});

let root: string;
let input: Omit<ImageBuildInput, 'run' | 'config'>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-image-test-'));
  await mkdir(join(root, 'apps/api/migrations'), { recursive: true });
  const files = {
    'package.json': '{"name":"@acme/api","version":"1.4.0"}',
    Dockerfile: 'FROM debian:12\nCOPY app /app\n',
    'compose.yaml': 'services: { api: { image: x }, worker: { image: x } }\n',
    'migrations/002_drop.sql': '-- Sluice knows this line\n  -- sluice: contract\nALTER TABLE x DROP y;\n',
    'migrations/001_init.sql': 'CREATE TABLE x; -- sluice: contract is said in a line of its own\n',
    'migrations/README.md': 'none',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, 'apps/api', name), text);
  input = {
    workspaceRoot: root,
    projectRoot: 'apps/api',
    project: 'api',
    outputFolder: join(root, 'dist/artifacts/api'),
    engine: 'docker',
    commit: COMMIT,
    dirty: false,
    epoch: EPOCH,
    source: 'https://git.example.com/acme/shop',
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

const service = (change: object = {}) =>
  parseService(
    JSON.stringify({
      images: { api: {} },
      migrations: { service: 'api', command: ['migrate'], files: 'migrations/*.sql' },
      ...change,
    }),
    () => 'services: { api: {}, worker: {} }',
  );
const engineOf = (options: Partial<FakeOptions> = {}): FakeEngine =>
  fakeEngine({ archive: () => dockerArchive(image()), images: { 'debian:12': debian() }, ...options });
const build = (engine: FakeEngine, change: Partial<ImageBuildInput> = {}): Promise<ImageArtifactManifest> =>
  buildImageArtifact({ ...input, config: service(), run: engine.run, ...change });
async function failure(work: Promise<unknown>): Promise<SluiceError> {
  return work.then(
    () => expect.unreachable('it went well'),
    (error: unknown) => error as SluiceError,
  );
}

/** The document behind a digest. */
const document = async (digest: string) =>
  JSON.parse(await readFile(blobPath(join(input.outputFolder, 'image'), digest), 'utf8')) as Record<
    string,
    any
  >;

describe('the artifact of one image', () => {
  it('is an OCI layout, its SBOM and its bundle, under a digest that is known before any push', async () => {
    const manifest = await build(engineOf());
    expect(await readdir(input.outputFolder)).toEqual([
      'artifact.json',
      'image',
      'sbom.cdx.json',
      'service.json',
    ]);
    const artifact = await readImageArtifact(input.outputFolder);
    expect(artifact.manifest).toEqual(manifest);
    expect(manifest).toMatchObject({
      kind: 'image',
      name: '@acme/api',
      label: '1.4.0',
      version: 'sha-c0ffee000000',
      repository: 'api',
      images: { api: manifest.digest },
      bases: [{ reference: 'debian:12', digest: debian().Id, local: true }],
      builder: 'docker',
      migrations: [
        { name: '001_init.sql', contract: false },
        { name: '002_drop.sql', contract: true },
      ],
      attachments: [
        { file: 'sbom.cdx.json', artifactType: 'application/vnd.cyclonedx+json' },
        { file: 'service.json', artifactType: 'application/vnd.sluice.service.v1+json' },
      ],
    });
    expect(artifact.bundle).toMatchObject({
      project: 'api',
      compose: 'services: { api: { image: x }, worker: { image: x } }\n',
      images: { api: manifest.digest },
      migrations: manifest.migrations,
    });
    expect(artifact.bundle.config).not.toHaveProperty('images');
    // As the room that pushes it reads it.
    const { root: named } = await openLayout(artifact.layout);
    expect(named).toMatchObject({ digest: manifest.digest, mediaType: manifest.mediaType });
  });

  it('says where it comes from, and nothing of when and where it was built', async () => {
    const { digest } = await build(engineOf());
    const labels = {
      'org.opencontainers.image.created': '2023-11-14T22:13:20Z',
      'org.opencontainers.image.revision': COMMIT,
      'org.opencontainers.image.source': 'https://git.example.com/acme/shop',
      'org.opencontainers.image.version': '1.4.0',
    };
    const manifest = await document(digest);
    expect(manifest['annotations']).toEqual({ ...labels, 'org.opencontainers.image.base.name': 'debian:12' });
    const config = await document(manifest['config'].digest);
    expect(config).toEqual({
      created: '2023-11-14T22:13:20Z',
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['A=b'], Cmd: ['true'], Labels: { ...labels, own: 'x' } },
      rootfs: { type: 'layers', diff_ids: [digestOf(base), expect.stringMatching(/^sha256:/)] },
      history: [
        { created: '2023-11-14T22:13:20Z', created_by: 'RUN 0' },
        { created: '2023-11-14T22:13:20Z', created_by: 'RUN 1' },
      ],
    });
  });

  it('has the same digest again, with or without what was compressed before', async () => {
    const first = await build(engineOf());
    const again = await build(engineOf());
    const elsewhere = await build(engineOf(), { outputFolder: join(root, 'other') });
    expect([again.digest, elsewhere.digest]).toEqual([first.digest, first.digest]);
    expect(again).toEqual(first);
    expect(await readFile(join(root, 'other/sbom.cdx.json'))).toEqual(
      await readFile(join(input.outputFolder, 'sbom.cdx.json')),
    );
    const oci = await build(engineOf({ archive: () => ociArchive([image()]) }));
    expect(oci.digest).toBe(first.digest);
  });

  it('is another one for other content, another commit and another time', async () => {
    const { digest } = await build(engineOf());
    const others = [
      await build(
        engineOf({ archive: () => dockerArchive(image({ layers: [base, tarOf([{ path: 'x' }])] })) }),
      ),
      await build(engineOf(), { commit: 'b'.repeat(40) }),
      await build(engineOf(), { epoch: EPOCH + 1 }),
    ];
    expect(new Set([digest, ...others.map((one) => one.digest)]).size).toBe(4);
  });

  it('carries a part of its digest in its version where the work tree was dirty', async () => {
    const { version, digest } = await build(engineOf(), { dirty: true });
    expect(version).toBe(`sha-c0ffee000000-${digest.slice(7, 15)}`);
  });

  it('names in its SBOM what lies in it and what it stands on', async () => {
    await build(engineOf());
    const sbom = JSON.parse(await readFile(join(input.outputFolder, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; purl?: string }[];
    };
    expect(sbom.components.map(({ name, purl }) => purl ?? name)).toEqual(['debian:12', 'pkg:npm/a@1.0.0']);
  });

  it('leaves nothing half behind', async () => {
    await mkdir(join(input.outputFolder, '.partial-of-a-killed-one'), { recursive: true });
    const engine = engineOf();
    await build(engine);
    expect(await readdir(input.outputFolder)).toEqual([
      'artifact.json',
      'image',
      'sbom.cdx.json',
      'service.json',
    ]);
    expect([...engine.names]).toEqual([]);
  });
});

describe('base images', () => {
  it('are used by the digest that is recorded, where a registry knows it', async () => {
    const engine = engineOf({
      images: { 'debian:12': debian([`other.example.com/x@sha256:${'e'.repeat(64)}`, `debian@${DIGEST}`]) },
    });
    const { bases, digest } = await build(engine);
    expect(bases).toEqual([{ reference: 'debian:12', digest: DIGEST, local: false }]);
    expect(engine.built).toEqual([`FROM debian@${DIGEST}\nCOPY app /app\n`]);
    expect((await document(digest))['annotations']).toMatchObject({
      'org.opencontainers.image.base.digest': DIGEST,
    });
  });

  it('are used under a name of their own where they were only made here, and it is taken back', async () => {
    const engine = engineOf({
      answer: ({ args }) => (args[0] === 'build' ? { code: 1, stdout: '', stderr: 'no' } : undefined),
    });
    expect(await failure(build(engine))).toMatchObject({ code: 'IMAGE_BUILD_FAILED' });
    expect(engine.calls.filter((call) => / (tag|rmi) /.test(call))).toEqual([
      expect.stringMatching(/^docker tag sha256:1+ sluice-base:[0-9a-f-]{36}$/),
      expect.stringMatching(/^docker rmi --no-prune sluice-base:[0-9a-f-]{36}$/),
    ]);
    expect([...engine.names]).toEqual([]);
  });

  it('are pulled where they are not here, and with --pull in any case', async () => {
    const pulls = { 'debian:12': debian([`debian@${DIGEST}`]) };
    expect((await build(engineOf({ images: {}, pulls }))).bases[0]?.digest).toBe(DIGEST);
    expect((await build(engineOf({ pulls }))).bases[0]?.local).toBe(true);
    expect((await build(engineOf({ pulls }), { pull: true })).bases[0]?.digest).toBe(DIGEST);
    // What no registry has cannot be newer there.
    expect((await build(engineOf(), { pull: true })).bases[0]?.local).toBe(true);
  });

  it('that are nowhere are an error', async () => {
    const error = await failure(build(engineOf({ images: {} })));
    expect(error).toMatchObject({ code: 'BASE_UNAVAILABLE' });
    expect(error.message).toContain('debian:12 is neither here nor in its registry');
    expect(error.message).toContain('manifest of debian:12 unknown');
  });

  it('keep their layers as they are, whatever their times', async () => {
    const { digest } = await build(engineOf());
    const { diff_ids: ids } = (await document((await document(digest))['config'].digest))['rootfs'];
    expect(ids[0]).toBe(digestOf(base));
    await build(engineOf({ images: { 'debian:12': { ...debian(), RootFS: { Layers: ['sha256:x'] } } } }));
    const other = await readImageArtifact(input.outputFolder);
    const changed = (await document((await document(other.manifest.digest))['config'].digest))['rootfs'];
    expect(changed.diff_ids[0]).not.toBe(digestOf(base));
  });
});

describe('a stack', () => {
  const two = service({ images: { worker: { target: 'worker' }, api: {} } });
  it('is an index over its images, each under the name of its compose service', async () => {
    await writeFile(join(root, 'apps/api/Dockerfile'), 'FROM debian:12 AS worker\nFROM worker\n');
    const archives = [image({ layers: [base] }), image()];
    const engine = engineOf({ archive: (n) => dockerArchive(archives[n - 1] as MadeImage) });
    const manifest = await build(engine, { config: two });
    expect(manifest.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    const index = await document(manifest.digest);
    expect(index['manifests'].map((one: any) => [one.annotations['com.sluice.service'], one.digest])).toEqual(
      [
        ['api', manifest.images['api']],
        ['worker', manifest.images['worker']],
      ],
    );
    expect(manifest.images['api']).not.toBe(manifest.images['worker']);
    expect((await readImageArtifact(input.outputFolder)).bundle.images).toEqual(manifest.images);
    expect(engine.calls.filter((call) => call.startsWith('docker build'))[0]).toContain(' --target worker ');
  });
});

describe('several platforms', () => {
  const config = service({ images: { api: { platforms: ['linux/amd64', 'linux/arm64'] } } });
  it('are an index, by a builder that can', async () => {
    const archive = ociArchive([image({ architecture: 'arm64' }), image()]);
    const engine = engineOf({
      answer: async ({ args }) => {
        const [, second] = args;
        if (args[0] !== 'buildx') return undefined;
        if (second === 'version')
          return { code: 0, stdout: 'github.com/docker/buildx v0.20.1 x', stderr: '' };
        if (second === 'inspect')
          return { code: 0, stdout: 'Name: b\nDriver: docker-container\n', stderr: '' };
        if (second === 'imagetools') {
          const rootfs = { diff_ids: [digestOf(base)] };
          const image = { 'linux/amd64': { rootfs }, 'linux/arm64': { rootfs } };
          return { code: 0, stdout: JSON.stringify({ manifest: { digest: DIGEST }, image }), stderr: '' };
        }
        const output = args[args.indexOf('--output') + 1] ?? '';
        await writeFile(output.replace('type=oci,dest=', ''), archive);
        return { code: 0, stdout: '', stderr: '' };
      },
    });
    const manifest = await build(engine, { config, engine: 'buildkit' });
    const index = await document(manifest.digest);
    expect(index['manifests'].map((one: any) => one.platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ]);
    expect(manifest.bases).toEqual([{ reference: 'debian:12', digest: DIGEST, local: false }]);
    await readImageArtifact(input.outputFolder);
    const built = engine.calls.find((call) => call.includes(' build '));
    expect(built).toContain('--platform linux/amd64,linux/arm64 --build-arg SOURCE_DATE_EPOCH=1700000000');
  });

  it('are refused by one that cannot', async () => {
    expect(await failure(build(engineOf(), { config }))).toMatchObject({ code: 'PLATFORMS_UNSUPPORTED' });
  });
});

describe('what goes wrong', () => {
  it('a build that fails says what the builder said, and leaves the artifact that was there', async () => {
    const before = await build(engineOf());
    const secondLast = 'COPY failed: file not found in build context';
    const answer: FakeOptions['answer'] = ({ args }) =>
      args[0] === 'build' ? { code: 1, stdout: 'Step 2/2', stderr: secondLast } : undefined;
    const error = await failure(build(engineOf({ answer })));
    expect(error).toMatchObject({ code: 'IMAGE_BUILD_FAILED' });
    expect(error.message).toContain(secondLast);
    expect(error.next).toContain(`docker build --file ${join(root, 'apps/api/Dockerfile')}`);
    expect((await readImageArtifact(input.outputFolder)).manifest).toEqual(before);
  });

  it('is stopped on request', async () => {
    const abort = new AbortController();
    const answer: FakeOptions['answer'] = ({ args }) => {
      if (args[0] !== 'build') return undefined;
      abort.abort();
      return Promise.reject(abort.signal.reason as Error);
    };
    const error = await failure(build(engineOf({ answer }), { signal: abort.signal }));
    expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(input.outputFolder)).toEqual([]);
  });

  it.each([
    ['what is no archive', () => Buffer.from('x'.repeat(2000)), 'no tar file'],
    ['an archive that was cut off', () => dockerArchive(image()).subarray(0, 4000), 'cut off'],
    ['an archive without an image', () => tarOf([{ path: 'x' }]), 'has no index.json'],
    [
      'layers that are not those of the configuration',
      () => dockerArchive({ ...image(), config: {} }).fill('y', 1024, 1027),
      'should be',
    ],
  ])('%s is refused', async (_, archive, problem) => {
    const error = await failure(build(engineOf({ archive })));
    expect(error).toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect(error.message).toContain(problem);
  });

  it('a Dockerfile or context that is not there', async () => {
    const config = (image: object) => service({ images: { api: image } });
    const errorOf = (image: object) => failure(build(engineOf(), { config: config(image) }));
    expect(await errorOf({ dockerfile: 'other' })).toMatchObject({
      code: 'DOCKERFILE_MISSING',
      message: 'the image of api needs apps/api/other, which does not exist',
    });
    expect(await errorOf({ context: 'nowhere' })).toMatchObject({ code: 'DOCKERFILE_MISSING' });
    expect(await errorOf({ dockerfile: 'package.json' })).toMatchObject({ code: 'DOCKERFILE_INVALID' });
  });

  it('the context may be the workspace, and nothing above it, not by a link either', async () => {
    const errorOf = (image: object) =>
      failure(build(engineOf(), { config: service({ images: { api: image } }) }));
    const workspace = { context: '../..', dockerfile: 'apps/api/Dockerfile' };
    expect(
      (await build(engineOf(), { config: service({ images: { api: workspace } }) })).images,
    ).toHaveProperty('api');
    expect(await errorOf({ context: '../../..' })).toMatchObject({ code: 'CONTEXT_OUTSIDE' });
    await symlink(tmpdir(), join(root, 'apps/api/away'));
    expect(await errorOf({ context: 'away' })).toMatchObject({ code: 'CONTEXT_OUTSIDE' });
    await symlink('/etc/hostname', join(root, 'apps/api/Linked'));
    expect(await errorOf({ dockerfile: 'Linked' })).toMatchObject({ code: 'CONTEXT_OUTSIDE' });
  });

  it('no builder anywhere', async () => {
    const run: FakeEngine['run'] = async () => ({ code: 127, stdout: '', stderr: '' });
    const { engine: _, ...rest } = input;
    const error = await failure(buildImageArtifact({ ...rest, config: service(), run }));
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(error.details['tried']).toEqual([
      'buildkit: there is no program "docker"',
      'docker: there is no program "docker"',
      'podman: there is no program "podman"',
      'buildah: there is no program "buildah"',
    ]);
  });
});

describe('the plan', () => {
  it('says every command, and changes nothing', async () => {
    const engine = engineOf();
    const plan = await planImageBuild({
      ...input,
      config: service({ images: { api: { args: { EVIL: `it's $(x)` } } } }),
      run: engine.run,
    });
    const work = `${input.outputFolder}/.partial-<random>`;
    expect(plan).toEqual({
      builder: 'the classic builder of Docker 28.0.0',
      images: [
        {
          service: 'api',
          bases: ['debian:12'],
          commands: [
            '$ docker image inspect debian:12',
            `! DOCKER_BUILDKIT=0 docker build --file '${work}/api.Dockerfile' --build-arg 'EVIL=it'\\''s $(x)' --iidfile '${work}/api.id' --tag sluice-build/api/api:last ${root}/apps/api`,
            `$ docker save --output '${work}/api.tar' '<id of the image>'`,
          ],
        },
      ],
    });
    expect(engine.calls).toEqual(['docker version --format {{json .}}']);
    expect(await readdir(root)).toEqual(['apps']);
  });
});

describe('reading an artifact', () => {
  beforeEach(async () => {
    await build(engineOf());
  });
  const codes = async () => (await failure(readImageArtifact(input.outputFolder))).code;
  const largest = async (): Promise<string> => {
    const manifest = (await readImageArtifact(input.outputFolder)).manifest;
    return blobPath(join(input.outputFolder, 'image'), (await document(manifest.digest))['layers'][1].digest);
  };

  it.each<[string, string, () => Promise<void>]>([
    ['a layer that was changed', 'ARTIFACT_CHANGED', async () => appendFile(await largest(), 'x')],
    ['a layer that is gone', 'ARTIFACT_MISSING', async () => rm(await largest())],
    [
      'a bundle that was changed',
      'ARTIFACT_CHANGED',
      () => appendFile(join(input.outputFolder, 'service.json'), ' '),
    ],
    [
      'an SBOM that was changed',
      'ARTIFACT_CHANGED',
      () => appendFile(join(input.outputFolder, 'sbom.cdx.json'), ' '),
    ],
    ['an SBOM that is gone', 'ARTIFACT_MISSING', () => rm(join(input.outputFolder, 'sbom.cdx.json'))],
    [
      'a layout of another image',
      'ARTIFACT_CHANGED',
      () => writeFile(join(input.outputFolder, 'image/index.json'), '{"manifests":[]}'),
    ],
    [
      'an artifact.json that is gone',
      'ARTIFACT_MISSING',
      () => rm(join(input.outputFolder, 'artifact.json')),
    ],
    [
      'an artifact.json of a package',
      'ARTIFACT_INVALID',
      () => writeFile(join(input.outputFolder, 'artifact.json'), '{"schemaVersion":1,"kind":"npm"}'),
    ],
    [
      'an artifact.json that is none',
      'ARTIFACT_INVALID',
      () => writeFile(join(input.outputFolder, 'artifact.json'), 'x'),
    ],
  ])('refuses %s', async (_, code, spoil) => {
    await spoil();
    expect(await codes()).toBe(code);
  });

  it('refuses a manifest that was changed', async () => {
    const { manifest } = await readImageArtifact(input.outputFolder);
    await appendFile(blobPath(join(input.outputFolder, 'image'), manifest.digest), ' ');
    expect(await codes()).toBe('ARTIFACT_CHANGED');
  });

  it('does not follow a name out of the folder', async () => {
    const file = join(input.outputFolder, 'artifact.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"sbom.cdx.json"', '"../sbom.cdx.json"'));
    expect(await codes()).toBe('ARTIFACT_INVALID');
  });
});
