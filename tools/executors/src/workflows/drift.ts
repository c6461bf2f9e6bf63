import type { ServicesOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { ACTIONS } from './actions.ts';
import { rollbackEnvironment } from './environments.ts';
import {
  hostsAccess,
  imageLogins,
  imagesRight,
  LIVE,
  OWN,
  packagesRight,
  registryTokens,
  upload,
  workspace,
} from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Env, Job, Step, Workflow, WorkflowInput } from './types.ts';

/** Whether every registry and every host still is as the ledger says; an issue where one is not. */
export function drift(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  const { services } = input.options;
  const jobs = {
    registries: ofPackages(input, settings),
    ...Object.fromEntries(
      (services?.stages ?? []).map((stage) => [
        `verify-${stage.name}`,
        ofServices(settings, services as ServicesOptions, stage),
      ]),
    ),
  };
  return {
    file: 'drift.yml',
    about: [
      'Proves that every stage holds the bytes that the ledger names, and every host runs them.',
      'Nobody is asked at night: registries are read with secrets of the repository (give those only the right to read; the',
      'environments of the gates have others of the same name), hosts with those of the environments for rollbacks.',
    ].join('\n'),
    name: 'Drift',
    on: { schedule: [{ cron: settings.drift }], workflow_dispatch: {} },
    env: LIVE,
    jobs: { ...jobs, report: report(Object.keys(jobs)) },
  };
}

function verify(name: string, stages: string[], env: Env): Step[] {
  return [
    {
      name: 'Verify',
      run: `mkdir -p dist/drift\nnpx sluice verify ${stages.join(' ')} 2>&1 | tee dist/drift/${name}.txt`,
      shell: 'bash',
      env,
    },
    upload(`drift-${name}`, 'dist/drift', '${{ !cancelled() }}'),
  ];
}

function ofPackages({ options }: WorkflowInput, settings: Settings): Job {
  const { stages } = options.packages;
  const names = stages.map(({ name }) => name);
  return {
    name: 'Registries of packages',
    permissions: { contents: 'read', ...packagesRight(stages, []) },
    timeout: 60,
    steps: [
      ...workspace({ settings, ref: settings.branch }),
      ...verify('packages', names, { ...OWN, ...registryTokens(...stages) }),
    ],
  };
}

function ofServices(settings: Settings, services: ServicesOptions, stage: ServiceStageOptions): Job {
  return {
    name: `Images and hosts of ${stage.name}`,
    environment: rollbackEnvironment(stage.name),
    permissions: { contents: 'read', ...imagesRight(services, 'read') },
    timeout: 60,
    steps: [
      ...workspace({ settings, ref: settings.branch }),
      hostsAccess(),
      ...verify(stage.name, [stage.name], { ...OWN, ...imageLogins(services, stage) }),
    ],
  };
}

/** One issue for as long as it is open: what is found again is a comment. */
function report(needs: string[]): Job {
  return {
    name: 'Issue',
    needs,
    if: '${{ failure() }}',
    permissions: { issues: 'write' },
    timeout: 10,
    steps: [
      { uses: ACTIONS.download, with: { pattern: 'drift-*', path: 'drift', 'merge-multiple': true } },
      {
        name: 'Open or update the issue',
        run: [
          'title="Drift: what is there is not what the ledger says"',
          '{',
          '  echo "$RUN"',
          '  for file in drift/*.txt; do printf "\\n### %s\\n\\n" "$(basename "$file" .txt)"; tail -c 15000 "$file" | sed "s/^/    /"; done',
          '} >body.md',
          'number=$(gh issue list --state open --search "$title in:title" --json number --jq ".[0].number // empty")',
          'if [ -n "$number" ]; then gh issue comment "$number" --body-file body.md; else gh issue create --title "$title" --body-file body.md; fi',
        ].join('\n'),
        env: {
          GH_TOKEN: '${{ github.token }}',
          GH_REPO: '${{ github.repository }}',
          RUN: '${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}',
        },
      },
    ],
  };
}
