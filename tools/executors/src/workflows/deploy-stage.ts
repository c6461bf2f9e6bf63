import type { ServicesOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { rollbackEnvironment } from './environments.ts';
import {
  hostsAccess,
  imageLogins,
  imagesRight,
  notified,
  OWN,
  RECORDS,
  secrets,
  showStatus,
  signingKey,
  upload,
  workspace,
} from './parts.ts';
import type { Settings } from './settings.ts';
import type { Env, Job, Step, WorkflowInput } from './types.ts';

/** How a stage of services is reached. */
export interface Passage {
  services: ServicesOptions;
  stage: ServiceStageOptions;
  /** The job before. */
  needs: string;
  /** The job that comes between. */
  between?: string;
  /** Condition, without `${{ }}`. */
  when: string;
  /** Where the promotion belongs to the deployment's own job. */
  promotion?: Step[];
}

const REPORT = 'dist/deployment';

/** What every command here needs to know. */
function variables(input: WorkflowInput, { services, stage }: Passage): Env {
  return { ...OWN, ...imageLogins(services, stage), ...notified(input) };
}

/** Deploys what was promoted, and proves it. What fails is put back on the hosts by the deployment itself. */
export function deployJob(input: WorkflowInput, settings: Settings, passage: Passage, commit: string): Job {
  const { services, stage, needs, between, promotion = [] } = passage;
  const { name } = stage;
  const env = variables(input, passage);
  return {
    name: `Deploy to ${name}`,
    needs: between === undefined ? [needs] : [needs, between],
    if: `!cancelled() && !failure() && (${passage.when})`,
    environment: name,
    permissions: { ...RECORDS, ...imagesRight(services, promotion.length > 0 ? 'write' : 'read') },
    // One after the other; nobody is waited for in here.
    concurrency: { group: `sluice-deploy-${name}`, 'cancel-in-progress': false },
    timeout: 120,
    steps: [
      ...workspace({ settings, ref: commit }),
      ...signingKey(settings),
      hostsAccess(),
      ...promotion,
      {
        name: 'Deploy',
        run: [
          `mkdir -p ${REPORT}`,
          `npx nx run-many -t ${input.options.targets['deploy-vps']} -c ${name} --outputFile=${REPORT}/${name}.json 2>&1 | tee ${REPORT}/${name}.log`,
        ].join('\n'),
        shell: 'bash',
        // Secrets of the services, as the environment of the stage has them.
        env: { ...env, ...secrets(...input.services.flatMap((service) => service.secrets)) },
      },
      {
        name: 'Prove it',
        run: `npx sluice verify ${name} 2>&1 | tee ${REPORT}/verify.txt`,
        shell: 'bash',
        env,
      },
      showStatus(OWN),
      upload(`deployment-${name}`, REPORT, '${{ !cancelled() }}'),
    ],
  };
}

/**
 * When the deployment's job did not come to its end. A deployment that failed has put itself back, one that was lost is put back by
 * its hosts: then this job changes nothing and keeps the evidence. One that came to its end in this run, and after which something
 * failed, is taken back here.
 */
export function rollbackJob(input: WorkflowInput, settings: Settings, passage: Passage, commit: string): Job {
  const { services, stage } = passage;
  const { name } = stage;
  const deployment = `deploy-${name}`;
  const env = variables(input, passage);
  const evidence = (when: 'before' | 'after'): Step => ({
    name: `What the hosts have, ${when}`,
    if: '${{ !cancelled() }}',
    run: `npx nx run-many -t ${input.options.targets.releases} -c ${name} --outputFile=${REPORT}/releases-${when}.json 2>&1 | tee ${REPORT}/releases-${when}.txt`,
    shell: 'bash',
    env,
  });
  return {
    name: `Roll back in ${name}`,
    needs: [deployment],
    // Without a queue: one that waits could be dropped for a newer one. The lock on the hosts keeps runs apart.
    if: `always() && (needs.${deployment}.result == 'failure' || needs.${deployment}.result == 'cancelled')`,
    environment: rollbackEnvironment(name),
    permissions: { ...RECORDS, ...imagesRight(services, 'write') },
    timeout: 60,
    steps: [
      ...workspace({ settings, ref: commit }),
      ...signingKey(settings),
      hostsAccess(),
      { run: `mkdir -p ${REPORT}` },
      evidence('before'),
      {
        name: 'Roll back what this run deployed',
        if: '${{ !cancelled() }}',
        run: `npx sluice rollback ${name} --of-this-run --reason="what came after the deployment failed" 2>&1 | tee ${REPORT}/rollback.log`,
        shell: 'bash',
        env,
      },
      evidence('after'),
      {
        name: 'Prove it',
        if: '${{ !cancelled() }}',
        run: `npx sluice verify ${name} 2>&1 | tee ${REPORT}/verify-after.txt`,
        shell: 'bash',
        env,
      },
      showStatus(OWN),
      upload(`rollback-${name}`, REPORT, '${{ !cancelled() }}'),
    ],
  };
}
