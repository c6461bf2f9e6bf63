import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { copyWorkspace, linkModules } from '../../src/testing/copy-workspace.ts';
import { runProgram, type ProgramRan } from '../../src/testing/program.ts';
import { runWorkflow, type Payload, type Ran } from './runner.ts';
import { StandInGitHub } from './standin-github.ts';
import { startVerdaccio, type TestVerdaccio } from '../../src/testing/verdaccio.ts';

const REPOSITORY = join(import.meta.dirname, '../../../..');
const REVIEWER = 'rita@acme.example';

interface Packument {
  'dist-tags'?: Record<string, string>;
  versions?: Record<string, { dist: { integrity: string } }>;
}
const FIRST_RUN = 100_000;

/**
 * A repository on GitHub, as far as one machine can be one: a bare remote, a clone to work in, registries for the stages, secrets,
 * and a runner (act, on this system itself) for the workflows as they are committed.
 */
export class Workshop {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-act-')));
  readonly root = join(this.folder, 'acme');
  readonly remote = join(this.folder, 'remote.git');
  readonly env: NodeJS.ProcessEnv;
  readonly #act: string;
  readonly secrets: Record<string, string> = { GITHUB_TOKEN: 'token-of-the-job' };
  /** Variables of the repository, as `vars` has them. */
  readonly vars: Record<string, string> = {};
  readonly #registries = new Map<string, TestVerdaccio>();
  #github: StandInGitHub | undefined;
  #runs = 0;

  constructor(act: string) {
    this.#act = act;
    mkdirSync(this.root);
    copyWorkspace(REPOSITORY, this.root);
    this.env = { ...process.env };
    for (const name of Object.keys(this.env))
      if (/^(SLUICE_|NX_|GIT_|GITHUB_|ACTIONS_|VITEST|CI$|NODE_OPTIONS$)/.test(name)) delete this.env[name];
    Object.assign(this.env, {
      NX_DAEMON: 'false',
      NX_ISOLATE_PLUGINS: 'false',
      NX_TUI: 'false',
      HOME: join(this.folder, 'home'),
      PATH: `${join(this.folder, 'bin')}:${join(this.root, 'node_modules/.bin')}:${process.env['PATH']}`,
    });
    this.#prepareRunner();
    // The plugin itself is not part of these stories: compiling it would be most of their time.
    this.json('tools/executors/package.json', (manifest) => ({ ...manifest, private: true }));
    this.#key(REVIEWER);
  }

