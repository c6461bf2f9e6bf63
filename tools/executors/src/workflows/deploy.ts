import type { ServicesOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { approvalEnvironment } from './environments.ts';
import { deployJob, rollbackJob, type Passage } from './deploy-stage.ts';
import {
  announceJob,
  askFor,
  asShown,
  doctor,
  imageLogins,
  imagesRight,
  LIVE,
  notified,
  OWN,
  PLAN_OUTPUTS,
  RECORDS,
  showStatus,
  signingKey,
  upload,
  workspace,
} from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Env, Job, Step, Workflow, WorkflowInput } from './types.ts';

/** Services from a push to the last stage. Undefined where the workspace has no stages for services. */
export function deploy(input: WorkflowInput): Workflow | undefined {
  const { services } = input.options;
  const [first, ...further] = services?.stages ?? [];
  if (!services || !first) return undefined;
  const settings = settingsOf(input.options) as Settings;
  const stages = [first, ...further];
  return {
    file: 'deploy.yml',
    about: about(settings, first, further),
    name: 'Deploy',
    on: events(settings, stages),
    env: LIVE,
    jobs: {
      build: build(input, settings, services, first),
      ...toStage(input, settings, { services, stage: first, needs: 'build', when: isFirst(settings, first) }),
      ...Object.assign(
        {},
        ...further.map((stage, i) =>
          toStage(input, settings, {
            services,
            stage,
            needs: `deploy-${stages[i]?.name}`,
            when: isFurther(settings, stage),
          }),
        ),
      ),
    },
  };
}

function about(settings: Settings, first: ServiceStageOptions, further: ServiceStageOptions[]): string {
  return [
    `Builds services once, tries and deploys them in ${first.name}, and takes exactly these images further.`,
    ...(settings.pullRequests
      ? [
          `Pull requests are deployed to ${first.name} too: its environment, and ${first.name}-rollback, have to let`,
          `"refs/pull/*/merge" in beside the branch ${settings.deployBranch}. Those of forks are not: they get no secrets.`,
        ]
      : []),
    ...(further.some((stage) => approvalEnvironment(stage))
      ? ['People are asked in jobs of their own, so that one that waits does not hold up other deployments.']
      : []),
    'SSH_PRIVATE_KEY and SSH_KNOWN_HOSTS are secrets of the environments of each stage and of its rollback; SSH_CONFIG,',
    'if there is more to say, is a variable there.',
  ].join('\n');
}

function events(settings: Settings, stages: ServiceStageOptions[]): Record<string, unknown> {
  const branches = [...new Set([settings.deployBranch, settings.productionBranch])];
  const byHand = {
    inputs: {
      stage: {
        description: 'Stage; a later one takes what the one before it has',
        type: 'choice',
        options: stages.map(({ name }) => name),
        default: stages[0]?.name,
      },
    },
  };
  if (settings.onlyByHand) return { workflow_dispatch: byHand };
  return {
    push: { branches },
    ...(settings.pullRequests ? { pull_request: { branches: [settings.branch] } } : {}),
    workflow_dispatch: byHand,
  };
}

const pushTo = (branch: string) => `(github.event_name == 'push' && github.ref_name == '${branch}')`;
const byHand = (stage: string) => `inputs.stage == '${stage}'`;

function isFirst(settings: Settings, { name }: ServiceStageOptions): string {
  if (settings.onlyByHand) return byHand(name);
  const pullRequest = 'github.event.pull_request.head.repo.full_name == github.repository';
  return [pushTo(settings.deployBranch), ...(settings.pullRequests ? [pullRequest] : []), byHand(name)].join(
    ' || ',
  );
}

function isFurther(settings: Settings, { name }: ServiceStageOptions): string {
  return settings.onlyByHand ? byHand(name) : `${pushTo(settings.productionBranch)} || ${byHand(name)}`;
}

/** The commit of a pull request itself, not of its trial merge: that one will never be on a branch. */
const COMMIT = '${{ github.event.pull_request.head.sha || github.sha }}';

function build(
  input: WorkflowInput,
  settings: Settings,
  services: ServicesOptions,
  first: ServiceStageOptions,
): Job {
  const { targets } = input.options;
  const env = { ...OWN, ...imageLogins(services, undefined, first), ...notified(input) };
  const { projects, some } = CHANGED;
  const each = (name: string, target: string, stage = ''): Step => ({
    name,
    if: some,
    run: `npx nx run-many -t ${target}${stage && ` -c ${stage}`} --projects="$PROJECTS"`,
    env: { ...env, PROJECTS: projects },
  });
  return {
    name: 'Build',
    if: isFirst(settings, first),
    permissions: { ...RECORDS, attestations: 'write', ...imagesRight(services, 'write') },
    timeout: 60,
    steps: [
      ...workspace({ settings, ref: COMMIT }),
      ...signingKey(settings),
      doctor(input, first.name, env),
      whatToBuild(first.name),
      each('Build once, and publish', targets['publish-registry']),
      upload('artifacts', 'dist/artifacts/*/artifact.json\ndist/artifacts/*/sbom.cdx.json'),
      each(`Promote into ${first.name}`, targets.promote, first.name),
      each('Try exactly these images', targets.smoke, first.name),
      showStatus(OWN),
    ],
  };
}

