import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseService } from '../../service/index.ts';
import { describeWithHosts, openLab, type Lab } from '../../testing/lab/index.ts';
import { buildImageArtifact, type ImageBuildInput } from './build.ts';
import { detectBuilder, type Builder, type BuilderName } from './builders/index.ts';
import { readImageArtifact } from './read.ts';

const COMPOSE = 'services: { api: { image: x } }';
const DOCKERFILE = `
ARG TAG=bookworm-slim
FROM debian:\${TAG} AS made
RUN mkdir -p /app/node_modules/@acme/a && date +%N > /tmp/not-in-the-image \\
 && echo '{"name":"@acme/a","version":"1.2.3"}' > /app/node_modules/@acme/a/package.json
FROM debian:\${TAG}
COPY --from=made /app /app
COPY greeting /greeting
RUN touch /made-here && ln -s /made-here /link && mkdir /empty && rm /etc/debian_version
ENV GREETING="it's fine"
CMD ["cat", "/greeting"]
`;

/** The builders that can be had here: each with the folder to put before PATH, so that its client is the one that is found. */
const oldClient = '/usr/bin/docker';
const clientVersion = (file: string): number =>
  Number.parseInt(
    spawnSync(file, ['version', '--format', '{{.Client.Version}}']).stdout?.toString() ?? '',
    10,
  );
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const builders: [BuilderName, boolean][] = [
  ['docker', true],
  ['buildkit', clientVersion(oldClient) < 23],
  ['podman', has('podman')],
  ['buildah', has('buildah')],
];

describeWithHosts('an image by a real builder', () => {
  let lab: Lab;
  let root: string;
  /** One for all: what a builder's own layers become is what is tested, and the base is compressed once. */
  let output: string;
  let input: Omit<ImageBuildInput, 'engine' | 'outputFolder'>;
  const before = { PATH: process.env['PATH'], BUILDAH_ISOLATION: process.env['BUILDAH_ISOLATION'] };
  beforeAll(async () => {
    lab = await openLab();
    root = await mkdtemp(join(tmpdir(), 'sluice-real-image-'));
    output = join(root, 'artifact');
    await mkdir(join(root, 'api'));
    await writeFile(join(root, 'api/Dockerfile'), DOCKERFILE);
    await writeFile(join(root, 'api/compose.yaml'), COMPOSE);
    await writeFile(join(root, 'api/greeting'), 'hello\n');
    await writeFile(join(root, 'api/secret.key'), 'must stay here');
    await writeFile(join(root, 'api/.dockerignore'), '*.key\n');
    input = {
      workspaceRoot: root,
      projectRoot: 'api',
      project: 'api',
      config: parseService('{"images":{"api":{}}}', () => COMPOSE),
      commit: 'a'.repeat(40),
      dirty: false,
      epoch: 1_700_000_000,
      noCache: true,
    };
    await mkdir(join(root, 'bin'));
    await symlink(oldClient, join(root, 'bin/docker'));
    // Not every kernel of a test machine lets podman's own runtime make containers within its rights.
    process.env['BUILDAH_ISOLATION'] = 'chroot';
  });
  afterAll(async () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(root, { recursive: true, force: true });
    await lab.close();
  });

  const builderOf = (name: BuilderName): Promise<Builder> =>
    detectBuilder({ wanted: name, ...(name === 'buildkit' ? { program: join(root, 'bin/docker') } : {}) });
  /** Podman and buildah have a store of their own: the stand-in is carried over. */
  const bringBase = async (name: BuilderName): Promise<void> => {
    if (name !== 'podman' && name !== 'buildah') return;
    const archive = join(root, 'base.tar');
    const base = await lab.image('debian');
    const run = (program: string, ...args: string[]) => expect(spawnSync(program, args).status).toBe(0);
    run('docker', 'save', '--output', archive, base);
    run(name, 'pull', `docker-archive:${archive}`);
  };

  const borrowedNames = () =>
    spawnSync('docker', ['image', 'ls', 'sluice-base', '--format', '{{.Tag}}']).stdout.toString().split('\n');

  it.each(builders.filter(([, here]) => here))('%s: the same sources give the same digest', async (name) => {
    await bringBase(name);
    const builder = await builderOf(name);
    expect(builder.name).toBe(name);
    const namesBefore = borrowedNames();
    const made = [];
    for (let i = 0; i < 2; i += 1) {
      // What is built is of another moment each time.
      await writeFile(join(root, 'api/greeting'), 'hello\n');
      made.push(await buildImageArtifact({ ...input, engine: builder, outputFolder: output }));
    }
    const [first, second] = made as [(typeof made)[0], (typeof made)[0]];
    expect(second).toEqual(first);
    expect(first).toMatchObject({
      builder: name,
      bases: [{ reference: 'debian:bookworm-slim', local: true }],
    });

    const { layout, manifest } = await readImageArtifact(output);
    const names = spawnSync('sh', [
      '-c',
      `for blob in ${layout}/blobs/sha256/*; do tar tzf "$blob" 2>/dev/null; done; true`,
    ]);
    const files = names.stdout.toString().split('\n');
    expect(files).toContain('greeting');
    expect(files).toContain('etc/.wh.debian_version');
    expect(files.filter((file) => file.includes('secret.key') || file.includes('not-in-the-image'))).toEqual(
      [],
    );
    expect(manifest.attachments.map(({ file }) => file)).toEqual(['sbom.cdx.json', 'service.json']);
    // A killed build may have left some before; another that is running takes its own back.
    const left = () => borrowedNames().filter((name) => !namesBefore.includes(name));
    await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 60_000, interval: 500 });
  });

  it('what was written runs, as it was said', async () => {
    await buildImageArtifact({
      ...input,
      engine: await builderOf('docker'),
      outputFolder: output,
      noCache: false,
    });
    const registry = await lab.registry();
    const target = `${registry.address}/api:it`;
    const copied = spawnSync('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `oci:${output}/image`,
      `docker://${target}`,
    ]);
    expect(copied.stderr.toString()).toBe('');
    expect(spawnSync('docker', ['run', '--rm', target]).stdout.toString()).toBe('hello\n');
    const env = spawnSync('docker', [
      'run',
      '--rm',
      target,
      'sh',
      '-c',
      'echo "$GREETING"; ls -d /link /empty',
    ]);
    expect(env.stdout.toString()).toBe("it's fine\n/empty\n/link\n");
    spawnSync('docker', ['rmi', target]);
  });

  it('a base that a registry knows is used by its digest', async () => {
    const registry = await lab.registry();
    const name = `${registry.address}/base:1`;
    const docker = (...args: string[]) => expect(spawnSync('docker', args).status).toBe(0);
    docker('tag', await lab.image('debian'), name);
    docker('push', '--quiet', name);
    docker('rmi', name);
    await writeFile(join(root, 'api/Dockerfile'), `FROM ${name}\nCOPY greeting /greeting\n`);
    const built = await buildImageArtifact({
      ...input,
      engine: await builderOf('docker'),
      outputFolder: output,
    });
    const answer = await fetch(`${registry.url}/v2/base/manifests/1`, {
      method: 'HEAD',
      headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    });
    expect(built.bases).toEqual([
      { reference: name, digest: answer.headers.get('docker-content-digest'), local: false },
    ]);
    docker('rmi', name);
  });
});
