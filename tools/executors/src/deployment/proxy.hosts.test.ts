import { mkdtemp, rm } from 'node:fs/promises';
import { request as http, type ClientRequest } from 'node:http';
import { request as https } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../registry/local/oci/index.ts';
import type { ServiceConfig } from '../service/types.ts';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../testing/lab/index.ts';
import { deploy } from './deploy.ts';
import { Deployer, SERVE, smallService } from './testing/small-service.ts';
import { stageOf } from './testing/world.ts';
import type { DeployableArtifact } from './types.ts';

/** Caddy gets certificates for such a name from an authority of its own; the way to a public one is Caddy's. */
const NAME = 'web.internal';
/** Well for its first seconds. */
const TURNS = SERVE.replace('exec ', '{ sleep 6; echo sick >/site/healthz; } & exec ');

interface Canary {
  canary?: string;
  canaryForMs?: number;
}

describeWithHosts('the proxy of a real host', () => {
  let lab: Lab;
  let folder: string;
  let registry: OciRegistry;
  let machine: LabHost;
  let deployer: Deployer;
  let run: (artifact: DeployableArtifact, more?: Canary) => ReturnType<typeof deployed>;

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'sluice-proxy-'));
    registry = await startOciRegistry({ folder });
  });
  beforeEach(async () => {
    machine = await lab.host();
    const stage = stageOf([machine.target], { bakeMs: 1_000, sshConfig: lab.sshConfig, insecure: true });
    deployer = new Deployer({ lab, registry, stage });
    run = (artifact, more = {}) => {
      deployer.wanted = artifact;
      return deployed(deployer, stage, more);
    };
  });
  afterAll(async () => {
    await lab?.close();
    await registry?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const service = (version: string, serve = SERVE, config: Partial<ServiceConfig> = {}) =>
    smallService(registry, { version, serve, config });

  it('serves by HTTPS where it has names, and sends HTTP there', async () => {
    const names = { stages: { staging: { hostnames: [NAME] } } };
    const first = await run(await service('one', SERVE, names));
    expect(first, `${first.line}\n${first.lines}`).toMatchObject({ success: true });
    const { stdout: ca } = await machine.ssh('cat .sluice/proxy/data/pki/authorities/local/root.crt');
    expect(await page(machine, ca)).toEqual({ status: 200, body: 'one' });
    await expect(page(machine, undefined)).rejects.toThrow(/certificate/);
    expect(await plain(machine)).toMatchObject({ status: 308, location: `https://${NAME}/` });
    // What was got is kept: a new release, and a proxy that starts again, serve with the same authority.
    expect(await run(await service('two', SERVE, names))).toMatchObject({ success: true });
    await machine.engine('restart', 'sluice-proxy');
    await expect
      .poll(() => page(machine, ca).catch(() => undefined), { timeout: 20_000 })
      .toEqual({ status: 200, body: 'two' });
  });

  it('gives a canary its share, completes one that stays well, and takes a sick one back', async () => {
    expect(await run(await service('one'))).toMatchObject({ success: true });
    const shares: Record<string, number> = {};
    const count = async () => {
      const body = (await (await fetch(machine.url(80))).text()).trim();
      shares[body] = (shares[body] ?? 0) + 1;
    };
    const over = new AbortController();
    const counting = (async () => {
      while (!over.signal.aborted) await count().catch(() => undefined);
    })();
    const good = await run(await service('two'), { canary: '30%', canaryForMs: 4_000 });
    over.abort();
    await counting;
    expect(good, `${good.line}\n${good.lines}`).toMatchObject({ success: true });
    expect(Object.keys(shares).sort()).toEqual(['one', 'two']);
    expect(await (await fetch(machine.url(80))).text()).toMatch('two');

    const sick = await run(await service('three', TURNS), { canary: '30%', canaryForMs: 12_000 });
    expect(sick, `${sick.line}\n${sick.lines}`).toMatchObject({ success: false, outcome: 'restored' });
    for (let i = 0; i < 30; i += 1) expect(await (await fetch(machine.url(80))).text()).toMatch('two');
    expect(
      await machine.engine('ps', '-a', '--filter', 'label=com.sluice.service=web', '--format', '{{.Names}}'),
    ).toMatch(/^\S+$/);
  });
});

async function deployed(
  deployer: Deployer,
  stage: ReturnType<typeof stageOf>,
  { canary, canaryForMs }: Canary,
) {
  const lines: string[] = [];
  const { results } = await deploy(deployer.context(), {
    stage,
    requests: [{ project: 'web', name: '@acme/web', ...(canary ? { canary } : {}) }],
    ...(canaryForMs ? { canaryForMs } : {}),
    onLine: (host, phase, line) => void lines.push(`${host} ${phase} | ${line}`),
  });
  const [result] = results;
  if (!result) throw new Error('there is no result');
  return { ...result, lines: lines.join('\n') };
}

/** The page by HTTPS under the name, trusting this authority alone. */
async function page(machine: LabHost, ca: string | undefined): Promise<{ status: number; body: string }> {
  const { hostname } = new URL(machine.url(443));
  const secure = { host: hostname, port: 443, servername: NAME, ...(ca ? { ca } : {}) };
  const { status, body } = await answer(https({ ...secure, headers: { host: NAME } }));
  return { status, body };
}

/** What the page is by HTTP. A request of its own, since fetch lets nobody choose the name. */
function plain(machine: LabHost) {
  return answer(http(machine.url(80), { headers: { host: NAME } }));
}

function answer(
  request: ClientRequest,
): Promise<{ status: number; body: string; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    request
      .on('error', reject)
      .on('response', async (response) => {
        const body = Buffer.concat((await response.toArray()) as Buffer[])
          .toString()
          .trim();
        resolve({ status: response.statusCode ?? 0, body, location: response.headers.location });
      })
      .end();
  });
}
