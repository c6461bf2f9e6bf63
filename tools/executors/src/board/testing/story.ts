import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RecordBody } from '../../ledger/types.ts';
import { openContext, type Context } from '../../promotion/context.ts';

/** What a project could put into a commit message, a reason or a changelog. */
export const HOSTILE = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">`;
/** A secret of the environment that somebody wrote into a reason. */
export const LEAKED = 'ghp_0123456789abcdefSECRET';

const HOUR = 3_600_000;

/** A small workspace with a ledger in which everything that the board shows has happened once. */
export class Story {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #opened: Context[] = [];

  private constructor(root: string) {
    this.root = root;
    this.env = {
      PATH: process.env['PATH'],
      HOME: join(root, 'home'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Dev',
      GIT_AUTHOR_EMAIL: 'dev@acme.example',
      GIT_COMMITTER_NAME: 'Dev',
      GIT_COMMITTER_EMAIL: 'dev@acme.example',
      SLUICE_TEST_TOKEN: LEAKED,
    };
  }

  static async tell(): Promise<Story> {
    const story = new Story(await mkdtemp(join(tmpdir(), 'sluice-board-')));
    await story.#workspace();
    await story.#history();
    return story;
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.root, env: this.env, encoding: 'utf8' }).trim();
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.root, file)), { recursive: true });
      await writeFile(join(this.root, file), text);
    }
  }

  /** Commits everything; returns the commit. */
  commit(message: string): string {
    this.git('add', '.');
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  async context(env: NodeJS.ProcessEnv = {}): Promise<Context> {
    const context = await openContext({ workspaceRoot: this.root, env: { ...this.env, ...env } });
    this.#opened.push(context);
    return context;
  }

  /** Writes records as a run of its own would, so many hours ago. */
  async record(hoursAgo: number, ...records: RecordBody[]): Promise<void> {
    const ledger = await (await this.context()).ledger();
    await ledger.append(() => records, { run: 'story', now: new Date(Date.now() - hoursAgo * HOUR) });
  }

  async close(): Promise<void> {
    for (const context of this.#opened) await context.close();
    await rm(this.root, { recursive: true, force: true });
  }

  async #workspace(): Promise<void> {
    const lib = (name: string, version: string, dependencies = {}) =>
      JSON.stringify({ name: `@acme/${name}`, version, dependencies, nx: { name } });
    await this.write({
      '.gitignore': 'home\n.sluice/local\n',
      'package.json': JSON.stringify({ name: 'acme', private: true, workspaces: ['libs/*', 'apps/*'] }),
      'nx.json': JSON.stringify({
        plugins: [
          {
            plugin: '@sluice/nx/plugin',
            options: {
              packages: {
                stages: [
                  { name: 'github', registry: 'https://npm.pkg.github.com' },
                  { name: 'test', registry: 'https://npm.test.example.com' },
                  { name: 'public', gate: { approvals: 1, soak: '24h' } },
                ],
              },
              services: {
                images: 'ghcr.io/acme',
                stages: [
                  { name: 'staging', hosts: ['deploy@staging.example.com'] },
                  { name: 'production', hosts: ['deploy@www1.example.com', 'deploy@www2.example.com'] },
                ],
              },
            },
          },
        ],
      }),
      '.sluice/allowed_signers': `rita@acme.example namespaces="sluice" ssh-ed25519 ${'A'.repeat(68)}\n`,
      'libs/units/package.json': lib('units', '1.0.0'),
      'libs/money/package.json': lib('money', '1.0.0', { '@acme/units': '^1.0.0' }),
      'libs/invoice/package.json': lib('invoice', '1.0.0', { '@acme/money': '^1.0.0' }),
      'libs/fresh/package.json': lib('fresh', '0.1.0'),
      'apps/api/package.json': JSON.stringify({
        name: '@acme/api',
        private: true,
        nx: { name: 'api' },
        dependencies: { '@acme/invoice': '^1.0.0' },
      }),
      'apps/api/sluice.json': '{}',
    });
    this.git('init', '--quiet', '--initial-branch=main');
  }

  async #history(): Promise<void> {
    const first = this.commit('feat: everything');
    for (const name of ['units', 'money', 'invoice']) await this.record(96, published(name, '1.0.0', first));
    for (const name of ['units', 'money', 'invoice'])
      await this.record(72, promoted(name, '1.0.0', 'test', 'github'));
    const items = ['units', 'money'].map((name) => artifact(name, '1.0.0'));
    await this.record(50, {
      ...at('public'),
      type: 'approved',
      planHash: hex('plan'),
      items,
      nonce: 'n1',
      expires: new Date(Date.now() + HOUR).toISOString(),
      ledgerHead: null,
      policy: first,
      comment: 'looks good',
    });
    for (const name of ['units', 'money'])
      await this.record(48, {
        ...promoted(name, '1.0.0', 'public', 'test'),
        approvals: ['n1'],
        gate: [{ condition: 'approvals', detail: '1 of 1: rita@acme.example' }],
      } as RecordBody);

    await this.write({
      'libs/money/cents.js': '99\n',
      'libs/money/CHANGELOG.md': `# Changelog\n\n## 1.1.0\n\n- cents ${HOSTILE}\n\n## 1.0.0\n\n- first\n`,
    });
    const second = this.commit(`feat(money): cents ${HOSTILE}`);
    await this.record(3, published('money', '1.1.0', second));
    await this.record(2, promoted('money', '1.1.0', 'test', 'github'));
    await this.record(1, published('units', '1.1.0', second));
    await this.record(
      0.9,
      {
        ...at('github'),
        ...artifact('units', '1.1.0'),
        type: 'rolled-back',
        tag: 'latest',
        to: '1.0.0',
        deprecated: true,
        reason: `says ${LEAKED} ${HOSTILE}`,
        dependents: [],
      },
      { ...at('github'), ...artifact('units', '1.1.0'), type: 'held', reason: 'off by one' },
    );
    await this.#service(first, second);
    await this.write({ 'libs/units/new.js': '1\n' });
    this.commit('feat(units): not published yet');
  }

  async #service(first: string, second: string): Promise<void> {
    const service = (version: string) => ({
      project: 'api',
      name: '@acme/api',
      version,
      integrity: `sha256:${hex(version)}`,
    });
    const [old, next] = [service(first.slice(0, 12)), service(second.slice(0, 12))];
    const image = (item: typeof old, commit: string): RecordBody => ({
      ...at('images', 'services'),
      ...item,
      type: 'published',
      root: 'apps/api',
      size: 0,
      tag: item.version,
      image: {
        repository: 'api',
        mediaType: 'application/vnd.oci.image.index.v1+json',
        images: { api: `sha256:${hex('api')}` },
        builder: 'buildkit',
        attachments: [],
      },
      source: { commit, dirty: false },
      tools: { node: '26.10.0' },
      dependencies: {},
    });
    const run = (release: string, hosts: string[]) => ({
      release,
      hosts,
      composeHash: hex('compose'),
      environmentHash: hex('environment'),
      databaseVersion: null,
    });
    const www = ['deploy@www1.example.com', 'deploy@www2.example.com'];
    await this.record(40, image(old, first));
    await this.record(39, promotedItem(old, 'staging', 'images'));
    await this.record(38, {
      ...at('staging', 'services'),
      ...old,
      ...run('r1', ['deploy@staging.example.com']),
      type: 'deployed',
    });
    await this.record(37, promotedItem(old, 'production', 'staging'));
    await this.record(36, { ...at('production', 'services'), ...old, ...run('r2', www), type: 'deployed' });
    await this.record(5, image(next, second));
    await this.record(4.5, promotedItem(next, 'staging', 'images'));
    await this.record(4, promotedItem(next, 'production', 'staging'));
    await this.record(3.5, {
      ...at('production', 'services'),
      ...next,
      ...run('r3', ['deploy@www2.example.com']),
      type: 'deploy-failed',
      code: 'HEALTH_FAILED',
      reason: 'answered 500',
      outcome: 'restored',
    });
  }
}

