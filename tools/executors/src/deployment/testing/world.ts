import type { SluiceError } from '../../foundation/index.ts';
import type { PhaseName } from '../../host/types.ts';
import type { LedgerState, RecordBody } from '../../ledger/types.ts';
import type { Migration, ServiceBundle, ServiceStage } from '../../service/types.ts';
import { deploy, type DeployOptions } from '../deploy.ts';
import type { Answer } from '../outside.ts';
import type { DeployRequest } from '../plan.ts';
import type {
  DeployableArtifact,
  DeploymentContext,
  DeploymentEvent,
  ReleaseManifest,
  RenderedRelease,
  RenderInput,
} from '../types.ts';
import { FakeHost, FakeMachine, type Fault } from './fake-host.ts';

export const digestOf = (text: string): string => `sha256:${text.repeat(64).slice(0, 64)}`;

export function stageOf(hosts: string[], more: Partial<ServiceStage> = {}): ServiceStage {
  return {
    pipeline: 'services',
    name: 'staging',
    index: 0,
    before: 'images',
    images: 'images.example.com/acme',
    identity: 'images.example.com/acme',
    insecure: false,
    hosts,
    tags: [],
    proxy: 'caddy',
    ports: { http: 80, https: 443 },
    folder: '.sluice',
    parallel: 2,
    bakeMs: 3_000,
    backups: 5,
    releases: 5,
    leaseSeconds: 60,
    ...more,
  };
}

export function bundleOf(
  project: string,
  more: { migrations?: Migration[]; secrets?: string[] } = {},
): ServiceBundle {
  const { migrations = [], secrets = [] } = more;
  return {
    schemaVersion: 1,
    project,
    compose: `services: { ${project}: { image: x } }`,
    config: {
      compose: 'compose.yaml',
      http: {
        [project]: {
          port: 80,
          health: { path: '/healthz', status: 200 },
          healthWithin: '60s',
          drain: '5s',
          path: '/',
        },
      },
      ...(migrations.length > 0 ? { migrations: { service: project, command: ['migrate'] } } : {}),
      databases:
        migrations.length > 0
          ? [
              {
                service: 'db',
                kind: 'mysql',
                name: project,
                user: 'root',
                passwordVariable: 'DATABASE_PASSWORD',
              },
            ]
          : [],
      volumes: ['uploads'],
      environment: { GREETING: 'hello', DATABASE_PASSWORD: 'not secret here' },
      secrets,
      stages: {},
    },
    images: { [project]: digestOf('0') },
    migrations,
  };
}

export function artifactOf(
  project: string,
  letter: string,
  more: { migrations?: Migration[]; secrets?: string[] } = {},
): DeployableArtifact {
  const digest = digestOf(letter);
  return {
    project,
    name: `@acme/${project}`,
    version: `sha-${letter.repeat(12)}`,
    digest,
    images: { [project]: `images.example.com/acme/${project}@${digest}` },
    bundle: bundleOf(project, more),
    size: 1_000_000,
  };
}

export const render = ({ bundle, release }: RenderInput): RenderedRelease => ({
  files: { 'compose.yaml': bundle.compose },
  accessories: false,
  upstreams: Object.entries(bundle.config.http).map(([service, { health, port }]) => ({
    service,
    route: `${bundle.project}-staging-${service}`,
    addresses: [`${release}-${service}:${port}`],
    health,
    within: 60,
    drain: 5,
  })),
});

/** Machines, a ledger that is a list, and people who are told: everything that a deployment touches. */
export class World {
  readonly stage: ServiceStage;
  /** By project, then by host. */
  readonly machines = new Map<string, Map<string, FakeMachine>>();
  readonly artifacts = new Map<string, DeployableArtifact[]>();
  readonly records: RecordBody[] = [];
  readonly events: DeploymentEvent[] = [];
  /** `host phase` of all hosts, in order. */
  readonly log: string[] = [];
  readonly hosts: FakeHost[] = [];
  readonly held = new Set<string>();
  /** What the deployer's own network shows. */
  outside: (url: string) => Answer = () => 'none';
  recordProblem: SluiceError | undefined;
  #minutes = 0;
  #runs = 0;

