import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServiceBundle } from '../../../service/types.ts';
import type { LabHost, LabRegistry } from '../../../testing/lab/index.ts';
import { openHost, releaseFiles, type Host, type PhaseName, type PhaseResult } from '../../index.ts';

/** Builds the app of the tests and pushes it; its reference by digest, as hosts pull it. */
export function pushApp(registry: LabRegistry): string {
  const folder = mkdtempSync(join(tmpdir(), 'app-'));
  try {
    copyFileSync(join(import.meta.dirname, 'app.mjs'), join(folder, 'app.mjs'));
    writeFileSync(
      join(folder, 'Dockerfile'),
      'FROM node:26-bookworm-slim\nCOPY app.mjs /app.mjs\nUSER 1000\nCMD ["node", "/app.mjs"]\n',
    );
    const name = `${registry.address}/acme/app`;
    run('docker', ['build', '-q', '-t', `${name}:test`, folder]);
    run('docker', ['push', '-q', `${name}:test`]);
    const [digest] = run('docker', [
      'image',
      'inspect',
      '-f',
      '{{range .RepoDigests}}{{println .}}{{end}}',
      `${name}:test`,
    ])
      .split('\n')
      .filter((line) => line.startsWith(`${name}@`));
    run('docker', ['rmi', `${name}:test`]);
    return `${registry.fromHosts}/acme/app@${digest?.split('@')[1]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface ServiceOptions {
  service?: string;
  environment?: string;
  compose?: string;
  http?: Partial<ServiceBundle['config']['http'][string]>;
  hostnames?: string[];
  proxy?: 'caddy' | 'none';
  ports?: { http: number; https: number };
  replicas?: number;
}
const COMPOSE = `
services:
  web:
    build: .
    stop_grace_period: 2s
    environment: { VERSION: '\${VERSION}', MODE: '\${MODE:-good}', AFTER: '\${AFTER:-0}' }
`;

/** One service on one host, by the phases themselves. */
export class DeployedService {
  readonly host: Promise<Host>;
  readonly service: string;
  readonly environment: string;
  readonly image: string;
  private readonly machine: LabHost;
  private readonly options: ServiceOptions;
  private count = 0;
  release = '';
  private probes = '';
  private accessories = false;

  constructor(machine: LabHost, image: string, options: ServiceOptions = {}) {
    this.machine = machine;
    this.image = image;
    this.options = options;
    this.service = options.service ?? 'shop';
    this.environment = options.environment ?? 'staging';
    this.host = openHost({
      name: machine.target,
      sshConfig: machine.sshConfig,
      service: this.service,
      environment: this.environment,
      run: 'run-1',
      root: '.sluice',
    });
  }

  get home(): string {
    return `.sluice/${this.service}/${this.environment}`;
  }

  async run(phase: PhaseName, values: Record<string, string> = {}, stdin?: string): Promise<PhaseResult> {
    const host = await this.host;
    return host.run(phase, {
      values: { RELEASE: this.release, ...values },
      ...(stdin === undefined ? {} : { stdin }),
    });
  }

  lock = () => this.run('lock', { OWNER: 'tester', TTL: '60' });

  /** A new release up to `pull`. */
  async prepare(variables: Record<string, string>): Promise<void> {
    const { http, hostnames, proxy = 'caddy', ports = { http: 8080, https: 8443 }, replicas } = this.options;
    this.count += 1;
    this.release = `20260102T0304${String(this.count).padStart(2, '0')}-${Buffer.from(this.service.padEnd(6)).toString('hex').slice(0, 12)}`;
    const bundle: ServiceBundle = {
      schemaVersion: 1,
      project: this.service,
      compose: this.options.compose ?? COMPOSE,
      images: { web: 'sha256:x' },
      migrations: [],
      config: {
        compose: 'compose.yaml',
        http: {
          web: {
            port: 3000,
            path: '/',
            health: { path: '/readyz', status: 200, body: 'version' },
            healthWithin: '8s',
            drain: '10s',
            ...http,
          },
        },
        databases: [],
        volumes: [],
        environment: {},
        secrets: [],
        stages: {
          [this.environment]: {
            ...(hostnames ? { hostnames } : {}),
            ...(replicas === undefined ? {} : { replicas }),
          },
        },
      },
    };
    const made = releaseFiles({
      bundle,
      stage: { name: this.environment, proxy, ports },
      release: this.release,
      run: 'run-1',
      images: { web: this.image },
      variables,
    });
    this.accessories = made.accessories;
    this.probes = made.upstreams
      .flatMap(({ service, addresses, health, within }) =>
        addresses.map((address) =>
          [
            service,
            address,
            health.path,
            health.status,
            Buffer.from(health.body ?? '').toString('base64') || '-',
            within,
          ].join(' '),
        ),
      )
      .join('\n');
    await this.run(
      'prepare',
      { ACCESSORIES: this.accessories ? 'yes' : 'no' },
      tarOf({ ...made.files, 'release.json': '{}\n' }),
    );
    await this.run('pull', { IMAGES: this.image });
  }

  start = () => this.run('start');
  health = () => this.run('health', { PROBES: this.probes });
  switch = (weight = 100, drain = 10) => this.run('switch', { WEIGHT: String(weight), DRAIN: String(drain) });
  watch = (seconds = 0) => this.run('watch', { SECONDS: String(seconds), PROBES: this.probes });
  finish = () => this.run('finish');
  undo = () => this.run('undo');
  truth = async () =>
    Object.fromEntries((await this.run('truth')).facts.map(({ key, value }) => [key, value]));

  async deploy(variables: Record<string, string>): Promise<void> {
    await this.prepare(variables);
    await this.start();
    await this.health();
    await this.switch();
    await this.watch();
    await this.finish();
  }

  /** Releases with containers, as `<release> <state>`. */
  async containers(): Promise<string[]> {
    const text = await this.machine.engine(
      'ps',
      '-a',
      '--filter',
      `label=com.sluice.service=${this.service}`,
      '--filter',
      'label=com.sluice.release',
      '--format',
      '{{.Label "com.sluice.release"}} {{.State}}',
    );
    return text.split('\n').filter(Boolean).sort();
  }
}

function tarOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return run('tar', ['-C', folder, '-cf', '-', ...Object.keys(files)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(command: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${error?.message ?? stderr}`);
  return stdout;
}
