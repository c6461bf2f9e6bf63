import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyWorkspace } from '../src/testing/copy-workspace.ts';
import { runProgram, type ProgramRan } from '../src/testing/program.ts';
import { leaseLocalRegistries, type LocalLease } from '../src/registry/local/index.ts';

const repository = join(import.meta.dirname, '../../..');

/** This very workspace, copied, with real Nx on top: what a user types, and what it leaves behind. */
export class NxWorkspace {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-nx-')));
  readonly root = join(this.folder, 'acme');
  readonly env: NodeJS.ProcessEnv;
  #lease: LocalLease | undefined;

  constructor() {
    mkdirSync(this.root);
    copyWorkspace(repository, this.root);
    this.env = { ...process.env };
    for (const name of Object.keys(this.env)) {
      if (/^(SLUICE_|NX_|GIT_|VITEST|CI$|NODE_OPTIONS$)/.test(name)) delete this.env[name];
    }
    Object.assign(this.env, {
      NX_DAEMON: 'false',
      NX_ISOLATE_PLUGINS: 'false',
      NX_TUI: 'false',
      PATH: `${join(this.root, 'node_modules/.bin')}:${process.env['PATH']}`,
    });
    // The plugin itself is not part of these stories: compiling it would be most of their time.
    this.json('tools/executors/package.json', (manifest) => ({ ...manifest, private: true }));
    // Nor are the services: building their images takes an engine.
    for (const app of ['api', 'web']) rmSync(join(this.root, 'apps', app, 'sluice.json'));
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('config', 'user.name', 'Dev');
    this.git('config', 'user.email', 'dev@acme.example');
    this.git('config', 'commit.gpgsign', 'false');
    this.commit('chore: the workspace');
  }

  git(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** An empty repository beside this one as its `origin`. */
  addRemote(): string {
    const remote = join(this.folder, 'remote.git');
    this.git('init', '--quiet', '--bare', '--initial-branch=main', remote);
    this.git('remote', 'add', 'origin', `file://${remote}`);
    return remote;
  }

  /** Takes the gates off the stages of packages; not committed. */
  openGates(): void {
    this.json('nx.json', (nx) => {
      for (const { options } of nx['plugins'])
        for (const stage of options?.packages?.stages ?? []) delete stage.gate;
      return nx;
    });
  }

  commit(message: string): void {
    this.git('add', '.');
    this.git('commit', '--quiet', '--message', message);
  }

  /** Changes a library's sources and commits. */
  change(library: string, message: string): void {
    const file = join(this.root, `libs/${library}/src/index.ts`);
    writeFileSync(file, `${readFileSync(file, 'utf8')}/** ${message} */\n`);
    this.commit(message);
  }

  json(file: string, change: (json: Record<string, any>) => unknown): void {
    const path = join(this.root, file);
    writeFileSync(path, `${JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8'))), null, 2)}\n`);
  }

  run(command: string, ...args: string[]): Promise<ProgramRan> {
    return this.runWith({}, command, ...args);
  }

  runWith(env: NodeJS.ProcessEnv, command: string, ...args: string[]): Promise<ProgramRan> {
    return runProgram(command, args, { cwd: this.root, env: { ...this.env, ...env } });
  }

  /** Project -> version (or undefined) in a stage. */
  async versions(stage: string): Promise<Record<string, string | undefined>> {
    const { stdout } = await this.run('sluice', 'status', '--json');
    const status = JSON.parse(stdout) as {
      packages: { project: string; stages: { stage: string; version?: string }[] }[];
    };
    return Object.fromEntries(
      status.packages.map((one) => [one.project, one.stages.find((here) => here.stage === stage)?.version]),
    );
  }

  async packument(
    stage: string,
    name: string,
  ): Promise<{ 'dist-tags': Record<string, string>; versions: object }> {
    const { url, token } = this.#lease?.addresses.get(stage) ?? {};
    const headers = { authorization: `Bearer ${token?.reveal()}` };
    const answer = await fetch(`${url}/${name.replace('/', '%2f')}`, { headers });
    return (await answer.json()) as { 'dist-tags': Record<string, string>; versions: object };
  }

  /** Keeps the local registries running for the whole test file. */
  async start(): Promise<this> {
    this.#lease = await leaseLocalRegistries({
      workspaceRoot: this.root,
      stages: ['github', 'test', 'public'],
      env: this.env,
    });
    return this;
  }

  async close(): Promise<void> {
    await this.#lease?.release();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
