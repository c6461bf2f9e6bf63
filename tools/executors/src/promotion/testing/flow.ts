import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildArtifact, type Sibling } from '../../artifact/index.ts';
import type { GateOptions, PackageStageOptions } from '../../pipeline/types.ts';
import { startFaultProxy, type FaultProxy } from '../../testing/fault-proxy.ts';
import { startVerdaccio, type TestVerdaccio } from '../../testing/verdaccio.ts';
import { openContext, type Context } from '../context.ts';
import { promote, type PromoteOptions } from '../promote.ts';
import { publish, type PublishOptions } from '../publish.ts';

export const STAGES = ['github', 'test', 'public'] as const;
export type StageName = (typeof STAGES)[number];
export type World = Record<string, { versions: Record<string, string>; tags: Record<string, string> }>;

/** Whose key signs in the live profile, and approves where a test wants it. */
const PERSON = 'rita@acme.example';

interface FlowOptions {
  /** Project -> projects that it depends on. Package names are `@acme/<project>`. */
  packages?: Record<string, string[]>;
  gates?: Partial<Record<StageName, GateOptions>>;
  stages?: Partial<Record<StageName, Partial<PackageStageOptions>>>;
  options?: Record<string, unknown>;
  /** Further fields of every package.json. */
  manifest?: Record<string, unknown>;
  /** Further files of the first commit. */
  files?: Record<string, string>;
  /**
   * The live profile instead of the local one: stages' addresses stand in nx.json, every record is signed, and the
   * ledger goes to a bare remote, `remote.git` beside the clone.
   */
  live?: boolean;
}

/**
 * A whole pipeline for one test: a git repository of small packages, three real Verdaccios behind fault proxies, the
 * local profile pointed at them, and a person with a signing key. Everything is real but the distance.
 */
export class Flow {
  /** The clone. Beside it nothing but its remote. */
  readonly root: string;
  readonly graph: Record<string, string[]>;
  readonly live: boolean;
  readonly registries = new Map<string, TestVerdaccio>();
  readonly proxies = new Map<string, FaultProxy>();
  readonly env: NodeJS.ProcessEnv;
  /** Further fields of every package.json. */
  manifest: Record<string, unknown> = {};
  readonly #folder: string;
  #copies = 0;

