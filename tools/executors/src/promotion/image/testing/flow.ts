import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUNDLE_TYPE, SBOM_TYPE, type ImageArtifactManifest } from '../../../artifact/image/types.ts';
import type { RecordBody } from '../../../ledger/types.ts';
import type { GateOptions, NotificationOptions, ServiceStageOptions } from '../../../pipeline/types.ts';
import { startOciRegistry, type OciRegistry } from '../../../registry/local/index.ts';
import { TestLayout } from '../../../registry/oci/testing/images.ts';
import type { ServiceBundle } from '../../../service/types.ts';
import { startFaultProxy, type FaultProxy } from '../../../testing/fault-proxy.ts';
import { approve } from '../../approve.ts';
import { openContext, type Context } from '../../context.ts';
import type { PromoteOptions } from '../../promote.ts';
import type { PublishOptions } from '../../publish.ts';
import { record } from '../../recording.ts';
import { promoteImages } from '../promote.ts';
import { publishImages } from '../publish.ts';

const PERSON = 'rita@acme.example';
const PASSWORD = 'registry-password-of-a-test';

export interface ServiceFlowOptions {
  gates?: Record<string, GateOptions>;
  stages?: Record<string, Partial<ServiceStageOptions>>;
  /** Stages with a registry of their own. */
  own?: string[];
  notifications?: NotificationOptions[];
  options?: Record<string, unknown>;
  /** Further files of the first commit. */
  files?: Record<string, string>;
  /** The live profile: addresses in nx.json, signed records, the ledger pushed to `remote.git` beside the clone. */
  live?: boolean;
}

/** A pipeline of services for one test: a git repository, real image registries, and a person with a signing key. */
export class ServiceFlow {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly registries = new Map<string, OciRegistry>();
  readonly proxies = new Map<string, FaultProxy>();
  readonly live: boolean;
  readonly #folder: string;

