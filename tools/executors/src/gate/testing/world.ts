import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openRepository, type Repository } from '../../git/index.ts';
import type { Signer } from '../../ledger/types.ts';
import { findSigner } from '../../signing/index.ts';
import type { GateOptions, GitHubOptions } from '../../pipeline/types.ts';

/** Real git and real ssh-keygen: a remote, a clone of it, and people with keys. */
export class World {
  readonly root = mkdtempSync(join(tmpdir(), 'sluice-gate-'));
  readonly remote = join(this.root, 'acme.git');
  readonly clone = join(this.root, 'clone');
  readonly #clock = { at: Date.now() - 10 * 86_400_000 };

  /** With `from`, a copy of that world as it is now: its clone names the remote by a relative path. */
  constructor(from?: World) {
    if (from) {
      cpSync(from.root, this.root, { recursive: true });
      this.#clock.at = from.#clock.at;
      return;
    }
    this.git(this.root, 'init', '--quiet', '--bare', '--initial-branch=main', this.remote);
    this.git(this.root, 'init', '--quiet', '--initial-branch=main', this.clone);
    this.git(this.clone, 'remote', 'add', 'origin', '../acme.git');
  }

  /** Runs git as a person, at a time of the world's own that moves on a second with each call. */
  git(cwd: string, ...args: string[]): string {
    return this.as({}, cwd, ...args);
  }

  as(who: { author?: string; committer?: string }, cwd: string, ...args: string[]): string {
    this.#clock.at += 1000;
    const { author = 'dev@acme.example', committer = author } = who;
    const when = new Date(this.#clock.at).toISOString();
    const env = {
      PATH: process.env['PATH'],
      HOME: this.root,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: author,
      GIT_AUTHOR_DATE: when,
      GIT_COMMITTER_NAME: 'C',
      GIT_COMMITTER_EMAIL: committer,
      GIT_COMMITTER_DATE: when,
    };
    return execFileSync('git', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim();
  }

  /** Sets the time at which the next commits are made. */
  setClock(at: Date): void {
    this.#clock.at = at.getTime();
  }

  repository(): Promise<Repository> {
    return openRepository(this.clone);
  }

  write(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.clone, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Commits files; the full hash. */
  commit(
    files: Record<string, string>,
    message = 'change',
    who: { author?: string; committer?: string } = {},
  ): string {
    this.write(files);
    this.git(this.clone, 'add', '.');
    this.as(who, this.clone, 'commit', '--quiet', '--allow-empty', '-m', message);
    return this.git(this.clone, 'rev-parse', 'HEAD');
  }

  push(): void {
    this.git(this.clone, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  }

  /** A key of its own for a person; the public half as it stands in an approvers' file. */
  key(name: string): string {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(this.root, name)]);
    return readFileSync(join(this.root, `${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  }

  async signer(name: string, principal = `${name}@acme.example`): Promise<Signer> {
    const keyFile = join(this.root, name);
    const repository = await this.repository();
    const signer = await findSigner({ repository, env: {}, allowedSigners: '', keyFile, principal });
    if (!signer) throw new Error(`no key of ${name}`);
    return signer;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export interface StagesOptions {
  gate?: GateOptions;
  names?: string[];
  ledger?: Record<string, string>;
  github?: Partial<GitHubOptions>;
  /** Beside the packages. */
  more?: Record<string, unknown>;
}

/** An nx.json whose last stage has the gate. */
export function nxJson({
  gate,
  names = ['first', 'test', 'public'],
  ledger,
  github,
  more = {},
}: StagesOptions = {}): string {
  const stages = names.map((name, i) => ({
    name,
    registry: `https://${name}.registry.example.com`,
    ...(gate && i === names.length - 1 ? { gate } : {}),
  }));
  return JSON.stringify({
    plugins: [
      {
        plugin: '@sluice/nx/plugin',
        options: {
          packages: { stages },
          ...(ledger ? { ledger } : {}),
          ...(github ? { github } : {}),
          ...more,
        },
      },
    ],
  });
}
