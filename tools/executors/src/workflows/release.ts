import type { PackageStageOptions } from '../pipeline/types.ts';
import {
  announceJob,
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
import type { Env, Job, Step, Workflow, WorkflowInput } from './types.ts';

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
    jobs: Object.assign(
      { release: releaseJob(input, settings, first as PackageStageOptions) },
      announced(settings, first as PackageStageOptions, 'release', further.length === 0),
      ...further.map((stage, i) => ({
        ...toStage(input, settings, stages[i] as PackageStageOptions, stage, i === 0),
        ...announced(settings, stage, `promote-${stage.name}`, i === further.length - 1),
      })),
    ),
  };
}

function releaseJob(input: WorkflowInput, settings: Settings, stage: PackageStageOptions): Job {
  const env: Env = { ...OWN, ...registryTokens(stage) };
  const { build } = input.options.targets;
  const pushed: Step = {
    name: 'Push the release commit',
    id: 'commit',
    run: [
      `git push origin HEAD:refs/heads/${settings.branch}`,
      'echo "commit=$(git rev-parse HEAD)" >>"$GITHUB_OUTPUT"',
    ].join('\n'),
    env: OWN,
  };
  return {
    name: `Release into ${stage.name}`,
    if: `github.ref_name == '${settings.branch}'`,
    permissions: { ...RECORDS, attestations: 'write', ...packagesRight([], [stage]) },
    concurrency: { group: 'sluice-release', 'cancel-in-progress': false },
    timeout: 60,
    outputs: { commit: '${{ steps.commit.outputs.commit }}' },
    steps: [
      // What waited in the queue, or is run again, goes on where the branch is now.
      ...workspace({ settings, ref: settings.branch }),
      ...signingKey(settings),
      doctor(input, stage.name, env),
      ...(input.options.versioning === 'nx'
        ? [
            { name: 'Versions and changelogs', run: 'npx nx release --skip-publish' },
            pushed,
            { name: 'Build once', run: `npx nx run-many -t ${build} --projects=tag:npm:public` },
            upload('artifacts', 'dist/artifacts'),
            { name: `Publish into ${stage.name}, then tag`, run: 'npx nx release publish', env },
          ]
        : [
            {
              name: `Versions, build once, publish into ${stage.name}, then tag`,
              run: 'npx sluice release',
              env,
            },
            pushed,
            upload('artifacts', 'dist/artifacts'),
          ]),
      showStatus(OWN),
    ],
  };
}

/** What the repository's page shows of a stage; the last one makes the releases. */
function announced(
  settings: Settings,
  stage: PackageStageOptions,
  needs: string,
  isLast: boolean,
): Record<string, Job> {
  return announceJob(settings, {
    stage: stage.name,
    needs: needs === 'release' ? [needs] : ['release', needs],
    when: `!cancelled() && needs.${needs}.result == 'success'`,
    permissions: {
      ...(isLast ? { contents: 'write', issues: 'write', 'pull-requests': 'write' } : {}),
      ...packagesRight([stage], []),
    },
    env: registryTokens(stage),
    ref: '${{ needs.release.outputs.commit }}',
  });
}

/** Asking, where the stage has a gate, and promoting. */
function toStage(
  input: WorkflowInput,
  settings: Settings,
  before: PackageStageOptions,
  stage: PackageStageOptions,
  isSecond: boolean,
): Record<string, Job> {
  const { name, gate } = stage;
  const begin = (needs: string[]) => ({
    needs,
    if: "!cancelled() && !failure() && needs.release.result == 'success'",
  });
  const earlier = isSecond ? ['release'] : ['release', `promote-${before.name}`];
  const env = { ...OWN, ...registryTokens(before, stage) };
  const { promote } = input.options.targets;
  const checkout = workspace({ settings, ref: '${{ needs.release.outputs.commit }}' });
  const promotion = [
    {
      name: `Promote into ${name}`,
      run: `npx nx affected -t ${promote} -c ${name} --base="$(npx sluice base ${name})"`,
      env: { ...env, ...notified(input) },
    },
    showStatus(OWN),
  ];
  const permissions = { ...RECORDS, ...packagesRight([before], [stage]) };
  if (!gate)
    return {
      [`promote-${name}`]: {
        name: `Promote into ${name}`,
        ...begin(earlier),
        permissions,
        timeout: 60,
        steps: [...checkout, ...signingKey(settings), ...promotion],
      },
    };
  const asking = `request-${name}-approval`;
  const waits = `needs.${asking}.outputs.waiting == 'true'`;
  // Behind an environment somebody is asked now. Where approvals are signed, nobody is waited for: the workflow is run again.
  const isReady = gate.environment ? waits : `${waits} && needs.${asking}.outputs.open == 'true'`;
  return {
    [asking]: {
      name: `Ask for the approval of ${name}`,
      ...begin(earlier),
      permissions: { contents: 'read', ...packagesRight([before, stage], []) },
      timeout: 30,
      outputs: PLAN_OUTPUTS,
      steps: [...checkout, askFor(name, { ...env, ...notified(input) })],
    },
    [`promote-${name}`]: {
      name: `Promote into ${name}`,
      needs: ['release', asking],
      if: `!cancelled() && !failure() && ${isReady}`,
      ...(gate.environment ? { environment: gate.environment } : {}),
      permissions,
      timeout: 60,
      steps: [...checkout, ...signingKey(settings), asShown(name, asking, env), ...promotion],
    },
  };
}