  /** Registries for these package stages, and the first push. */
  async begin(
    stages: { name: string; gate?: object }[],
    environments: string[] = [],
    options: object = {},
  ): Promise<void> {
    this.#github = await StandInGitHub.start(this.root, this.remote);
    const { api, issuer, reviewers } = this.#github;
    for (const name of environments) reviewers.set(name, 'rita');
    for (const { name } of stages) await this.registry(name);
    this.json('nx.json', (nxJson) =>
      this.#withOptions(nxJson, (before) => ({
        ...before,
        packages: {
          stages: stages.map((stage) => ({ registry: this.url(stage.name), kind: 'verdaccio', ...stage })),
        },
        github: {
          repository: 'acme/platform',
          api: api.url,
          issuer: issuer.url,
          branches: ['develop'],
          environments: Object.fromEntries(environments.map((name) => [name, { reviewers: ['rita'] }])),
        },
        // It would be signed by a Sigstore that is not on this machine.
        provenance: false,
        workflows: true,
        ...options,
      })),
    );
    const key = readFileSync(join(this.folder, `${REVIEWER}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    writeFileSync(join(this.root, '.sluice/allowed_signers'), `${REVIEWER} namespaces="sluice" ${key}\n`);
    this.git('init', '--quiet', '--initial-branch=main');
    for (const [name, value] of [
      ['user.name', 'Dev'],
      ['user.email', 'dev@acme.example'],
      ['commit.gpgsign', 'false'],
      ['tag.gpgsign', 'false'],
    ] as const)
      this.git('config', name, value);
    await this.run('nx', 'sync');
    this.commit('feat: the workspace');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', this.remote]);
    this.git('remote', 'add', 'origin', this.remote);
    this.push();
    const made = await this.run('nx', 'g', '@sluice/nx:environments');
    if (made.code !== 0) throw new Error(made.out);
  }

  async registry(stage: string): Promise<void> {
    const registry = await startVerdaccio();
    this.#registries.set(stage, registry);
    this.secrets[`${stage.toUpperCase()}_REGISTRY_TOKEN`] = await registry.token();
  }

  url(stage: string): string {
    return this.#registries.get(stage)?.url ?? '';
  }

  async integrity(stage: string, name: string, version: string): Promise<string | undefined> {
    const { versions } = await this.#packument(stage, name);
    return versions?.[version]?.dist.integrity;
  }

  /** What a stage serves as the newest version of a package. */
  async latest(stage: string, name: string): Promise<string | undefined> {
    return (await this.#packument(stage, name))['dist-tags']?.['latest'];
  }

  async #packument(stage: string, name: string): Promise<Packument> {
    const answer = await fetch(`${this.url(stage)}/${name.replace('/', '%2f')}`);
    return (await answer.json()) as Packument;
  }

  #withOptions(nxJson: Record<string, any>, change: (options: Record<string, any>) => object) {
    const plugins = (nxJson['plugins'] as any[]).map((entry) =>
      entry.plugin === '@sluice/nx/plugin' ? { ...entry, options: change(entry.options) } : entry,
    );
    return { ...nxJson, plugins };
  }

  /** Changes the plugin's options in nx.json. */
  options(change: (options: Record<string, any>) => object): void {
    this.json('nx.json', (nxJson) => this.#withOptions(nxJson, change));
  }

  git(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** The sample services are gone: their images take an engine, and minutes. */
  withoutServices(): this {
    rmSync(join(this.root, 'apps'), { recursive: true });
    return this;
  }

  /** These are gone as well: each takes its time in every job that builds. */
  withoutLibraries(...names: string[]): this {
    for (const name of names) rmSync(join(this.root, 'libs', name), { recursive: true });
    return this;
  }

  commit(message: string): void {
    this.git('add', '.');
    this.git('commit', '--quiet', '--message', message);
  }

  push(branch = 'main'): void {
    this.git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  }

  /** Takes what a job pushed. */
  pull(): void {
    this.git('pull', '--quiet', '--tags', '--rebase', 'origin', 'main');
  }

  /** Changes a library's sources, commits and pushes. */
  change(library: string, message: string, branch = 'main'): void {
    const file = join(this.root, `libs/${library}/src/index.ts`);
    writeFileSync(file, `${readFileSync(file, 'utf8')}/** ${message} */\n`);
    this.commit(message);
    this.push(branch);
  }

  write(files: Record<string, string>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      writeFileSync(join(this.root, file), text);
    }
  }

  json(file: string, change: (json: Record<string, any>) => unknown): void {
    const path = join(this.root, file);
    writeFileSync(path, `${JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8'))), null, 2)}\n`);
  }

  /** A command of the clone, as the reviewer. */
  async run(command: string, ...args: string[]): Promise<ProgramRan> {
    const env = {
      ...this.env,
      SLUICE_PROFILE: 'live',
      SLUICE_SIGNING_KEY: join(this.folder, REVIEWER),
      ...this.secrets,
    };
    return runProgram(command, args, { cwd: this.root, env });
  }

  /** Runs a workflow for an event, as GitHub would at the commit that is checked out here. */
  async act(file: string, event: string, payload: Payload = {}, onlyJob?: string): Promise<Ran> {
    this.#runs += 1;
    const { ref = 'refs/heads/main' } = payload;
    const sha = this.git('rev-parse', 'HEAD');
    const id = FIRST_RUN + this.#runs;
    this.github.begin({ id, file, event, ref, sha });
    const repository = { default_branch: 'main', full_name: 'acme/platform' };
    return runWorkflow({
      act: this.#act,
      root: this.root,
      folder: this.folder,
      file,
      event,
      payload: { ref, after: sha, repository, ...payload },
      secrets: this.secrets,
      vars: this.vars,
      variables: {
        GITHUB_REPOSITORY: repository.full_name,
        GITHUB_RUN_ID: String(id),
        STANDIN_GITHUB: this.github.url,
        STANDIN_REMOTE: this.remote,
        STANDIN_ARTIFACTS: this.artifacts(),
      },
      env: this.env,
      ...(onlyJob === undefined ? {} : { onlyJob }),
    });
  }

  /** Folder with the artifacts of the newest run. */
  artifacts(): string {
    return join(this.folder, 'artifacts', String(this.#runs));
  }

  files(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  }

  get github(): StandInGitHub {
    if (!this.#github) throw new Error('begin() first');
    return this.#github;
  }

  async close(): Promise<void> {
    await this.#github?.close();
    for (const registry of this.#registries.values()) await registry.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts a program of that name in front of the real one that only remembers how it was called. */
  program(name: string): () => string[] {
    const calls = join(this.folder, `${name}-calls`);
    writeFileSync(calls, '');
    writeFileSync(join(this.folder, 'bin', name), `#!/bin/sh\necho "$*" >>'${calls}'\n`, { mode: 0o755 });
    return () => readFileSync(calls, 'utf8').split('\n').filter(Boolean);
  }

  /** `npm ci` takes what is installed here; everything else is the real npm. */
  #prepareRunner(): void {
    mkdirSync(join(this.folder, 'bin'));
    mkdirSync(join(this.folder, 'home'));
    const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\nif [ "$1" = ci ]; then exec cp -RP '${this.#installed()}' .; fi\nexec '${npm}' "$@"\n`;
    writeFileSync(join(this.folder, 'bin/npm'), script, { mode: 0o755 });
    // The real one starts npm to find what lies there; that is half of the time of a small command.
    const local = '#!/bin/sh\nprogram=node_modules/.bin/$1\nshift\nexec "$program" "$@"\n';
    writeFileSync(join(this.folder, 'bin/npx'), local, { mode: 0o755 });
    symlinkSync(process.execPath, join(this.folder, 'bin/node'));
  }

  /** The folder `node_modules` as each checkout gets it; the workspace's own packages are those of the checkout. */
  #installed(): string {
    const folder = join(this.folder, 'installed');
    mkdirSync(folder);
    linkModules(REPOSITORY, folder);
    const modules = join(folder, 'node_modules');
    for (const scope of ['@acme', '@sluice'])
      for (const name of readdirSync(join(modules, scope))) {
        const link = join(modules, scope, name);
        const target = relative(dirname(link), readlinkSync(link));
        rmSync(link);
        symlinkSync(target, link);
      }
    // Always the same files, for whose compiled form Node keeps a cache: half of the time of a small command.
    rmSync(join(modules, '.bin/sluice'));
    symlinkSync(join(REPOSITORY, 'tools/executors/bin/sluice.js'), join(modules, '.bin/sluice'));
    return modules;
  }

  #key(name: string): void {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(this.folder, name)]);
  }
}
