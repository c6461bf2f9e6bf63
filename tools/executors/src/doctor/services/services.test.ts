import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../../registry/local/oci/index.ts';
import { Flow } from '../../promotion/testing/flow.ts';
import { examine } from '../testing/examine.ts';
import { judgeSecrets } from './config.ts';
import { engineChecks } from './engine.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-doctor-services-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the image registry of services', () => {
  let open: OciRegistry;
  let closed: OciRegistry;
  let flow: Flow;
  beforeAll(async () => {
    open = await startOciRegistry({ folder: join(folder, 'open') });
    closed = await startOciRegistry({
      folder: join(folder, 'closed'),
      password: 'right-password',
      faults: { privately: true },
    });
    flow = await Flow.start({
      live: true,
      packages: { solo: [] },
      options: {
        services: {
          images: `${closed.host}/acme`,
          usernameEnv: 'IMAGES_USER',
          stages: [{ name: 'staging' }, { name: 'production', images: `${open.host}/production` }],
        },
      },
    });
    await flow.write({
      'libs/api/package.json': JSON.stringify({ name: '@acme/api', private: true, version: '0.0.0' }),
      'libs/api/sluice.json': '{}',
    });
  });
  afterAll(async () => {
    await flow?.close();
    await open?.close();
    await closed?.close();
  });
  const look = (password: string) =>
    examine(flow, {
      env: {
        IMAGES_USER: 'sluice',
        IMAGES_REGISTRY_TOKEN: password,
        DOCKER_CONFIG: join(folder, 'none'),
      },
    });

  it('is well where it lets us in, and asked once for the stages that share it', async () => {
    const { of, checks } = await look('right-password');
    const seen = checks.filter(({ title }) => title === 'image registry').map(({ stage }) => stage);
    expect(seen).toEqual(['images', 'production']);
    expect(of('image registry', 'production')).toMatch(/^ok: .* answers, and asks for no credentials$/);
    expect(of('image registry', 'images')).toBe(`ok: ${closed.host}/acme lets us in as sluice`);
  });

  it.each(['', 'wrong-password'])(
    'is a problem where it does not, with the password "%s"',
    async (password) => {
      const { check } = await look(password);
      expect(check('image registry', 'images')).toMatchObject({
        verdict: 'problem',
        code: expect.stringMatching(/^IMAGE_/),
        next: expect.stringMatching(/docker login|IMAGES_REGISTRY_TOKEN/),
      });
    },
  );

  it('that keeps us out of what may not be there yet is a warning', async () => {
    const service = createServer((request, response) => {
      const realm = `http://127.0.0.1:${port}/token`;
      if (request.url?.startsWith('/token')) response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}');
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo;
    const { of } = await examine(flow, {
      env: {
        SLUICE_IMAGES_REGISTRY: `127.0.0.1:${port}/acme`,
        IMAGES_USER: 'sluice',
        IMAGES_REGISTRY_TOKEN: 'x',
      },
    });
    expect(of('image registry', 'images')).toMatch(
      /^warning: 127\.0\.0\.1:\d+\/acme does not let us read acme\/api: it is not there before the first publish/,
    );
    service.close();
  });

  it('stands beside services whose sluice.json cannot be used, or lacks its secrets', async () => {
    expect((await look('')).check('sluice.json of @acme/api')).toMatchObject({
      verdict: 'problem',
      code: 'SERVICE_CONFIG_INVALID',
    });
    await flow.write({
      'libs/api/compose.yaml': 'services: { api: { build: ., image: api } }\n',
      'libs/api/sluice.json': JSON.stringify({ images: { api: {} }, secrets: ['PASSWORD'] }),
    });
    const { of } = await look('');
    expect(of('sluice.json of @acme/api')).toBe(
      'warning: a deployment needs PASSWORD, which is not set here -> export PASSWORD=... (or deploy with --envFile=<file>)',
    );
    const job = await examine(flow, { env: { GITHUB_ACTIONS: 'true' } });
    expect(job.of('sluice.json of @acme/api')).toMatch(/^ok: can be used; whether its secrets are there/);
  });

  it('of stages without hosts says that nothing can be deployed there', async () => {
    const { of } = await look('');
    expect(of('hosts', 'staging')).toMatch(/^not checked: none in nx\.json.* -> add "hosts"/);
  });

  it('is only reached by workspaces with a service in them', async () => {
    await rm(join(flow.root, 'libs/api/sluice.json'));
    const { checks } = await look('');
    expect(checks.filter(({ room }) => room === 'services' || room === 'hosts')).toEqual([]);
    expect(checks.some(({ title }) => title === 'ssh')).toBe(false);
  });
});

describe('the engine', () => {
  const path = process.env['PATH'];
  afterAll(() => void (process.env['PATH'] = path));
  const look = async () => Promise.all(engineChecks().map((check) => check.run(AbortSignal.timeout(10_000))));
  const program = async (name: string, script: string): Promise<void> => {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  };

  it('that is nowhere is a problem with what each of them said', async () => {
    process.env['PATH'] = folder;
    const [builder, smoke] = await look();
    expect(builder).toMatchObject({ verdict: 'problem', code: 'ENGINE_UNAVAILABLE' });
    expect(builder?.said).toMatch(/there is no program "docker"[^]*there is no program "podman"/);
    expect(smoke).toMatchObject({ verdict: 'problem', code: 'ENGINE_UNAVAILABLE' });
  });

  it('that answers is named', async () => {
    process.env['PATH'] = folder;
    await program(
      'docker',
      `case "$1 $2" in
        "version --format") echo '{"Client":{"Version":"20.10.24"},"Server":{"Version":"20.10.24","Os":"linux","Arch":"amd64"}}' ;;
        "buildx version") exit 1 ;;
      esac`,
    );
    const [builder, smoke] = await look();
    expect(builder).toMatchObject({ verdict: 'ok', said: expect.stringContaining('20.10.24') });
    expect(smoke).toEqual({ verdict: 'ok', said: 'docker, with docker compose' });
  });
});

it('secrets that are empty are missing', () => {
  expect(judgeSecrets(['A', 'B', 'C'], { A: 'x', B: '' }).said).toBe(
    'a deployment needs B, C, which are not set here',
  );
  expect(judgeSecrets(['A'], { A: 'x' }).verdict).toBe('ok');
  expect(judgeSecrets([], {}).verdict).toBe('ok');
});
