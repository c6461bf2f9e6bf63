import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { ProjectGraph, TaskGraph } from '@nx/devkit';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readImageArtifact } from '../../../../artifact/image/index.ts';
import { readArtifact } from '../../../../artifact/index.ts';
import { dockerArchive, tarOf } from '../../../../artifact/image/testing/archives.ts';
import batch from '../../batch.ts';
import build from '../../executor.ts';
import { readSource } from './source.ts';

/** A docker client as far as a build goes: its engine has one image, and every build makes the same archive. */
const CLIENT = `#!/bin/sh
case $1 in
  version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Os":"linux","Arch":"amd64"}}' ;;
  buildx) exit 1 ;;
  build)
    echo "Step 1/1 : said while it builds"
    case "$*" in *broken*) echo "there is no such file" >&2; exit 1 ;; esac
    while [ $# -gt 0 ]; do [ "$1" = --iidfile ] && echo sha256:1 > "$2"; shift; done ;;
  save) cp "$ARCHIVE" "$3" ;;
  *) exit 1 ;;
esac
`;
let root: string;
const before = { ...process.env };
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd: root,
    env: { ...process.env, GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z' },
  }).toString();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-build-service-test-'));
  const files: Record<string, string> = {
    'libs/money/package.json': '{"name":"@acme/money","version":"2.0.0"}',
    'apps/api/package.json': '{"name":"@acme/api","version":"1.0.0","private":true}',
    'apps/api/sluice.json': '{"images":{"api":{}}}',
    'apps/api/compose.yaml': 'services: { api: { image: x } }',
    'apps/api/Dockerfile': 'FROM scratch\n',
    'bin/docker': CLIENT,
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  }
  await chmod(join(root, 'bin/docker'), 0o755);
  await writeFile(
    join(root, 'archive.tar'),
    dockerArchive({ layers: [tarOf([{ path: 'x', content: 'x' }])] }),
  );
  await writeFile(join(root, '.gitignore'), 'dist\n');
  git('init', '--quiet');
  git('remote', 'add', 'origin', 'https://user:password@git.example.com/acme/shop.git');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  process.env['PATH'] = `${join(root, 'bin')}:${before['PATH']}`;
  process.env['ARCHIVE'] = join(root, 'archive.tar');
});
afterEach(async () => {
  process.env['PATH'] = before['PATH'];
  delete process.env['ARCHIVE'];
  await rm(root, { recursive: true, force: true });
});

const context = (projectName: string) => ({
  root,
  projectName,
  projectsConfigurations: {
    version: 2,
    projects: { api: { root: 'apps/api' }, money: { root: 'libs/money' } },
  },
  projectGraph: { nodes: {}, dependencies: {} } as ProjectGraph,
});
async function run(options: Parameters<typeof build>[0]) {
  const said = { stdout: '', stderr: '' };
  const { success } = await build({ builder: 'docker', ...options }, context('api'), {
    stdout: { write: (text) => ((said.stdout += String(text)), true) },
    stderr: { write: (text) => ((said.stderr += String(text)), true) },
  });
  return { success, ...said };
}

describe('the build executor, for a service', () => {
  it('writes the artifact, says its identity, and shows the builder at work', async () => {
    const { success, stdout, stderr } = await run({ outputFile: 'out/result.json' });
    expect(success).toBe(true);
    const { manifest } = await readImageArtifact(join(root, 'dist/artifacts/api'));
    const commit = git('rev-parse', 'HEAD').trim();
    expect(manifest).toMatchObject({
      commit,
      dirty: false,
      version: `sha-${commit.slice(0, 12)}`,
      builder: 'docker',
    });
    expect(stdout).toBe(
      `@acme/api@${manifest.version}  ${(manifest.size / 1000).toFixed(1)} kB  ${manifest.digest}  (docker)\n`,
    );
    expect(stderr).toContain('api | Step 1/1 : said while it builds\n');
    expect(JSON.parse(await readFile(join(root, 'out/result.json'), 'utf8'))).toEqual(manifest);
  });

  it('--dry-run says the exact commands, and writes nothing', async () => {
    const { success, stdout } = await run({ dryRun: true, outputFile: 'plan.json' });
    expect(success).toBe(true);
    expect(stdout).toContain('api  would be built by the classic builder of Docker 28.0.0: 1 image');
    expect(stdout).toContain(
      `! DOCKER_BUILDKIT=0 docker build --file '${root}/dist/artifacts/api/.partial-<random>/api.Dockerfile'`,
    );
    expect(JSON.parse(await readFile(join(root, 'plan.json'), 'utf8'))).toMatchObject({
      project: 'api',
      images: [{ service: 'api' }],
    });
    expect(await readdir(root)).not.toContain('dist');
  });

  it('fails with the code, what the builder said, and the next command', async () => {
    await writeFile(join(root, 'apps/api/sluice.json'), '{"images":{"api":{"args":{"X":"broken"}}}}');
    const { success, stdout, stderr } = await run({});
    expect([success, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(
      /IMAGE_BUILD_FAILED: the image of api could not be built:\n.*\n +there is no such file\n +docker ended with exit code 1\n +now: .*\n +next: /,
    );
  });

  it('fails with the path of what is wrong in sluice.json', async () => {
    await writeFile(join(root, 'apps/api/sluice.json'), '{"images":{"apy":{}}}');
    expect((await run({})).stderr).toContain(
      'images.apy: there is no service in compose.yaml named "apy"; did you mean "api"?',
    );
  });

  it('is traced to a commit', async () => {
    await rm(join(root, '.git'), { recursive: true });
    expect((await run({})).stderr).toMatch(/^NO_GIT_REPOSITORY/);
    git('init', '--quiet');
    expect((await run({})).stderr).toMatch(/^NO_COMMIT/);
  });
});

describe('the sources of an image', () => {
  it('are a commit, its time, and an address without credentials', async () => {
    expect(await readSource(root, {})).toEqual({
      commit: git('rev-parse', 'HEAD').trim(),
      dirty: false,
      epoch: Date.parse('2026-01-02T03:04:05Z') / 1000,
      source: 'https://git.example.com/acme/shop',
    });
  });

  it('are dirty with anything that is not committed; SOURCE_DATE_EPOCH wins; a path is no address', async () => {
    await writeFile(join(root, 'new'), '');
    git('remote', 'set-url', 'origin', '../elsewhere.git');
    const { source, ...rest } = await readSource(root, { SOURCE_DATE_EPOCH: '77' });
    expect(source).toBeUndefined();
    expect(rest).toMatchObject({ dirty: true, epoch: 77 });
  });
});

describe('a batch of packages and services', () => {
  it('builds each as what it is; a failure stops no other', async () => {
    const tasks = ['api', 'money'].map((project) => ({
      id: `${project}:build`,
      target: { project, target: 'build' },
    }));
    const graph = { tasks: Object.fromEntries(tasks.map((task) => [task.id, task])) } as unknown as TaskGraph;
    const collect = async () => {
      const results = new Map<string, boolean>();
      for await (const { task, result } of batch(
        graph,
        { 'api:build': { builder: 'docker' } },
        {},
        context(''),
      ))
        results.set(task, result.success);
      return Object.fromEntries(results);
    };
    expect(await collect()).toEqual({ 'api:build': true, 'money:build': true });
    expect((await readImageArtifact(join(root, 'dist/artifacts/api'))).manifest.kind).toBe('image');
    expect((await readArtifact(join(root, 'dist/artifacts/money'))).manifest.kind).toBe('npm');

    await rm(join(root, 'apps/api/Dockerfile'));
    expect(await collect()).toEqual({ 'api:build': false, 'money:build': true });
  });
});
