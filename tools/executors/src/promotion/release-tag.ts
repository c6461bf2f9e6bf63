import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import { errors } from '../foundation/index.ts';
import type { Context } from './context.ts';

/** The pattern of release tags in nx.json, which `nx release` computes the next version from. */
async function releaseTagPattern(workspaceRoot: string): Promise<string> {
  // Not Nx's own reader: loading Nx takes longer than a promotion with nothing to do.
  const nxJson = parse(await readFile(join(workspaceRoot, 'nx.json'), 'utf8')) as {
    release?: { releaseTag?: { pattern?: string }; releaseTagPattern?: string };
  };
  return (
    nxJson.release?.releaseTag?.pattern ?? nxJson.release?.releaseTagPattern ?? '{projectName}@{version}'
  );
}

/** Names of release tags, by project and version, as `nx release` reads them. */
export async function releaseTags(
  workspaceRoot: string,
): Promise<(project: string, version: string) => string> {
  const pattern = await releaseTagPattern(workspaceRoot);
  return (project, version) => pattern.replace('{projectName}', project).replace('{version}', version);
}

export interface Release {
  project: string;
  version: string;
  /** The commit that was published. */
  commit: string;
}

/**
 * Makes the git tags of releases, and pushes them in the live profile: all at once, since each push is a connection.
 * Safe to repeat. Returns what went wrong, by project: TAG_ELSEWHERE where a tag names another commit already.
 */
export async function tagReleases(context: Context, releases: Release[]): Promise<Map<string, unknown>> {
  const problems = new Map<string, unknown>();
  if (releases.length === 0) return problems;
  const tagOf = await releaseTags(context.workspaceRoot);
  const known = await commitsByTag(context.repository);
  const tagged = new Map<string, string[]>();
  for (const { project, version, commit } of releases) {
    const tag = tagOf(project, version);
    try {
      if (known.get(tag) !== commit) await context.repository.tag(tag, commit, `${project} ${version}`);
      tagged.set(tag, [...(tagged.get(tag) ?? []), project]);
    } catch (error) {
      problems.set(project, error);
    }
  }
  for (const [tag, error] of await pushTags(context, [...tagged.keys()]))
    for (const project of tagged.get(tag) ?? []) problems.set(project, error);
  return problems;
}

async function commitsByTag(repository: Context['repository']): Promise<Map<string, string>> {
  const format = '--format=%(refname:lstrip=2) %(objectname) %(*objectname)';
  const lines = (await repository.run(['for-each-ref', format, 'refs/tags'])).split('\n');
  return new Map(
    lines.map((line) => {
      const [tag = '', object = '', peeled] = line.split(' ');
      return [tag, peeled || object];
    }),
  );
}

/** Which tags the remote did not take, and why. */
async function pushTags(context: Context, tags: string[]): Promise<Map<string, unknown>> {
  const { repository, profile, options } = context;
  const { remote } = options.ledger;
  const isKnown = (await repository.run(['remote'])).split('\n').includes(remote);
  if (profile !== 'live' || !isKnown || tags.length === 0) return new Map();
  const args = ['push', '--porcelain', remote, ...tags.map((tag) => `refs/tags/${tag}`)];
  const { code, stdout, stderr } = await repository.call(args);
  if (code === 0) return new Map();
  // "<flag>\t<from>:<to>\t<what happened>", with the flag "!" for what was refused.
  const said = stdout.split('\n').map((line) => line.split('\t'));
  const answered = new Map(said.map(([flag, refs = '', what]) => [refs.split(':')[1], { flag, what }]));
  return new Map(
    tags.flatMap((tag) => {
      const answer = answered.get(`refs/tags/${tag}`);
      if (answer && answer.flag !== '!') return [];
      const command = `git push ${remote} refs/tags/${tag}`;
      return [[tag, errors.GIT_FAILED({ command, code, said: answer?.what ?? stderr })] as const];
    }),
  );
}
