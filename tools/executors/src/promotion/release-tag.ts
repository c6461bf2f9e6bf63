import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import type { Context } from './context.ts';

/** The pattern of release tags in nx.json, which `nx release` computes the next version from. */
export async function releaseTagPattern(workspaceRoot: string): Promise<string> {
  // Not Nx's own reader: loading Nx takes longer than a promotion with nothing to do.
  const nxJson = parse(await readFile(join(workspaceRoot, 'nx.json'), 'utf8')) as {
    release?: { releaseTag?: { pattern?: string }; releaseTagPattern?: string };
  };
  return (
    nxJson.release?.releaseTag?.pattern ?? nxJson.release?.releaseTagPattern ?? '{projectName}@{version}'
  );
}

/**
 * Makes the release's git tag at the commit that was published, and pushes it in the live profile. Safe to repeat.
 * @throws TAG_ELSEWHERE where the tag names another commit already
 */
export async function tagRelease(
  context: Context,
  pattern: string,
  project: string,
  version: string,
  commit: string,
): Promise<void> {
  const tag = pattern.replace('{projectName}', project).replace('{version}', version);
  await context.repository.tag(tag, commit, `${project} ${version}`);
  const { remote } = context.options.ledger;
  if (context.profile !== 'live' || !(await context.repository.run(['remote'])).split('\n').includes(remote))
    return;
  await context.repository.run(['push', '--quiet', remote, `refs/tags/${tag}`]);
}
