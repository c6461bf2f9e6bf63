import { describe, expect, it } from 'vitest';
import { showCommand, type Ran, type Run } from '../command.ts';
import { detectBuilder, type BuilderName, type BuildRequest } from './index.ts';
import { digestFor } from './shared.ts';

const D = `sha256:${'d'.repeat(64)}`;
const ID = '1'.repeat(64);
const request: BuildRequest = {
  context: '/ws/app',
  dockerfile: '/tmp/work/Dockerfile',
  target: 'web',
  args: { A: "it's" },
  platforms: [],
  tag: 'sluice-build/app/web:last',
  epoch: 1_700_000_000,
  wantsEpoch: false,
  noCache: false,
  idFile: '/tmp/work/id',
  archive: '/tmp/work/tar',
};

/** A machine on which these calls are answered, and no other program is. */
const machine =
  (answers: Record<string, string | Ran>): Run =>
  async ({ program, args }) => {
    const call = [program, ...args].join(' ');
    const [, said] = Object.entries(answers).find(([start]) => call.startsWith(start)) ?? [];
    if (typeof said === 'string') return { code: 0, stdout: said, stderr: '' };
    return (
      said ?? {
        code: Object.keys(answers).some((one) => one.startsWith(`${program} `)) ? 1 : 127,
        stdout: '',
        stderr: '',
      }
    );
  };
const version = (client: string) =>
  JSON.stringify({
    Client: { Version: client },
    Server: { Version: '20.10.24', Os: 'linux', Arch: 'arm64' },
  });
const inspected = JSON.stringify([
  { Id: ID, RepoDigests: [`debian@${D}`], RootFS: { Layers: ['sha256:a'] } },
]);
const looked = { 'docker image inspect': inspected };
const podman = { 'podman info': '5.4.0 linux/arm64', 'podman image inspect': inspected };

/** Every way to build, with the machine on which it is the one. */
const ways: [string, BuilderName, Record<string, string>][] = [
  ['the classic builder', 'docker', { 'docker version': version('28.2.2'), ...looked }],
  ['BuildKit in an engine', 'buildkit', { 'docker version': version('20.10.24+dfsg1'), ...looked }],
  [
    'BuildKit in an engine, by buildx',
    'buildkit',
    {
      'docker version': version('28.2.2'),
      'docker buildx version': 'x v0.20.1',
      'docker buildx inspect': 'Driver: docker\n',
      ...looked,
    },
  ],
  [
    'a BuildKit of its own',
    'buildkit',
    {
      'docker version': version('28.2.2'),
      'docker buildx version': 'x v0.20.1',
      'docker buildx inspect': 'Driver:   docker-container\n',
      'docker buildx imagetools inspect': JSON.stringify({
        manifest: { digest: D },
        image: { rootfs: { diff_ids: ['sha256:a'] } },
      }),
    },
  ],
  ['podman', 'podman', podman],
  [
    'buildah',
    'buildah',
    {
      'buildah version': '{"version":"1.40.0","osArch":"linux/arm64"}',
      'buildah inspect': JSON.stringify({
        FromImage: 'localhost:5000/debian:12',
        FromImageID: ID,
        FromImageDigest: D,
        OCIv1: { rootfs: { diff_ids: ['sha256:a'] } },
      }),
    },
  ],
];

describe.each(ways)('%s', (_, name, answers) => {
  it('is found, and keeps to what every builder promises', async () => {
    const run = machine(answers);
    const builder = await detectBuilder({ run });
    expect(builder).toMatchObject({ name, platform: 'linux/arm64' });

    const build = builder.build(request);
    const line = showCommand(build);
    expect(build.effect).toBe('write');
    expect(line).toContain(`--file /tmp/work/Dockerfile --target web`);
    expect(line).toContain(`--build-arg 'A=it'\\''s'`);
    expect(build.args.at(-1)).toBe('/ws/app');
    expect(line.includes('SOURCE_DATE_EPOCH')).toBe(name === 'buildkit');
    expect(showCommand(builder.build({ ...request, wantsEpoch: true }))).toContain(
      'SOURCE_DATE_EPOCH=1700000000',
    );
    expect(showCommand(builder.build({ ...request, noCache: true }))).toContain('--no-cache');
    expect(showCommand(builder.build({ ...request, platforms: ['linux/arm64'] }))).toContain(
      '--platform linux/arm64',
    );

    // Either the builder keeps the image and says its id, or it writes the archive by itself.
    expect(line.includes('--iidfile /tmp/work/id')).toBe(builder.store !== undefined);
    expect(line.includes('/tmp/work/tar')).toBe(builder.store === undefined);
    const save = builder.store?.save('sha256:x', '/tmp/work/tar');
    expect(
      save === undefined || (save.args.join(' ').includes('/tmp/work/tar') && save.args.includes('sha256:x')),
    ).toBe(true);

    const reference = name === 'buildah' ? 'localhost:5000/debian:12' : 'debian:12';
    const look = builder.look(reference);
    expect(look).toMatchObject({ effect: 'read' });
    expect(builder.found((await run(look)).stdout, reference)).toMatchObject({
      digest: D,
      layers: [['sha256:a']],
    });
    expect(builder.found('', reference)).toBeUndefined();
    expect(builder.found('[]', reference)).toBeUndefined();
  });
});

describe('detection', () => {
  it('takes what is asked for, and nothing else', async () => {
    const run = machine({ ...ways[1]![2], ...podman });
    const names = ['docker', 'podman'] as const;
    for (const wanted of names) expect((await detectBuilder({ run, wanted })).name).toBe(wanted);
    await expect(detectBuilder({ run, wanted: 'buildah' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      details: { tried: ['buildah: there is no program "buildah"'] },
    });
  });

  it('goes on to podman where no engine answers', async () => {
    const down = {
      code: 1,
      stdout: '{"Client":{"Version":"28.0.0"},"Server":null}',
      stderr: 'Cannot connect',
    };
    expect((await detectBuilder({ run: machine({ 'docker version': down, ...podman }) })).name).toBe(
      'podman',
    );
    await expect(detectBuilder({ run: machine({ 'docker version': down }) })).rejects.toThrow(
      'docker: no engine answers (Cannot connect)',
    );
  });
});

describe('the digest of an image among several', () => {
  it.each<[string, string[], string | undefined]>([
    ['debian:12', [`debian@${D}`], D],
    ['debian:12', [`hub.example.com/library/debian@${D}`], D],
    ['acme/x', [`hub.example.com/acme/x@${D}`], D],
    ['debian', [`localhost/debian@${D}`], undefined],
    ['debian', [`mirror.example.com/other/debian@${D}`], undefined],
    ['ghcr.io/acme/x:1', [`hub.example.com/acme/x@sha256:0`, `ghcr.io/acme/x@${D}`], D],
    ['127.0.0.1:5000/x:1', [`127.0.0.1:5000/x@${D}`], D],
    ['debian', [], undefined],
  ])('%s of %j is %s', (reference, digests, expected) => {
    expect(digestFor(reference, digests)).toBe(expected);
  });
});