  constructor(hosts: string[] = ['one', 'two', 'three'], more: Partial<ServiceStage> = {}) {
    this.stage = stageOf(hosts, more);
  }

  /** What deployments ask of the ledger, of what was written. */
  readonly #ledger = {
    hold: () => undefined,
    running: (_: string, name: string) => {
      const record = this.records.findLast(
        (one) => (one.type === 'deployed' || one.type === 'returned') && one.name === name,
      );
      return record && { record };
    },
  } as unknown as LedgerState;

  machine(project: string, host: string): FakeMachine {
    const all = this.machines.get(project) ?? new Map<string, FakeMachine>();
    this.machines.set(project, all);
    const machine = all.get(host) ?? new FakeMachine(host);
    all.set(host, machine);
    return machine;
  }
  all(project: string): FakeMachine[] {
    return this.stage.hosts.map((host) => this.machine(project, host));
  }

  /** The newest artifact is the one that was promoted. */
  promote(artifact: DeployableArtifact): this {
    this.artifacts.set(artifact.project, [...(this.artifacts.get(artifact.project) ?? []), artifact]);
    return this;
  }

  context(faults: Record<string, Fault[]> = {}, stop?: () => void): DeploymentContext {
    this.#runs += 1;
    this.#minutes += 1;
    const run = `run-${this.#runs}`;
    const now = new Date(Date.UTC(2026, 0, 1, 12, this.#minutes));
    return {
      env: {},
      run,
      owner: 'rita',
      source: {
        artifact: async (_, name, version) =>
          [...this.artifacts.values()]
            .flat()
            .findLast(
              (artifact) =>
                artifact.name === name &&
                (version === undefined || [artifact.version, artifact.digest].includes(version)) &&
                !this.held.has(artifact.digest),
            ),
        hold: async (name, version) => {
          const found = [...this.artifacts.values()]
            .flat()
            .find((artifact) => artifact.name === name && artifact.version === version);
          return found && this.held.has(found.digest) ? 'it was bad' : undefined;
        },
      },
      records: {
        ready: async () => undefined,
        write: async (make) => {
          if (this.recordProblem) return this.recordProblem;
          this.records.push(...make(this.#ledger));
          return undefined;
        },
      },
      render,
      openHost: async (_, host, project) => {
        const opened = new FakeHost(this.machine(project, host), run, {
          now,
          faults: faults[host] ?? [],
          log: (name, phase) => void this.log.push(`${name} ${phase}`),
          ...(stop ? { stop } : {}),
        });
        this.hosts.push(opened);
        return opened;
      },
      notify: async (event) => void this.events.push(event),
      targets: { 'deploy-vps': 'ship', promote: 'promote', rollback: 'rollback', releases: 'releases' },
      now: () => now,
      sleep: async () => undefined,
      askOutside: async ({ url }) => this.outside(url),
      environmentHash: async (variables) => JSON.stringify(variables),
    };
  }

  /** Deploys what was promoted last; `api` alone unless said. */
  async deploy(
    given: Partial<DeployOptions> & {
      faults?: Record<string, Fault[]>;
      request?: Partial<DeployRequest>;
    } = {},
  ) {
    const abort = new AbortController();
    const { faults, request, ...options } = given;
    return deploy(
      this.context(faults, () => abort.abort(new Error('stopped on request'))),
      {
        stage: this.stage,
        requests: [{ project: 'api', name: '@acme/api', ...request }],
        signal: abort.signal,
        ...options,
      },
    );
  }

  count(phase: PhaseName): number {
    return this.log.filter((line) => line.endsWith(` ${phase}`)).length;
  }
}

/** All hosts serve exactly this release, and nothing else is left on them. */
export const serving = (release: string | undefined) => ({
  current: release,
  routes: release === undefined ? {} : { [release]: 100 },
  containers: release === undefined ? [] : [release],
  lock: undefined,
  maintenance: false,
});

export const releaseOf = (machine: FakeMachine): ReleaseManifest | undefined =>
  machine.current === undefined ? undefined : machine.releases.get(machine.current)?.manifest;
