import { asSluiceError, redact } from '../../foundation/index.ts';
import { openContext, type Context } from '../../promotion/context.ts';
import { checkVersions } from '../agree.ts';
import { checkClean, releasedByHead, restoreTree } from '../commit.ts';
import { checkFree, commitOne, memberAt, publishOne, undoUnpublished } from '../one.ts';
import type { Bump, Member, Workspace } from '../types.ts';
import { workspaceRoot } from '../workspace-root.ts';
import { openWorkspace } from '../workspace.ts';
import { Base, type Increment } from './base.ts';
import { commitsSinceTag, notesFor, recommended, type Level } from './conventional.ts';
import { wayAhead } from './way.ts';

/**
 * The plugin for `npx release-it` in the folder of a package, for a person at a terminal. It takes the place of release-it's git and npm
 * plugins: one commit, the first stage, the proof, and then the tag.
 */
export default class SluicePlugin extends Base {
  #context: Context | undefined;
  #workspace!: Workspace;
  #member!: Member;
  #level: Level | undefined;
  #goesOn = false;
  #notes = '';
  #bump: Bump | undefined;

  constructor(given: unknown) {
    super(given);
    this.registerPrompts({
      publish: {
        type: 'confirm',
        message: () => `Commit, and publish ${this.#bump?.name} ${this.#bump?.to} into the first stage?`,
        default: true,
      },
      push: { type: 'confirm', message: () => 'Push the commit and the tag?', default: true },
    });
  }

  static isEnabled(options: unknown): boolean {
    return options !== false;
  }

  static disablePlugin(): string[] {
    return ['git', 'npm'];
  }

  /** Every prerequisite comes before the first question. */
  init(): Promise<void> {
    return this.#explained(async () => {
      const cwd = process.cwd();
      this.#context = await openContext({ workspaceRoot: workspaceRoot(cwd), env: process.env });
      this.#workspace = await openWorkspace(this.#context);
      this.#member = memberAt(this.#workspace, cwd);
      if (!this.config.isDryRun) await checkClean(this.#workspace.git);
      const [first] = await this.#context.stages();
      const state = await (await this.#context.ledger()).refresh();
      await checkVersions(this.#workspace, state, first?.name ?? '');
      const { project, name, version } = this.#member;
      const released = await releasedByHead(this.#workspace.git);
      this.#goesOn =
        released.includes(`${project}@${version}`) && !state.entered(first?.name ?? '', name, version);
      const commits = await commitsSinceTag(this.#workspace, this.#member);
      this.#level = recommended(commits);
      this.#notes = notesFor(commits);
    });
  }

  getName(): string {
    return this.#member.name;
  }

  getLatestVersion(): string {
    return this.#member.version;
  }

  getChangelog(): string {
    return this.#notes;
  }

  /** What the commits ask for, where nobody at a terminal is to say it. */
  getIncrement({ increment, isPreRelease, latestVersion }: Increment): string | undefined {
    if (increment) return increment;
    const goesOnCounting = isPreRelease && latestVersion.includes('-');
    if (!this.config.isCI || goesOnCounting) {
      this.log.info(`The commits since the last release ask for: ${this.#level ?? 'nothing'}`);
      return undefined;
    }
    return this.#level;
  }

  /** The version stays where a release goes on, and where no commit asks for another. */
  getIncrementedVersionCI({ increment }: Increment): string | undefined {
    const nothing = this.config.isCI && !increment && this.#level === undefined;
    return this.#goesOn || nothing ? this.#member.version : undefined;
  }

  async beforeBump(): Promise<void> {
    this.log.log((await wayAhead(this.#context as Context)).join('\n'));
  }

  bump(to: string): Promise<void> {
    const { project, name, root, version: from } = this.#member;
    if (to !== from || this.#goesOn) this.#bump = { project, name, root, from, to, notes: this.#notes };
    return this.#explained(async () => {
      if (!this.#bump) return;
      await checkFree(this.#context as Context, this.#workspace, this.#bump);
      if (this.config.isDryRun)
        this.log.exec(`write ${from} -> ${to} into package.json, lock file, CHANGELOG.md`);
    });
  }

  async release(): Promise<boolean> {
    const bump = this.#bump;
    if (!bump) return false;
    if (this.config.isDryRun) {
      this.log.exec(`commit, build, publish ${bump.name}@${bump.to} into the first stage, prove, tag`);
      return false;
    }
    const done = await this.#asked('publish', () => this.#explained(() => this.#publish(bump)));
    // What hooks wrote goes with the release, or not at all.
    if (done === false) await restoreTree(this.#workspace.git);
    return done !== false;
  }

  async afterRelease(): Promise<void> {
    const bump = this.#bump;
    if (bump && !this.config.isDryRun && (await this.#isTagged(bump)))
      await this.#asked('push', () => this.#explained(() => this.#push(bump)));
    await this.#context?.close();
    this.#context = undefined;
  }

  async #publish(bump: Bump): Promise<true> {
    const context = this.#context as Context;
    await commitOne(this.#workspace, bump, { subject: `chore(release): ${bump.project}@${bump.to}` });
    try {
      this.log.log(await publishOne(context, this.#member, { gitTag: true }));
    } catch (error) {
      await undoUnpublished(context, this.#workspace, bump);
      throw error;
    }
    return true;
  }

  async #push(bump: Bump): Promise<true> {
    const { git, tagOf } = this.#workspace;
    const remote = this.#context?.options.ledger.remote ?? 'origin';
    await git.run(['push', '--quiet', remote, 'HEAD', `refs/tags/${tagOf(bump.project, bump.to)}`]);
    return true;
  }

  async #isTagged({ project, to }: Bump): Promise<boolean> {
    const { git, tagOf } = this.#workspace;
    const { code } = await git.call(['rev-parse', '--quiet', '--verify', `refs/tags/${tagOf(project, to)}`]);
    const remotes = await git.run(['remote']);
    return code === 0 && remotes.split('\n').includes(this.#context?.options.ledger.remote ?? 'origin');
  }

  /** A question at a terminal; without one there is nobody to ask. */
  #asked(prompt: string, task: () => Promise<unknown>): Promise<unknown> {
    return this.config.isCI ? task() : this.showPrompt({ prompt, task });
  }

  /** release-it prints the message of what it is thrown, and nothing after it runs: what is open is closed here. */
  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      await this.#context?.close();
      throw new Error(redact(asSluiceError(thrown).format()), { cause: thrown });
    }
  }
}
