import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openHost, releaseFiles, type Host } from '../../host/index.ts';
import type { LedgerState, RecordBody } from '../../ledger/types.ts';
import type { OciRegistry } from '../../registry/local/oci/index.ts';
import type { ServiceBundle, ServiceConfig, ServiceStage } from '../../service/types.ts';
import { IMAGES, type Lab } from '../../testing/lab/index.ts';
import type { DeployableArtifact, DeploymentContext } from '../types.ts';

const exec = promisify(execFile);
const docker = async (...args: string[]) => (await exec('docker', args)).stdout.trim();

/** What the small service does: it serves its version, and says that it is well. */
export const SERVE =
  'mkdir -p /site && echo "$VERSION" >/site/index.html && echo ok >/site/healthz && exec caddy file-server --root /site --listen :8080';
const COMPOSE = "services: { web: { image: built-here, build: ., ports: ['8080:8080'] } }";

export interface SmallService {
  version: string;
  serve?: string;
  compose?: string;
  config?: Partial<ServiceConfig>;
}

/** Pushes an image that serves its version, and says what may be deployed of it. */
export async function smallService(
  registry: Pick<OciRegistry, 'host'>,
  { version, serve = SERVE, compose = COMPOSE, config = {} }: SmallService,
): Promise<DeployableArtifact> {
  const name = `${registry.host}/acme/web`;
  const tag = `${name}:${version}`;
  const build = execFile('docker', ['build', '-q', '-t', tag, '-']);
  build.stdin?.end(
    `FROM ${IMAGES.caddy}\nENV VERSION=${version}\nCMD ["/bin/sh", "-c", ${JSON.stringify(serve)}]\n`,
  );
  await new Promise<void>((resolve, reject) =>
    build.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker build ended with ${code}`)),
    ),
  );
  await docker('push', '-q', tag);
  const digests = JSON.parse(
    await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', tag),
  ) as string[];
  const reference = digests.find((one) => one.startsWith(`${name}@`)) ?? '';
  const digest = reference.split('@')[1] ?? '';
  await docker('image', 'rm', tag);
  const bundle: ServiceBundle = {
    schemaVersion: 1,
    project: 'web',
    compose,
    images: { web: digest },
    migrations: [],
    config: {
      compose: 'compose.yaml',
      http: {
        web: {
          port: 8080,
          health: { path: '/healthz', status: 200, body: 'ok' },
          healthWithin: '30s',
          drain: '2s',
          path: '/',
        },
      },
      databases: [],
      volumes: [],
      environment: {},
      secrets: [],
      stages: {},
      ...config,
    },
  };
  return {
    project: 'web',
    name: '@acme/web',
    version: `sha-${digest.slice(7, 19)}`,
    digest,
    images: { web: reference },
    bundle,
    size: 1_000_000,
  };
}

let runs = 0;

/** A deployer of that service: its hosts are real, its ledger is a list. */
export class Deployer {
  /** What the next run finds promoted. */
  wanted: DeployableArtifact | undefined;
  readonly records: RecordBody[] = [];
  readonly opened: Host[] = [];
  readonly #at: { lab: Lab; registry: OciRegistry; stage: ServiceStage; env?: NodeJS.ProcessEnv };
  constructor(at: { lab: Lab; registry: OciRegistry; stage: ServiceStage; env?: NodeJS.ProcessEnv }) {
    this.#at = at;
  }

  context(): DeploymentContext {
    const { lab, registry, stage, env = {} } = this.#at;
    runs += 1;
    const run = `run-${process.pid}-${runs}`;
    return {
      env,
      run,
      owner: "rita's laptop",
      source: { artifact: async () => this.wanted, hold: async () => undefined },
      records: {
        ready: async () => undefined,
        write: async (make) =>
          void this.records.push(...make({ hold: () => undefined } as unknown as LedgerState)),
      },
      render: releaseFiles,
      openHost: async (_, name, service) => {
        const host = await openHost({
          name,
          service,
          environment: stage.name,
          run,
          root: stage.folder,
          sshConfig: lab.sshConfig,
          forwards: [registry.port],
        });
        this.opened.push(host);
        return host;
      },
      targets: { 'deploy-vps': 'deploy-vps', promote: 'promote', rollback: 'rollback', releases: 'releases' },
    };
  }
}