  private constructor(folder: string, graph: Record<string, string[]>, live: boolean) {
    this.#folder = folder;
    this.root = join(folder, 'world', 'clone');
    this.graph = graph;
    this.live = live;
    this.env = {
      PATH: process.env['PATH'],
      HOME: join(this.root, 'home'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Dev',
      GIT_AUTHOR_EMAIL: 'dev@acme.example',
      GIT_COMMITTER_NAME: 'Dev',
      GIT_COMMITTER_EMAIL: 'dev@acme.example',
    };
  }

  static async start(given: FlowOptions = {}): Promise<Flow> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-flow-'));
    const graph = given.packages ?? { units: [], logger: [], money: ['units'], invoice: ['money', 'logger'] };
    const flow = new Flow(folder, graph, given.live ?? false);
    flow.manifest = given.manifest ?? {};
    await mkdir(join(flow.root, 'home'), { recursive: true });
    await Promise.all(STAGES.map((stage) => flow.#startRegistry(stage)));
    if (flow.live) {
      flow.env['SLUICE_PROFILE'] = 'live';
      flow.env['SLUICE_SIGNING_KEY'] = join(flow.root, 'home', PERSON);
    }
    const approver = flow.key(PERSON);
    await flow.write({
      '.gitignore': 'home\ndist\n.sluice/local\n',
      '.sluice/allowed_signers': `${PERSON} namespaces="sluice" ${approver}\n`,
      'package.json': JSON.stringify({ name: 'workspace', private: true, workspaces: ['libs/*'] }),
      'nx.json': JSON.stringify({
        plugins: [{ plugin: '@sluice/nx/plugin', options: flow.#options(given) }],
      }),
      ...given.files,
    });
    flow.git('init', '--quiet', '--initial-branch=main');
    await flow.release('1.0.0');
    if (flow.live) {
      flow.git('init', '--quiet', '--bare', '--initial-branch=main', '../remote.git');
      flow.git('remote', 'add', 'origin', '../remote.git');
      flow.push();
    }
    return flow;
  }

  async #startRegistry(stage: StageName): Promise<void> {
    const verdaccio = await startVerdaccio({ storage: this.storage(stage) });
    const proxy = await startFaultProxy({ target: verdaccio.url });
    this.registries.set(stage, verdaccio);
    this.proxies.set(stage, proxy);
    const name = stage.toUpperCase();
    this.env[this.live ? `${name}_REGISTRY_TOKEN` : `SLUICE_${name}_TOKEN`] = await verdaccio.token();
    if (!this.live) this.env[`SLUICE_${name}_REGISTRY`] = proxy.url;
  }

  #options(given: FlowOptions): Record<string, unknown> {
    const address = (name: StageName) => {
      if (this.live) return { registry: this.proxy(name).url, kind: 'verdaccio' };
      return name === 'public' ? {} : { registry: `https://${name}.example.com` };
    };
    const stages = STAGES.map((name) => ({
      name,
      ...address(name),
      ...given.stages?.[name],
      ...(given.gates?.[name] ? { gate: given.gates[name] } : {}),
    }));
    return { packages: { stages }, ...given.options };
  }

  proxy(stage: StageName): FaultProxy {
    return this.proxies.get(stage) as FaultProxy;
  }

  /** Where a registry keeps its packages. */
  storage(stage: StageName): string {
    return join(this.#folder, 'storage', stage);
  }

  /** Publishes what the release commit says: the default branch at the remote. */
  push(): void {
    this.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  }

  /** The same pipeline with a copy of the workspace, of its ledger and of its remote as they are now. */
  async copy(): Promise<Flow> {
    const folder = join(this.#folder, `copy-${(this.#copies += 1)}`);
    await cp(dirname(this.root), folder, { recursive: true });
    return this.#at(join(folder, 'clone'));
  }

  /** The same pipeline from another clone of the remote, with the same artifacts in its build folder. */
  async clone(): Promise<Flow> {
    const root = join(dirname(this.root), `clone-${(this.#copies += 1)}`);
    this.git('clone', '--quiet', '../remote.git', root);
    await cp(join(this.root, 'dist'), join(root, 'dist'), { recursive: true }).catch(() => undefined);
    return this.#at(root);
  }

  #at(root: string): Flow {
    const other = new Flow(this.#folder, this.graph, this.live);
    return Object.assign(other, {
      root,
      env: this.env,
      manifest: this.manifest,
      registries: this.registries,
      proxies: this.proxies,
    });
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.root, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim();
  }

  /** Makes a key for a principal and returns its public half; the private one is `home/<principal>`. */
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

  /** Sets the version of some (or all) projects and commits: the release commit. Returns its hash. */
  async release(version: string, projects = Object.keys(this.graph), content = ''): Promise<string> {
    for (const project of projects) {
      const dependencies = Object.fromEntries(
        (this.graph[project] ?? []).map((name) => [`@acme/${name}`, '*']),
      );
      await this.write({
        [`libs/${project}/package.json`]: JSON.stringify({
          name: `@acme/${project}`,
          version,
          type: 'module',
          exports: './index.js',
          nx: { name: project },
          dependencies,
          ...this.manifest,
        }),
        [`libs/${project}/index.js`]: [
          ...(this.graph[project] ?? []).map((name) => `import '@acme/${name}';`),
          `export const name = '${project} ${version}';${content}`,
          '',
        ].join('\n'),
      });
    }
    this.git('add', '.');
    this.git('commit', '--quiet', '--message', `release ${version} of ${projects.join(', ')}`);
    return this.git('rev-parse', 'HEAD');
  }

  /** Builds the artifacts of some (or all) projects. */
  async build(projects = Object.keys(this.graph)): Promise<void> {
    const siblings = new Map<string, Sibling>();
    for (const project of Object.keys(this.graph)) {
      const { version } = JSON.parse(
        await readFile(join(this.root, 'libs', project, 'package.json'), 'utf8'),
      );
      siblings.set(`@acme/${project}`, { version, root: `libs/${project}` });
    }
    for (const project of projects) {
      await buildArtifact({
        workspaceRoot: this.root,
        projectRoot: `libs/${project}`,
        project,
        outputFolder: this.artifact(project),
        siblings,
        components: [],
      });
    }
  }

  artifact(project: string): string {
    return join(this.root, 'dist/artifacts', project);
  }

  /** Opens the workspace, does something, and closes it again. */
  async with<T>(work: (context: Context) => Promise<T>, signer?: string): Promise<T> {
    const context = await openContext({
      workspaceRoot: this.root,
      env: this.env,
      ...(signer ? { key: join(this.root, 'home', signer) } : {}),
    });
    try {
      return await work(context);
    } finally {
      await context.close();
    }
  }

  async publish(projects = Object.keys(this.graph), options: Partial<PublishOptions> = {}) {
    const requests = projects.map((project) => ({
      project,
      root: `libs/${project}`,
      artifact: this.artifact(project),
    }));
    return this.with((context) => publish(context, { requests, ...options }));
  }

  async promote(stage: StageName, projects?: string[], options: Partial<PromoteOptions> = {}) {
    const requests = projects?.map((project) => ({ project, name: `@acme/${project}` }));
    return this.with((context) => promote(context, { stage, ...(requests ? { requests } : {}), ...options }));
  }

  /** What a registry holds, without its times: package -> versions with their integrity, and tags. */
  async world(stage: StageName): Promise<World> {
    const held: World = {};
    for (const project of Object.keys(this.graph)) {
      const answer = await fetch(`${this.registries.get(stage)?.url}/@acme%2f${project}`);
      if (!answer.ok) continue;
      const packument = (await answer.json()) as {
        versions: Record<string, { dist: { integrity: string }; deprecated?: string }>;
        'dist-tags': Record<string, string>;
      };
      held[project] = {
        versions: Object.fromEntries(
          Object.entries(packument.versions).map(([version, { dist, deprecated }]) => [
            version,
            deprecated ? `${dist.integrity} deprecated: ${deprecated}` : dist.integrity,
          ]),
        ),
        tags: packument['dist-tags'],
      };
    }
    return held;
  }

  /** All records of the ledger as short lines, in order. */
  async records(): Promise<string[]> {
    const branch = 'refs/heads/sluice/ledger';
    const ledger = this.live
      ? join(dirname(this.root), 'remote.git')
      : join(this.root, '.sluice/local/ledger.git');
    const git = (args: string[], input = '') =>
      execFileSync('git', ['--git-dir', ledger, ...args], { encoding: 'utf8', input });
    const paths = git(['log', '--reverse', '--format=', '--name-only', branch]).split('\n').filter(Boolean);
    const blobs = git(
      ['cat-file', '--batch=%(objecttype)'],
      paths.map((path) => `${branch}:${path}\n`).join(''),
    );
    return blobs
      .split(/^blob$/m)
      .slice(1)
      .flatMap((blob) => (JSON.parse(blob) as { records: Record<string, string>[] }).records)
      .map(({ type, stage, project = '', version = '' }) => `${type} ${stage} ${project}@${version}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
    await Promise.all([...this.registries.values()].map((registry) => registry.close()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