type Kind = 'packages' | 'services';
const hex = (text: string) => createHash('sha256').update(text).digest('hex');

function at(stage: string, pipeline: Kind = 'packages') {
  return { pipeline, stage, registry: `local:${pipeline === 'services' ? 'images' : stage}` };
}

function artifact(project: string, version: string) {
  const integrity = `sha512-${createHash('sha512').update(`${project}@${version}`).digest('base64')}`;
  return { project, name: `@acme/${project}`, version, integrity };
}

/** A publication as `publish` records one. */
export function published(project: string, version: string, commit: string): RecordBody {
  return {
    ...at('github'),
    ...artifact(project, version),
    type: 'published',
    root: `libs/${project}`,
    shasum: '0'.repeat(40),
    size: 20_480,
    tag: 'latest',
    source: { commit, dirty: false },
    tools: { node: '26.10.0' },
    dependencies: project === 'money' ? { '@acme/units': { version: '1.0.0', range: '^1.0.0' } } : {},
  };
}

/** A promotion as `promote` records one. */
export function promoted(project: string, version: string, stage: string, from: string): RecordBody {
  return { ...promotedItem(artifact(project, version), stage, from), ...at(stage) };
}

function promotedItem(item: ReturnType<typeof artifact>, stage: string, from: string): RecordBody {
  return {
    ...at(stage, 'services'),
    ...item,
    type: 'promoted',
    from,
    tag: 'latest',
    verified: 'bytes',
    planHash: hex('plan'),
    policy: hex('policy').slice(0, 40),
    approvals: [],
    gate: [],
  };
}
