import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkModules } from '../../src/testing/copy-workspace.ts';
import { startGitHub, type TestGitHub } from '../../src/testing/github/index.ts';
import { startVerdaccio, type TestVerdaccio } from '../../src/testing/verdaccio.ts';
import { NxWorkspace } from '../nx-workspace.ts';
import { WORKSPACE } from './page.ts';
import { Reader } from './reader.ts';

const STAGES = { github: 'GITHUB_TOKEN', test: 'TEST_REGISTRY_TOKEN', public: 'NPM_TOKEN' };

/** A repository at an address of GitHub, the registries of its stages and its API, all on this machine; the reader has cloned nothing yet. */
export class Platform {
  readonly #template = new NxWorkspace();
  readonly #folder = this.#template.folder;
  readonly #remote = join(this.#folder, 'remote.git');
  readonly #secrets = join(this.#folder, 'secrets');
  readonly #registries: TestVerdaccio[] = [];
  readonly #stages: object[] = [];
  readonly root = join(this.#folder, 'platform');
  readonly reader = new Reader(this.#folder, join(this.#folder, 'desk'), {
    ...this.#template.env,
    SLUICE_SIGNING_KEY: join(this.#folder, 'ci@example.com'),
  });
  #github: TestGitHub | undefined;

  static async start(): Promise<Platform> {
    const made = new Platform();
    await made.#begin();
    return made;
  }

  async #begin(): Promise<void> {
    this.#github = await startGitHub();
    const { state } = this.#github;
    Object.assign(state.users, { ada: { id: 11, permission: 'admin' } });
    state.teams['acme/releasers'] = { id: 21, members: ['ada'] };
    state.tokens['of-ada'] = 'ada';
    for (const [name, tokenEnv] of Object.entries(STAGES)) {
      const registry = await startVerdaccio();
      this.#registries.push(registry);
      this.#stages.push({ name, registry: registry.url, kind: 'verdaccio', tokenEnv });
      this.reader.give({ [tokenEnv]: await registry.token() });
    }
    execFileSync('git', ['clone', '--quiet', '--bare', this.#template.root, this.#remote]);
    writeFileSync(
      join(this.reader.home, '.gitconfig'),
      `[user]\n\tname = Dev\n\temail = dev@example.com\n[url "file://${this.#remote}"]\n\tinsteadOf = https://github.com/acme/platform\n`,
    );
    // A stand-in for GitHub's own command, which knows who is logged in and keeps the names of secrets.
    this.reader.program(
      'gh',
      `case "$1 $2" in 'auth token') echo of-ada;; 'secret '*) echo "$@" >> '${this.#secrets}';; *) exit 2;; esac`,
    );
    for (const person of ['rita@example.com', 'ci@example.com'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', this.key(person)]);
  }

  key(person: string): string {
    return join(this.#folder, person);
  }

  /** What `npm ci` does, and what the page says to write into nx.json, with the addresses that there are here. */
  setUp(): void {
    linkModules(WORKSPACE, this.root);
    const file = join(this.root, 'nx.json');
    const nxJson = JSON.parse(readFileSync(file, 'utf8'));
    const { options } = nxJson.plugins.find((one: { plugin: string }) => one.plugin.startsWith('@sluice/'));
    const [first, test, last] = this.#stages;
    options.packages.stages = [
      first,
      { ...test, gate: { environment: 'TestGate' } },
      {
        ...last,
        gate: { environment: 'PublicGate', approvals: { count: 1, from: ['rita@example.com'] } },
      },
    ];
    options.github = {
      api: this.#github?.url,
      // Git says where its remote really is.
      repository: 'acme/platform',
      environments: {
        TestGate: { reviewers: ['ada'] },
        PublicGate: { reviewers: ['ada', 'acme/releasers'], preventSelfReview: true, branches: ['main'] },
      },
    };
    delete options.services;
    options.provenance = false;
    writeFileSync(file, `${JSON.stringify(nxJson, null, 2)}\n`);
    for (const person of ['rita@example.com', 'ci@example.com']) {
      const key = readFileSync(`${this.key(person)}.pub`, 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
      appendFileSync(join(this.root, '.sluice/allowed_signers'), `${person} namespaces="sluice" ${key}\n`);
    }
  }

  /** The API knows of secrets, commits and tags what was set and pushed. */
  refresh(): void {
    if (!this.#github) return;
    const { state } = this.#github;
    state.secrets = {};
    for (const [, verb, name = '', , environment = ''] of readFileSync(this.#secrets, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')))
      if (verb === 'set') (state.secrets[environment] ??= []).push(name);
    const git = (...args: string[]) =>
      execFileSync('git', ['--git-dir', this.#remote, ...args], { encoding: 'utf8' }).trim();
    state.commits = git('log', '--format=%H %s', 'main')
      .split('\n')
      .map((line) => ({ sha: line.slice(0, 40), message: line.slice(41), author: 'ada' }));
    state.branches['main'] = { sha: git('rev-parse', 'main') };
    for (const line of git('for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/tags').split(
      '\n',
    )) {
      const [tag, sha] = line.split(' ');
      if (tag && sha) state.tags[tag] = git('rev-parse', `${sha}^{commit}`);
    }
  }

  /** Another change of a package, by the one who releases. */
  change(): void {
    const file = join(this.root, 'libs/logger/src/index.ts');
    appendFileSync(file, '/** Once more. */\n');
    execFileSync('git', ['-C', this.root, 'commit', '--quiet', '-am', 'fix(logger): once more'], {
      env: this.#template.env,
    });
  }

  /** Somebody else approves what waits. */
  async approve(stage: string): Promise<void> {
    const { code, out } = await this.reader.type(
      `SLUICE_PROFILE=live npx sluice approve ${stage} --key '${this.key('rita@example.com')}'`,
    );
    if (code !== 0) throw new Error(out);
  }

  async close(): Promise<void> {
    for (const registry of this.#registries) await registry.close();
    await this.#github?.close();
    await this.#template.close();
  }
}