/** What the step `whatToBuild` found. */
const CHANGED = {
  projects: '${{ steps.changed.outputs.projects }}',
  some: "steps.changed.outputs.projects != ''",
};

/**
 * A push builds what was changed since the deployment that came to its end, whatever became of the runs in between; a pull
 * request what it changes itself; a person everything.
 */
function whatToBuild(stage: string): Step {
  return {
    name: 'What to build',
    id: 'changed',
    run: [
      'how=()',
      'if [ "$GITHUB_EVENT_NAME" = workflow_dispatch ]; then how=(--all); fi',
      'if [ -n "$BASE" ]; then how=(--since="$BASE"); fi',
      `projects=$(npx sluice changed ${stage} "\${how[@]}")`,
      'echo "projects=$projects" | tee -a "$GITHUB_OUTPUT"',
    ].join('\n'),
    shell: 'bash',
    env: { ...OWN, BASE: '${{ github.event.pull_request.base.sha }}' },
  };
}

/** All jobs of one stage: asking, approving, deploying, and the way back. */
function toStage(input: WorkflowInput, settings: Settings, passage: Passage): Record<string, Job> {
  const { services, stage } = passage;
  const { name, gate } = stage;
  const env = { ...OWN, ...imageLogins(services, stage), ...notified(input) };
  const promote = {
    name: `Promote into ${name}`,
    run: `npx nx run-many -t ${input.options.targets.promote} -c ${name} --exclude=tag:npm:public`,
    env,
  };
  if (!gate)
    return arrival(input, settings, {
      ...passage,
      ...(stage === services.stages[0] ? {} : { promotion: [promote] }),
    });
  const asking = `request-${name}-approval`;
  const passing = [asShown(name, asking, env), promote];
  const asked = ask(input, settings, passage, env);
  const shown = `needs.${asking}.outputs`;
  const environment = approvalEnvironment(stage);
  if (environment === undefined)
    // Nobody is waited for: who signs an approval runs the workflow again.
    return {
      [asking]: asked,
      ...arrival(input, settings, {
        ...passage,
        needs: asking,
        when: `(${shown}.waiting == 'true' && ${shown}.open == 'true') || ${byHand(name)}`,
        promotion: passing,
      }),
    };
  // The gate is at the promotion. It is passed where people were asked, unless it names the deployment's own environment.
  const promotesThere = gate.environment !== name;
  const approving = `approve-${name}`;
  return {
    [asking]: asked,
    [approving]: {
      name: `Approve ${name}`,
      needs: [asking],
      if: `!cancelled() && !failure() && ${shown}.waiting == 'true'`,
      environment,
      permissions: promotesThere ? { ...RECORDS, ...imagesRight(services, 'write') } : {},
      timeout: 30,
      steps: promotesThere
        ? [...workspace({ settings, ref: COMMIT }), ...signingKey(settings), ...passing, showStatus(OWN)]
        : [{ name: 'Approved', run: `echo "${name} was approved"` }],
    },
    ...arrival(input, settings, {
      ...passage,
      needs: asking,
      between: approving,
      // By hand also what was promoted by a run that could not deploy it.
      when: `${shown}.waiting == 'true' || ${byHand(name)}`,
      ...(promotesThere ? {} : { promotion: passing }),
    }),
  };
}

/** Shows what waits for the stage, and tells those who may approve it. */
function ask(
  input: WorkflowInput,
  settings: Settings,
  { services, stage: { name }, needs, when }: Passage,
  env: Env,
): Job {
  return {
    name: `Ask for the approval of ${name}`,
    needs: [needs],
    if: `!cancelled() && !failure() && (${when})`,
    permissions: { contents: 'read', ...imagesRight(services, 'read') },
    timeout: 30,
    outputs: PLAN_OUTPUTS,
    steps: [...workspace({ settings, ref: COMMIT }), askFor(name, env)],
  };
}

function arrival(input: WorkflowInput, settings: Settings, passage: Passage): Record<string, Job> {
  const { name } = passage.stage;
  return {
    [`deploy-${name}`]: deployJob(input, settings, passage, COMMIT),
    [`rollback-${name}`]: rollbackJob(input, settings, passage, COMMIT),
    ...announceJob(settings, {
      stage: name,
      needs: [`deploy-${name}`, `rollback-${name}`],
      when: `!cancelled() && (needs.deploy-${name}.result == 'success' || needs.rollback-${name}.result == 'success')`,
      permissions: {},
      env: {},
      ref: COMMIT,
    }),
  };
}
