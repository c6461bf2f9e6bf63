import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import type { LedgerState } from '../ledger/types.ts';

export interface ChangedInput {
  repository: Pick<Repository, 'isAncestor' | 'head' | 'call'>;
  state: LedgerState;
  stage: string;
  /** Services get there by deployments; else a promotion is the end of it. */
  hasHosts: boolean;
  nx: AskNx;
}
/** Projects that are services, by Nx: all, or those that are affected by what was committed since. */
export type AskNx = (since?: string) => Promise<string[]>;

/**
 * Services that have to be built for the stage: those that were changed since what was last brought there to its end. A run that
 * failed on its way takes nothing away from the next one, and what was taken back by a person stays away until it is changed.
 * @throws GIT_SHALLOW, NX_UNANSWERED
 */
export async function changedServices(input: ChangedInput): Promise<string[]> {
  const { repository, state, nx } = input;
  const [all, head] = [await nx(), await repository.head()];
  const names = new Map(state.services().map((name) => [state.project(name), name]));
  const changed = new Set<string>();
  const since = new Map<string, string[]>();
  for (const project of all) {
    const commit = arrivedFrom(input, names.get(project));
    // Of a commit that is not in this history nothing can be said: a pull request was deployed, or a branch was rewritten.
    if (commit === undefined || head === undefined || !(await repository.isAncestor(commit, head)))
      changed.add(project);
    else since.set(commit, [...(since.get(commit) ?? []), project]);
  }
  for (const [commit, projects] of since) {
    const { code } = await repository.call(['diff', '--quiet', commit, head as string, '--'], {
      okCodes: [0, 1],
    });
    if (code === 0) continue;
    const affected = await nx(commit);
    for (const project of projects) if (affected.includes(project)) changed.add(project);
  }
  return all.filter((project) => changed.has(project));
}

/** The commit of what last arrived in the stage; undefined where nothing did, or where a commit does not tell what. */
function arrivedFrom({ state, stage, hasHosts }: ChangedInput, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const arrived = hasHosts
    ? state.deployments(stage, name).findLast(({ record }) => record.type === 'deployed')
    : state.history(stage, name).at(-1);
  const source = arrived && state.published(name, arrived.record.version)?.record.source;
  return source?.dirty === false ? source.commit : undefined;
}

/** Nx of a workspace, as its own command line is asked. @throws NX_UNANSWERED */
export function nxOf(workspaceRoot: string, target: string, env: NodeJS.ProcessEnv): AskNx {
  return async (since) => {
    const args = ['show', 'projects', '--json', `--with-target=${target}`, '--exclude=tag:npm:public'];
    if (since !== undefined) args.push('--affected', `--base=${since}`, '--head=HEAD');
    try {
      const nx = createRequire(join(workspaceRoot, 'package.json')).resolve('nx/bin/nx.js');
      const { stdout } = await promisify(execFile)(process.execPath, [nx, ...args], {
        cwd: workspaceRoot,
        env,
      });
      return (JSON.parse(stdout.slice(stdout.indexOf('['))) as string[]).sort();
    } catch (cause) {
      const { stderr, message } = cause as Error & { stderr?: string };
      const said = (stderr || message).trim().split('\n')[0] ?? '';
      throw errors.NX_UNANSWERED({ command: `npx nx ${args.join(' ')}`, said }, { cause });
    }
  };
}
