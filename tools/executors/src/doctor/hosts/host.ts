import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { checkClock, openHost, type PhaseResult } from '../../host/index.ts';
import type { ServiceStage } from '../../service/types.ts';
import { given, ok, unchecked, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

/** Below that, the next image may not fit. */
const TIGHT_MB = 2_000;

/**
 * One server of a stage: reached by ssh with a known key and without a password, its clock, its engine and compose, its ports,
 * and the room on its disks. What a deployment asks before it takes its lock; takes none, and writes nothing there.
 */
export function hostCheck(patient: Patient, stageName: string, host: string): Check {
  const { workspaceRoot, env } = patient.context;
  return {
    room: 'hosts',
    title: host,
    stage: stageName,
    limitMs: 60_000,
    run: async (signal) => {
      const ofJob = env['SLUICE_SSH_CONFIG'];
      if (env['GITHUB_ACTIONS'] === 'true' && !ofJob)
        return unchecked(
          'this job has no key for hosts (SLUICE_SSH_CONFIG is not set); the one that deploys has',
        );
      const pipeline = await given(patient.services(), 'where the images lie is not known');
      const stage = pipeline?.stages.find(({ name }) => name === stageName) as ServiceStage;
      const service = (await patient.projects()).find((one) => one.pipeline === 'services')?.project;
      const config = ofJob || stage.sshConfig;
      const opened = await openHost({
        name: host,
        service: service ?? 'sluice-doctor',
        environment: stageName,
        // Nobody holds a lock by this name, so the host takes us for a stranger.
        run: `doctor-${randomBytes(5).toString('hex')}`,
        root: stage.folder,
        ...(config ? { sshConfig: resolve(workspaceRoot, config) } : {}),
      });
      try {
        const values = { NEED_MB: '0', PROXY: stage.proxy, COMPOSE_CHECK: 'no', PORTS: portsOf(stage) };
        const from = Date.now();
        const result = await opened.run('preflight', { values, signal });
        checkClock(host, result, { from, to: Date.now() });
        const { targets } = patient.context.options;
        return judgeHost(result, service && `npx nx run ${service}:${targets['deploy-vps']}:${stageName}`);
      } finally {
        await opened.close();
      }
    },
  };
}

const portsOf = ({ proxy, ports }: ServiceStage): string =>
  proxy === 'caddy' ? `${ports.http} ${ports.https}` : '';

/** Pure: what the host said of itself. */
function judgeHost({ facts }: PhaseResult, deploy: string | undefined): Finding {
  const fact = (key: string): string => facts.find((one) => one.key === key)?.value ?? '';
  const free = Math.min(Number(fact('free_mb_engine')), Number(fact('free_mb')));
  const said = `${fact('engine')}, compose ${fact('compose').replace(/^v\d /, '')}, ${gigabytes(free)} free`;
  if (free < TIGHT_MB)
    return warning(
      `${said}: the next image may not fit`,
      `ssh to it and: docker system df (then docker image prune; sluice keeps the releases that it may go back to)`,
    );
  const left = facts.filter(({ key }) => key === 'leftover').length;
  if (left > 0)
    return warning(
      `${said}; an unfinished deployment left ${left === 1 ? 'something' : `${left} things`} behind: ${fact('leftover')}`,
      deploy && `${deploy} (it takes that away)`,
    );
  return ok(said);
}

const gigabytes = (mb: number): string => (mb < 1_000 ? `${mb} MB` : `${(mb / 1_000).toFixed(1)} GB`);

/** A stage that names no hosts deploys nowhere. */
export function noHostsCheck(stage: string): Check {
  return {
    room: 'hosts',
    title: 'hosts',
    stage,
    run: async () =>
      unchecked(
        'none in nx.json: nothing can be deployed there',
        `add "hosts" to services.stages of ${stage}`,
      ),
  };
}
