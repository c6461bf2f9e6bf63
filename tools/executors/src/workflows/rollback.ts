import type { PackageStageOptions, ServicesOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { rollbackEnvironment } from './environments.ts';
import {
  hostsAccess,
  imageLogins,
  imagesRight,
  LIVE,
  notified,
  OWN,
  packagesRight,
  RECORDS,
  registryTokens,
  secrets,
  showStatus,
  signingKey,
  workspace,
} from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Env, Job, Step, Workflow, WorkflowInput } from './types.ts';

/** The way back by hand, for any stage. What a person types reaches a shell as a variable alone. */
export function rollback(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  const { packages, services } = input.options;
  const stages = [...packages.stages, ...(services?.stages ?? [])].map(({ name }) => name);
  return {
    file: 'rollback.yml',
    about: 'Takes a version back, in any stage. By hand: "Run workflow".',
    name: 'Rollback',
    on: {
      workflow_dispatch: {
        inputs: {
          stage: { description: 'Stage', type: 'choice', required: true, options: stages },
          project: { description: 'Package or service', type: 'string', required: true },
          to: {
            description: 'Version or release to go back to; empty: the good one before',
            type: 'string',
            required: false,
          },
          reason: { description: 'Why; it stands in the ledger', type: 'string', required: true },
          ...(services
            ? {
                'restore-database': {
                  description: 'Services: put the databases back too. What was written since is lost',
                  type: 'boolean',
                  default: false,
                },
              }
            : {}),
        },
      },
    },
    env: LIVE,
    jobs: Object.fromEntries([
      ...packages.stages.map((stage) => [`rollback-${stage.name}`, ofPackages(input, settings, stage)]),
      ...(services?.stages ?? []).map((stage) => [
        `rollback-${stage.name}`,
        ofServices(input, settings, services as ServicesOptions, stage),
      ]),
    ]),
  };
}

const chosen = (stage: string) => `inputs.stage == '${stage}'`;

/** Values begin behind `=` or `--`: none can be taken for an option. */
const command = (stage: string, extra: string[] = []): string =>
  [
    'args=(--reason="$REASON")',
    'if [ -n "$TO" ]; then args+=(--to="$TO"); fi',
    ...extra,
    `npx sluice rollback ${stage} "\${args[@]}" -- "$PROJECT"`,
  ].join('\n');

/** What GitHub shows follows; the way back was gone whether or not it does. */
const announce = (stage: string, env: Env): Step => ({
  name: 'Announce',
  'continue-on-error': true,
  run: `npx sluice announce ${stage}`,
  env: { ...OWN, ...env },
});

const TYPED = {
  PROJECT: '${{ inputs.project }}',
  REASON: '${{ inputs.reason }}',
  TO: '${{ inputs.to }}',
};

function ofPackages(input: WorkflowInput, settings: Settings, stage: PackageStageOptions): Job {
  return {
    name: `Roll back in ${stage.name}`,
    if: chosen(stage.name),
    ...(stage.gate?.environment ? { environment: stage.gate.environment } : {}),
    permissions: { ...RECORDS, deployments: 'write', ...packagesRight([], [stage]) },
    timeout: 30,
    steps: [
      ...workspace({ settings }),
      ...signingKey(settings),
      {
        name: 'Roll back',
        run: command(stage.name),
        shell: 'bash',
        env: { ...OWN, ...registryTokens(stage), ...notified(input), ...TYPED },
      },
      showStatus(OWN),
      announce(stage.name, registryTokens(stage)),
    ],
  };
}

function ofServices(
  input: WorkflowInput,
  settings: Settings,
  services: ServicesOptions,
  stage: ServiceStageOptions,
): Job {
  return {
    name: `Roll back in ${stage.name}`,
    if: chosen(stage.name),
    environment: rollbackEnvironment(stage.name),
    permissions: { ...RECORDS, deployments: 'write', ...imagesRight(services, 'write') },
    timeout: 60,
    steps: [
      ...workspace({ settings }),
      ...signingKey(settings),
      hostsAccess(),
      {
        name: 'Roll back',
        run: command(stage.name, [
          'if [ "$RESTORE" = true ]; then args+=(--restore-database --confirm="$PROJECT"); fi',
        ]),
        shell: 'bash',
        env: {
          ...OWN,
          ...imageLogins(services, stage),
          ...secrets(...input.services.flatMap((one) => one.secrets)),
          ...notified(input),
          ...TYPED,
          RESTORE: "${{ inputs['restore-database'] }}",
        },
      },
      showStatus(OWN),
      announce(stage.name, {}),
    ],
  };
}