  private constructor(folder: string, live: boolean) {
    this.#folder = folder;
    this.live = live;
    this.root = join(folder, 'clone');
    this.env = {
      PATH: process.env['PATH'],
      HOME: join(this.root, 'home'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Dev',
      GIT_AUTHOR_EMAIL: 'dev@acme.example',
      GIT_COMMITTER_NAME: 'Dev',
      GIT_COMMITTER_EMAIL: 'dev@acme.example',
      // No package is looked at; the address only keeps the local registries from being started.
      SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:9',
    };
  }

  static async start(given: ServiceFlowOptions = {}): Promise<ServiceFlow> {
    const flow = new ServiceFlow(await mkdtemp(join(tmpdir(), 'sluice-services-')), given.live ?? false);
    await mkdir(join(flow.root, 'home'), { recursive: true });
    for (const place of ['images', ...(given.own ?? [])]) await flow.#startRegistry(place);
    if (flow.live) {
      flow.env['SLUICE_PROFILE'] = 'live';
      flow.env['SLUICE_SIGNING_KEY'] = join(flow.root, 'home', PERSON);
    }
    const approver = flow.key(PERSON);
    await flow.write({
      '.gitignore': 'home\ndist\n.sluice/local\n',
      '.sluice/allowed_signers': `${PERSON} namespaces="sluice" ${approver}\n`,
      'package.json': JSON.stringify({ name: 'workspace', private: true, workspaces: ['apps/*'] }),
      'nx.json': JSON.stringify({
        plugins: [{ plugin: '@sluice/nx/plugin', options: flow.#options(given) }],
      }),
      ...given.files,
    });
    flow.git('init', '--quiet', '--initial-branch=main');
    flow.commit('the workspace');
    if (flow.live) {
      flow.git('init', '--quiet', '--bare', '--initial-branch=main', '../remote.git');
      flow.git('remote', 'add', 'origin', '../remote.git');
      flow.push();
    }
    return flow;
  }

  async #startRegistry(place: string): Promise<void> {
    const folder = join(this.#folder, 'registries', place);
    const registry = await startOciRegistry({ folder, port: 0, password: PASSWORD });
    this.registries.set(place, registry);
    this.proxies.set(place, await startFaultProxy({ target: `http://${registry.host}` }));
    const name = place.toUpperCase();
    this.env[this.live ? `${name}_REGISTRY_TOKEN` : `SLUICE_${name}_TOKEN`] = PASSWORD;
    this.env[this.live ? `${name}_REGISTRY_USER` : `SLUICE_${name}_USERNAME`] = 'sluice';
    if (!this.live) this.env[`SLUICE_${name}_REGISTRY`] = this.images(place);
  }

  /** Where the images of a place lie. */
  images(place = 'images'): string {
    return `${new URL(this.proxy(place).url).host}/acme`;
  }
  proxy(place = 'images'): FaultProxy {
    return this.proxies.get(place) as FaultProxy;
  }

  #options(given: ServiceFlowOptions): Record<string, unknown> {
    const place = (name: string) => {
      const upper = name.toUpperCase();
      const login = { usernameEnv: `${upper}_REGISTRY_USER`, tokenEnv: `${upper}_REGISTRY_TOKEN` };
      return this.live && this.proxies.has(name) ? { images: this.images(name), ...login } : {};
    };
    const stages = ['staging', 'production'].map((name) => ({
      name,
      ...place(name),
      ...given.stages?.[name],
      ...(given.gates?.[name] ? { gate: given.gates[name] } : {}),
    }));
    return {
      packages: { stages: [{ name: 'github', registry: 'https://npm.example.com' }] },
      services: { ...place('images'), stages },
      notifications: given.notifications ?? [],
      ...given.options,
    };
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.root, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim();
  }
  commit(message: string): string {
    this.git('add', '.');
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }
  push(): void {
    this.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  }
  key(principal: string): string {
    const file = join(this.root, 'home', principal);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', principal, '-f', file]);
    return execFileSync('cut', ['-d', ' ', '-f', '1,2', `${file}.pub`])
      .toString()
      .trim();
  }
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.root, path)), { recursive: true });
      await writeFile(join(this.root, path), text);
    }
  }

  /** Commits a change of a service and writes the artifact that a build of it would: a stack of two images. */
  async build(project: string, content: string, more: Partial<ImageArtifactManifest> = {}) {
    await this.write({
      [`apps/${project}/package.json`]: JSON.stringify({ name: `@acme/${project}`, private: true }),
      [`apps/${project}/sluice.json`]: '{}',
      [`apps/${project}/src`]: content,
    });
    const commit = this.commit(`${project}: ${content}`);
    if (this.live) this.push();
    const folder = this.artifact(project);
    await rm(folder, { recursive: true, force: true });
    const layout = new TestLayout(join(folder, 'image'));
    const base = await layout.layer(3_000, 'base');
    const app = await layout.image([base, await layout.layer(2_000, `${project} ${content}`)]);
    const worker = await layout.image([base, await layout.layer(1_000, `worker ${content}`)]);
    const index = await layout.index([app, worker]);
    await layout.write(index);
    const images = { app: app.digest, worker: worker.digest };
    const bundle: ServiceBundle = {
      schemaVersion: 1,
      project,
      compose: 'services: {}\n',
      config: {} as ServiceBundle['config'],
      images,
      migrations: [],
    };
    const attachments = [
      await attachment(folder, 'sbom.cdx.json', SBOM_TYPE, { bomFormat: 'CycloneDX', content }),
      await attachment(folder, 'service.json', BUNDLE_TYPE, bundle),
    ];
    const manifest: ImageArtifactManifest = {
      schemaVersion: 1,
      kind: 'image',
      project,
      name: `@acme/${project}`,
      version: `sha-${commit.slice(0, 12)}`,
      digest: index.digest,
      mediaType: index.mediaType,
      size: 6_000,
      repository: project,
      images,
      bases: [],
      builder: 'buildkit',
      commit,
      dirty: false,
      migrations: [],
      attachments,
      ...more,
    };
    await writeFile(join(folder, 'artifact.json'), JSON.stringify(manifest));
    return manifest;
  }

  artifact(project: string): string {
    return join(this.root, 'dist/artifacts', project);
  }

  async with<T>(work: (context: Context) => Promise<T>, signer?: string): Promise<T> {
    const key = signer ? { key: join(this.root, 'home', signer) } : {};
    const context = await openContext({ workspaceRoot: this.root, env: this.env, ...key });
    try {
      return await work(context);
    } finally {
      await context.close();
    }
  }

  publish(projects: string[], options: Partial<PublishOptions> = {}) {
    const requests = projects.map((project) => ({
      project,
      root: `apps/${project}`,
      artifact: this.artifact(project),
    }));
    return this.with((context) => publishImages(context, { requests, ...options }));
  }
  promote(stage: string, options: Partial<PromoteOptions> = {}) {
    return this.with((context) => promoteImages(context, { stage, ...options }));
  }
  /** Builds, publishes and promotes a change as far as the named stages; fails where one of them does. */
  async ship(project: string, content: string, ...stages: string[]) {
    const manifest = await this.build(project, content);
    const { results } = await this.publish([project]);
    for (const stage of stages) results.push(...(await this.promote(stage)).results);
    const failed = results.find((result) => !result.success);
    if (failed) throw new Error(failed.line, { cause: failed.error });
    return manifest;
  }

  approve(stage: string) {
    return this.with((context) => approve(context, { stage }), PERSON);
  }

  /** Writes into the ledger what a deployment of this build would. */
  deployed(stage: string, { name, project, version, digest }: ImageArtifactManifest, more: object = {}) {
    return this.with(async (context) => {
      const problem = await record(context, await context.signer(), () => [
        {
          type: 'deployed',
          pipeline: 'services',
          stage,
          registry: context.options.services?.images ?? 'local',
          project,
          name,
          version,
          integrity: digest,
          release: `20260101T000000-${digest.slice(7, 19)}`,
          hosts: ['deploy@h'],
          composeHash: 'c',
          environmentHash: 'e',
          databaseVersion: null,
          ...more,
        } as RecordBody,
      ]);
      if (problem) throw problem;
    });
  }

  /** Tags of a service in a registry -> digest. */
  async tags(project: string, place = 'images'): Promise<Record<string, string>> {
    const base = `http://${this.registries.get(place)?.host}/v2/acme/${project}`;
    const listed = (await (await fetch(`${base}/tags/list`)).json()) as { tags?: string[] };
    const found: Record<string, string> = {};
    for (const tag of listed.tags ?? []) {
      const answer = await fetch(`${base}/manifests/${tag}`, { method: 'HEAD', headers: { accept: '*/*' } });
      found[tag] = answer.headers.get('docker-content-digest') ?? '';
    }
    return found;
  }

  /** Moves a tag as somebody with the registry's token can. */
  async retag(project: string, tag: string, digest: string): Promise<void> {
    await this.with(async (context) => {
      const repository = (await context.images('images')).of(project);
      const manifest = await repository.manifest(digest);
      if (manifest) await repository.putManifest(manifest, tag);
    });
  }

  /** All records of the ledger as short lines, in order. */
  records(): Promise<string[]> {
    return this.with(async (context) => {
      const { repository } = await context.ledger();
      const state = await (await context.ledger()).refresh();
      if (state.head === null) return [];
      const paths = (await repository.run(['log', '--reverse', '--format=', '--name-only', state.head]))
        .split('\n')
        .filter(Boolean);
      const ledger = await context.ledger();
      const batches = await Promise.all(paths.map((path) => ledger.batch(path)));
      return batches
        .flatMap(({ records }) => records)
        .map((one) =>
          [one.type, one.stage, ...('version' in one ? [`${one.project}@${one.version}`] : [])].join(' '),
        );
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
    await Promise.all([...this.registries.values()].map((registry) => registry.close()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function attachment(folder: string, file: string, artifactType: string, content: unknown) {
  const bytes = Buffer.from(JSON.stringify(content));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), bytes);
  return { file, artifactType, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}
