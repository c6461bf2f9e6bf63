import type { PackageStageOptions } from '../pipeline/types.ts';
import {
  askFor,
  asShown,
  doctor,
  LIVE,
  notified,
  OWN,
  packagesRight,
  PLAN_OUTPUTS,
  RECORDS,
  registryTokens,
  showStatus,
  signingKey,
  upload,
  workspace,
} from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Env, Job, Workflow, WorkflowInput } from './types.ts';

/** From a push to the last stage: the first job builds, every further one promotes what the one before it left. */
export function release(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  const { stages } = input.options.packages;
  const [first, ...further] = stages;
  return {
    file: 'release.yml',
    about: [
      `Versions, builds once, publishes into ${first?.name}, and promotes from stage to stage.`,
      `The release commit is pushed to ${settings.branch}: a protected branch has to let github-actions[bot] through, or`,
      'a hand-made step has to push in the name of somebody whom it lets through.',
    ].join('\n'),
    name: 'Release',
    on: { push: { branches: [settings.branch] }, workflow_dispatch: {} },
    env: LIVE,
    jobs: {
      release: releaseJob(input, settings, first as PackageStageOptions, further[0]),
      ...Object.fromEntries(
        further.map((stage, i) => [
          `promote-${stage.name}`,
          promoteJob(input, settings, {
            stage,
            before: stages[i] as PackageStageOptions,
            next: stages[i + 2],
            needs: i === 0 ? 'release' : `promote-${stages[i]?.name}`,
          }),
        ]),
      ),
    },
  };
}

function releaseJob(
  input: WorkflowInput,
  settings: Settings,
  stage: PackageStageOptions,
  next: PackageStageOptions | undefined,
): Job {
  const env: Env = { ...OWN, ...registryTokens(stage) };
  const { build } = input.options.targets;
  return {
    name: `Release into ${stage.name}`,
    if: `github.ref_name == '${settings.branch}'`,
    permissions: { ...RECORDS, ...packagesRight([], [stage]) },
    concurrency: { group: 'sluice-release', 'cancel-in-progress': false },
    timeout: 60,
    outputs: { commit: '${{ steps.commit.outputs.commit }}', ...(next ? PLAN_OUTPUTS : {}) },
    steps: [
      // What waited in the queue, or is run again, goes on where the branch is now.
      ...workspace({ settings, ref: settings.branch }),
      ...signingKey(settings),
      ...doctor(input, stage.name, env),
      { name: 'Versions and changelogs', run: 'npx nx release --yes --skip-publish' },
      {
        name: 'Push the release commit',
        id: 'commit',
        run: [
          `git push origin HEAD:refs/heads/${settings.branch}`,
          'echo "commit=$(git rev-parse HEAD)" >>"$GITHUB_OUTPUT"',
        ].join('\n'),
        env: OWN,
      },
      { name: 'Build once', run: `npx nx run-many -t ${build} --projects=tag:npm:public` },
      upload('artifacts', 'dist/artifacts'),
      { name: `Publish into ${stage.name}, then tag`, run: 'npx nx release publish', env },
      showStatus(OWN),
      ...(next ? [askFor(next.name, { ...env, ...registryTokens(next), ...notified(input) })] : []),
    ],
  };
}

function promoteJob(
  input: WorkflowInput,
  settings: Settings,
  {
    stage,
    before,
    next,
    needs,
  }: {
    stage: PackageStageOptions;
    before: PackageStageOptions;
    next: PackageStageOptions | undefined;
    needs: string;
  },
): Job {
  const env = { ...OWN, ...registryTokens(before, stage) };
  const { promote } = input.options.targets;
  return {
    name: `Promote into ${stage.name}`,
    needs: needs === 'release' ? ['release'] : ['release', needs],
    if: isReady(needs, stage),
    ...(stage.gate?.environment ? { environment: stage.gate.environment } : {}),
    permissions: { ...RECORDS, ...packagesRight([before], [stage]) },
    ...(next ? { outputs: PLAN_OUTPUTS } : {}),
    steps: [
      ...workspace({ settings, ref: '${{ needs.release.outputs.commit }}' }),
      ...signingKey(settings),
      asShown(stage.name, needs, env),
      {
        name: `Promote into ${stage.name}`,
        run: `npx nx affected -t ${promote} -c ${stage.name} --base="$(npx sluice base ${stage.name})"`,
        env: { ...env, ...notified(input) },
      },
      showStatus(OWN),
      ...(next ? [askFor(next.name, { ...env, ...registryTokens(next), ...notified(input) })] : []),
    ],
  };
}

/** Behind an environment somebody is asked now. Where approvals are signed, nobody is waited for: the workflow is run again. */
function isReady(needs: string, { gate }: PackageStageOptions): string {
  const waits = `needs.${needs}.outputs.waiting == 'true'`;
  return gate && !gate.environment ? `${waits} && needs.${needs}.outputs.open == 'true'` : waits;
}
