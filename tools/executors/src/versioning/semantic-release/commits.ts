import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { relative } from 'node:path';
import type { Repository } from '../../git/index.ts';
import { FIELDS } from '../order.ts';
import type { Manifest } from '../types.ts';

/** What semantic-release hands to its plugins, as far as we look at it. */
export interface ReleaseContext {
  cwd: string;
  env: NodeJS.ProcessEnv;
  logger: { log(text: string): void; success(text: string): void };
  options: { repositoryUrl: string; tagFormat: string; dryRun?: boolean };
  branch: { name: string; channel?: string | null };
  commits: { hash: string; message: string }[];
  lastRelease: { version?: string; gitTag?: string; gitHead?: string };
  nextRelease: {
    version: string;
    gitTag: string;
    gitHead: string;
    channel: string | null;
    notes?: string;
  };
}
export type ReleaseType = 'major' | 'minor' | 'patch' | null;

/** Of a repository's commits those that touch the package: its folder is where semantic-release runs. */
export async function ownCommits(
  git: Repository,
  { cwd, commits, lastRelease }: Pick<ReleaseContext, 'cwd' | 'commits' | 'lastRelease'>,
): Promise<ReleaseContext['commits']> {
  const range = lastRelease.gitHead ? `${lastRelease.gitHead}..HEAD` : 'HEAD';
  const listed = await git.run(['log', '--format=%H', range, '--', folderOf(git, cwd)]);
  const own = new Set(listed.split('\n'));
  return commits.filter(({ hash }) => own.has(hash));
}

/** Whether a range of the package moved since its last release, because a sibling was released. */
export async function rangesMoved(git: Repository, { cwd, lastRelease }: ReleaseContext): Promise<boolean> {
  if (!lastRelease.gitTag) return false;
  const file = `${folderOf(git, cwd)}/package.json`;
  const [before, now] = await Promise.all([git.show(lastRelease.gitTag, file), git.show('HEAD', file)]);
  return shipped(before) !== shipped(now);
}

function shipped(text = '{}'): string {
  const manifest = JSON.parse(text) as Manifest;
  return JSON.stringify(
    FIELDS.filter((field) => field !== 'devDependencies').map((field) => manifest[field]),
  );
}

const folderOf = (git: Repository, cwd: string): string => relative(git.root, realpathSync(cwd)) || '.';

type Step<T> = (config: object, context: ReleaseContext) => Promise<T>;

/** semantic-release's own analyzer and generator of notes: they come with it, wherever the client put them. */
export async function ownSteps(): Promise<{
  analyzeCommits: Step<ReleaseType>;
  generateNotes: Step<string>;
}> {
  const require = createRequire(import.meta.resolve('semantic-release'));
  const load = async (name: string) =>
    (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, Step<never>>;
  const [analyzer, notes] = await Promise.all([
    load('@semantic-release/commit-analyzer'),
    load('@semantic-release/release-notes-generator'),
  ]);
  const generateNotes = notes['generateNotes'] as Step<string>;
  return {
    analyzeCommits: analyzer['analyzeCommits'] as Step<ReleaseType>,
    generateNotes: (config, context) =>
      generateNotes({ ...linksTo(context.options.repositoryUrl), ...config }, context),
  };
}

/** A repository that is a folder has no pages: its links would lead nowhere. */
export const linksTo = (repositoryUrl: string): object =>
  repositoryUrl.startsWith('file:') ? { linkCompare: false, linkReferences: false } : {};
