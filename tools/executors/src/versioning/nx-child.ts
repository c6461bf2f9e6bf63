import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NxAnswer, NxQuestion } from './nx.ts';

type NxRelease = typeof import('nx/release');

/**
 * Runs `nx release`'s two first steps, in a process of its own: Nx takes its workspace from the current folder and ends
 * the process where it gives up. Its third step, publishing, is the pipeline's.
 */
async function answer({ preid, dryRun }: NxQuestion): Promise<NxAnswer> {
  const require = createRequire(join(process.cwd(), 'package.json'));
  const { releaseVersion, releaseChangelog } = require('nx/release') as NxRelease;
  const git = { gitCommit: false, gitTag: false, gitPush: false, stageChanges: false };
  const common = { dryRun, ...git };
  const { projectsVersionData, workspaceVersion, releaseGraph } = await releaseVersion({
    ...common,
    ...(preid ? { preid } : {}),
  });
  const bumps = Object.entries(projectsVersionData).flatMap(([project, { currentVersion, newVersion }]) =>
    newVersion ? [{ project, from: currentVersion ?? '', to: newVersion }] : [],
  );
  if (bumps.length === 0) return [];
  const { projectChangelogs } = await releaseChangelog({
    ...common,
    releaseGraph,
    versionData: projectsVersionData,
    ...(workspaceVersion === undefined ? {} : { version: workspaceVersion }),
    createRelease: false,
    deleteVersionPlans: true,
  });
  return bumps.map((bump) => ({ ...bump, notes: projectChangelogs?.[bump.project]?.contents ?? '' }));
}

process.once('message', (question: NxQuestion) => {
  void answer(question).then(
    (found) => process.send?.({ found }, () => process.disconnect?.()),
    (error: Error) => process.send?.({ failed: error.message }, () => process.exit(1)),
  );
});
