import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateOptions } from '../../pipeline/types.ts';
import { Flow, type StageName } from '../../promotion/testing/flow.ts';
import { release, type ReleaseOptions, type ReleaseOutcome } from '../index.ts';
import { TOOLS, type ToolUnderTest } from './tools.ts';

const repository = join(import.meta.dirname, '../../../../..');
const GRAPH = { units: [], money: ['units'], logger: [] };
type Project = keyof typeof GRAPH;

/** A workspace with a history in which every tool finds what it reads: conventional commits and changesets. */
export class History {
  readonly flow: Flow;
  tool: ToolUnderTest;
  #changes = 0;

  private constructor(flow: Flow, tool: ToolUnderTest) {
    this.flow = flow;
    this.tool = tool;
  }

  static async start(
    name: keyof typeof TOOLS,
    gates?: Partial<Record<StageName, GateOptions>>,
  ): Promise<History> {
    const tool = TOOLS[name] as ToolUnderTest;
    const flow = await Flow.start({
      packages: GRAPH,
      ...(gates ? { gates } : {}),
      options: { versioning: name },
      files: {
        '.gitignore': 'home\ndist\n.sluice/local\nnode_modules\n.nx\n',
        'package.json': JSON.stringify({
          name: 'workspace',
          version: '0.0.0',
          private: true,
          workspaces: ['libs/*'],
        }),
      },
    });
    const history = new History(flow, tool);
    Object.assign(flow.env, { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', CI: '' });
    await symlink(join(repository, 'node_modules'), join(flow.root, 'node_modules'));
    await history.#write();
    return history;
  }

  /** The ranges and the lock file that `npm install` would leave, the tool's own files, and a remote. */
  async #write(): Promise<void> {
    const { flow, tool } = this;
    await this.json('libs/money/package.json', (manifest) => ({
      ...manifest,
      dependencies: { '@acme/units': '^1.0.0' },
    }));
    const entry = { version: '1.0.0' };
    const packages = {
      '': { name: 'workspace', workspaces: ['libs/*'] },
      'libs/logger': { name: '@acme/logger', ...entry },
      'libs/money': { name: '@acme/money', ...entry, dependencies: { '@acme/units': '^1.0.0' } },
      'libs/units': { name: '@acme/units', ...entry },
      ...Object.fromEntries(
        Object.keys(GRAPH).map((project) => [
          `node_modules/@acme/${project}`,
          { resolved: `libs/${project}`, link: true },
        ]),
      ),
    };
    const lock = { name: 'workspace', lockfileVersion: 3, requires: true, packages };
    await flow.write({ 'package-lock.json': `${JSON.stringify(lock, undefined, 2)}\n`, ...tool.files });
    await this.json('nx.json', (nxJson) => tool.nxJson(nxJson, repository));
    for (const [key, value] of [
      ['user.name', 'Dev'],
      ['user.email', 'dev@acme.example'],
      ['commit.gpgsign', 'false'],
    ] as const)
      flow.git('config', key, value);
    this.commit('chore: ranges');
    flow.git('init', '--quiet', '--bare', '--initial-branch=main', '../remote.git');
    flow.git('remote', 'add', 'origin', `file://${join(flow.root, '../remote.git')}`);
    this.push();
  }

  push(): void {
    this.flow.git('push', '--quiet', '--follow-tags', 'origin', 'HEAD');
  }

  commit(message: string): void {
    this.flow.git('add', '.');
    this.flow.git('commit', '--quiet', '--message', message);
  }

  /** One change to one package, said in all the ways that tools read. */
  async change(project: Project, type: 'feat' | 'fix' | 'docs', text: string): Promise<void> {
    const bump = { feat: 'minor', fix: 'patch', docs: undefined }[type];
    const file = `libs/${project}/${type === 'docs' ? 'README.md' : 'index.js'}`;
    const before = await readFile(join(this.flow.root, file), 'utf8').catch(() => '');
    await this.flow.write({ [file]: `${before}// ${text}\n` });
    if (bump && this.tool.changesets)
      await this.flow.write({
        [`.changeset/change-${(this.#changes += 1)}.md`]: `---\n'@acme/${project}': ${bump}\n---\n\n${text}\n`,
      });
    this.commit(`${type}(${project}): ${text}`);
    this.push();
  }

  async json(file: string, change: (json: any) => unknown): Promise<void> {
    const path = join(this.flow.root, file);
    await writeFile(
      path,
      `${JSON.stringify(change(JSON.parse(await readFile(path, 'utf8'))), undefined, 2)}\n`,
    );
  }

  async read(file: string): Promise<any> {
    const text = await readFile(join(this.flow.root, file), 'utf8');
    return file.endsWith('.json') ? JSON.parse(text) : text;
  }

  release(options: Partial<ReleaseOptions> = {}): Promise<ReleaseOutcome> {
    return this.flow.with((context) =>
      release(context, { build: (projects) => this.flow.build(projects), ...options }),
    );
  }

  tags(): string[] {
    return this.flow.git('tag', '--list').split('\n').filter(Boolean);
  }

  /** All that a release may change: commits, tags, files. */
  state(): string {
    const { flow } = this;
    return [flow.git('rev-parse', 'HEAD'), ...this.tags(), flow.git('status', '--porcelain')].join('\n');
  }

  /** Versions and dist-tags of a package in a stage. */
  async in(stage: StageName, project: Project) {
    const { versions, tags } = (await this.flow.world(stage))[project] ?? { versions: {}, tags: {} };
    return { versions: Object.keys(versions), tags };
  }
}
