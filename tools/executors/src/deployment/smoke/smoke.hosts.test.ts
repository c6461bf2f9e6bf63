import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServiceBundle, SmokeConfig } from '../../service/types.ts';
import { startOciRegistry, type OciRegistry } from '../../registry/local/oci/index.ts';
import { describeWithHosts, IMAGES } from '../../testing/lab/index.ts';
import type { DeployableArtifact } from '../types.ts';
import { smoke } from './index.ts';

const exec = promisify(execFile);
const docker = async (...args: string[]) => (await exec('docker', args)).stdout.trim();

const PAGE = '<!doctype html><script src="/main.js"></script>Hello';
const compose = (script: string) => `
services:
  web:
    image: not-the-one-that-is-tested
    container_name: would-collide
    build: .
    ports: ['80:8080']
    environment: { TOKEN: '\${TOKEN:?}' }
    command: ${JSON.stringify(['/bin/sh', '-c', script])}
    volumes: ['kept:/kept']
volumes: { kept: }
`;
/** A page with a script of its own, when the secret is there. */
const serve = (file: string) =>
  `mkdir /site && cd /site && echo '${PAGE}' > index.html && echo 1 > ${file} && test -n "$$TOKEN" && exec caddy file-server --listen :8080`;

describeWithHosts('a smoke test', () => {
  let folder: string;
  let registry: OciRegistry;
  let reference: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smoke-test-'));
    registry = await startOciRegistry({ folder: join(folder, 'registry') });
    const tag = `${registry.host}/acme/web:1`;
    await docker('tag', IMAGES.caddy, tag);
    await docker('push', '-q', tag);
    const all = await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', tag);
    reference = (JSON.parse(all) as string[]).find((one) => one.startsWith(tag.split(':1')[0] ?? '')) ?? '';
    await docker('image', 'rm', tag);
  });
  afterAll(async () => {
    await registry.close();
    await docker('image', 'rm', reference).catch(() => undefined);
    await rm(folder, { recursive: true });
  });

  const artifact = (text: string, config: SmokeConfig): DeployableArtifact => ({
    project: 'tried-page',
    name: '@acme/web',
    version: 'sha-1',
    digest: reference.split('@')[1] ?? '',
    images: { web: reference },
    size: 1,
    bundle: {
      schemaVersion: 1,
      project: 'tried-page',
      compose: text,
      images: { web: reference.split('@')[1] ?? '' },
      migrations: [],
      config: {
        compose: 'compose.yaml',
        http: {
          web: { port: 8080, health: { path: '/', status: 200 }, healthWithin: '5s', drain: '1s', path: '/' },
        },
        databases: [],
        volumes: [],
        environment: {},
        secrets: ['TOKEN'],
        stages: {},
        smoke: config,
      },
    } as ServiceBundle,
  });
  const run = (text: string, config: SmokeConfig, signal = new AbortController().signal) =>
    smoke({
      artifact: artifact(text, config),
      stage: 'staging',
      env: {},
      logFolder: join(folder, 'logs'),
      signal,
      onLine: () => {},
    });
  // The project is only here: other tests try services out at the same time.
  const left = async () => [
    await docker('ps', '-aq', '--filter', 'name=smoke-tried-page'),
    await docker('volume', 'ls', '-q', '--filter', 'name=smoke-tried-page'),
    await docker('network', 'ls', '-q', '--filter', 'name=smoke-tried-page'),
  ];
  const page = { service: 'web', path: '/', status: 200, body: 'Hello', contentType: 'text/html' };

  it('runs exactly the promoted image beside nothing else, with its assets and a load, and leaves nothing', async () => {
    const report = await run(compose(serve('main.js')), {
      checks: [page],
      load: { service: 'web', path: '/', rate: 50, seconds: 1 },
    });
    expect(report).toMatchObject({ checks: 1, load: { sent: 50, failed: 0 } });
    expect(await left()).toEqual(['', '', '']);
  });

  it('finds an asset that is missing, keeps the logs, and leaves nothing', async () => {
    const failing = run(compose(serve('other.js')), { checks: [page] });
    await expect(failing).rejects.toMatchObject({ code: 'SMOKE_FAILED' });
    const error = (await failing.catch((thrown: unknown) => thrown)) as Error & { state: string };
    expect(error.message).toContain('/main.js (asked for by /): HTTP 404');
    const log = /logs are in (\S+)/.exec(error.state)?.[1] ?? '';
    expect(await readFile(log, 'utf8')).toContain('web');
    expect(await left()).toEqual(['', '', '']);
  });

  it('shows what a container said that ended', async () => {
    const failing = run(compose('echo the reason >&2; exit 3'), { checks: [page] });
    await expect(failing).rejects.toThrow(/the reason/);
    expect(await left()).toEqual(['', '', '']);
  });

  it('takes everything down when it is stopped', async () => {
    const stop = new AbortController();
    const stopped = run(compose(serve('main.js')), { checks: [{ ...page, status: 418 }] }, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped on request')), 2_000);
    await expect(stopped).rejects.toThrow(/stopped on request|aborted/);
    expect(await left()).toEqual(['', '', '']);
  });
});
