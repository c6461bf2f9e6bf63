import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
type StageName = (typeof STAGES)[number];

interface FlowOptions {
  /** Project -> projects that it depends on. Package names are `@acme/<project>`. */
  packages?: Record<string, string[]>;
  gates?: Partial<Record<StageName, GateOptions>>;
  stages?: Partial<Record<StageName, Partial<PackageStageOptions>>>;
  options?: Record<string, unknown>;
}

/**
 * A whole pipeline for one test: a git repository of small packages, three real Verdaccios behind fault proxies, the
 * local profile pointed at them, and a person with a signing key. Everything is real but the distance.
 */
export class Flow {
  readonly root: string;
  readonly graph: Record<string, string[]>;
  readonly registries = new Map<string, TestVerdaccio>();
  readonly proxies = new Map<string, FaultProxy>();
  readonly env: NodeJS.ProcessEnv;

  private constructor(root: string, graph: Record<string, string[]>) {
    this.root = root;
    this.graph = graph;
    this.env = {
      PATH: process.env['PATH'],
      HOME: join(root, 'home'),
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
    const flow = new Flow(join(folder, 'clone'), graph);
    await mkdir(join(flow.root, 'home'), { recursive: true });
    await Promise.all(
      STAGES.map(async (stage) => {
        const verdaccio = await startVerdaccio();
        const proxy = await startFaultProxy({ target: verdaccio.url });
        flow.registries.set(stage, verdaccio);
        flow.proxies.set(stage, proxy);
        flow.env[`SLUICE_${stage.toUpperCase()}_REGISTRY`] = proxy.url;
        flow.env[`SLUICE_${stage.toUpperCase()}_TOKEN`] = await verdaccio.token();
      }),
    );
    const approver = flow.key('rita@acme.example');
    await flow.write({
      '.gitignore': 'home\ndist\n.sluice/local\n',
      '.sluice/allowed_signers': `rita@acme.example namespaces="sluice" ${approver}\n`,
      'package.json': JSON.stringify({ name: 'workspace', private: true, workspaces: ['libs/*'] }),
      'nx.json': JSON.stringify({
        plugins: [
          {
            plugin: '@sluice/nx/plugin',
            options: {
              packages: {
                stages: STAGES.map((name) => ({
                  name,
                  ...(name === 'public' ? {} : { registry: `https://${name}.example.com` }),
                  ...given.stages?.[name],
                  ...(given.gates?.[name] ? { gate: given.gates[name] } : {}),
                })),
              },
              ...given.options,
            },
          },
        ],
      }),
    });
    flow.git('init', '--quiet', '--initial-branch=main');
    await flow.release('1.0.0');
    return flow;
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
  async world(
    stage: StageName,
  ): Promise<Record<string, { versions: Record<string, string>; tags: Record<string, string> }>> {
    const held: Awaited<ReturnType<Flow['world']>> = {};
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
    const ledger = join(this.root, '.sluice/local/ledger.git');
    const git = (...args: string[]) =>
      execFileSync('git', ['--git-dir', ledger, ...args], { encoding: 'utf8' });
    const paths = git('log', '--reverse', '--format=', '--name-only', branch).split('\n').filter(Boolean);
    return paths.flatMap((path) =>
      (JSON.parse(git('show', `${branch}:${path}`)) as { records: Record<string, string>[] }).records.map(
        (record) =>
          `${record['type']} ${record['stage']} ${record['project'] ?? ''}@${record['version'] ?? ''}`,
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
    await Promise.all([...this.registries.values()].map((registry) => registry.close()));
    await rm(dirname(this.root), { recursive: true, force: true });
  }
}
