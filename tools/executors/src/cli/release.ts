import type { Command } from 'commander';
import { EXIT } from '../foundation/index.ts';
import type { Bump } from '../versioning/index.ts';
import { exitOf } from './moving.ts';
import type { Perform } from './shared.ts';

interface ReleaseFlags {
  dryRun?: boolean;
  firstRelease?: boolean;
  preid?: string;
  json?: boolean;
  key?: string;
  as?: string;
}

export function releaseCommand(program: Command, perform: Perform): void {
  program
    .command('release')
    .description(
      'new versions by the tool that nx.json names, one commit, the artifacts in the first stage, proved, then the tags; goes on where a release stopped',
    )
    .option('--dry-run', 'say versions and notes; change nothing')
    .option('--first-release', 'publish the versions as they stand in package.json')
    .option('--preid <identifier>', 'prereleases under this identifier, for instance beta')
    .option('--json', 'versions, notes and results as JSON')
    .option('--key <file>', 'sign with this SSH key')
    .option('--as <principal>', 'sign as this principal of the approvers file')
    .action((flags: ReleaseFlags) =>
      perform(async ({ context, signal, answer, say }) => {
        const { dryRun, firstRelease, preid, json } = flags;
        const { buildAfresh, release } = await import('../versioning/index.ts');
        const { bumps, results } = await release(context, {
          dryRun: dryRun ?? false,
          firstRelease: firstRelease ?? false,
          ...(preid === undefined ? {} : { preid }),
          build: (projects) => buildAfresh(context.workspaceRoot, context.options.targets.build, projects),
          signal,
          onResult: (result) => void (json || say(result.line)),
        });
        if (json) answer(JSON.stringify({ bumps, results }, undefined, 2));
        else answer(formatRelease(bumps, results.length, dryRun ?? false));
        return results.length === 0 ? EXIT.done : exitOf(results);
      }, flags),
    );
}

/** Versions with their notes, for a person. */
function formatRelease(bumps: Bump[], published: number, dryRun: boolean): string {
  if (bumps.length === 0 && published === 0) return 'nothing to release';
  const notes = bumps.map(
    ({ name, from, to, notes: text }) => `${name} ${from} -> ${to}\n\n${text.trim()}\n`,
  );
  const count = `${published} ${published === 1 ? 'package' : 'packages'} ${dryRun ? 'would be published' : 'went through'}`;
  return [...notes, count].join('\n');
}
