import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { DeploymentContext, DeploymentEvent, Notify } from '../deployment/index.ts';
import { openHost, releaseFiles } from '../host/index.ts';
import type { Context } from '../promotion/context.ts';
import { deploymentRecords, deploymentSource } from '../promotion/image/source.ts';
import type { ServiceStage } from '../service/types.ts';
import { notifierOf, ownerOf, stageAfter } from './notifier.ts';

/** What deployments need of the world, made of what every command has. */
export function deploymentContext(context: Context): DeploymentContext {
  const { env } = context;
  // A CI run that is started again, or that has several jobs, says the same name; a lock may not be shared by those.
  const run = `${context.run}-${randomBytes(4).toString('hex')}`;
  return {
    env,
    run,
    owner: ownerOf(env),
    source: deploymentSource(context),
    records: deploymentRecords(context),
    render: releaseFiles,
    openHost: (stage, name, service) =>
      openHost({
        name,
        service,
        environment: stage.name,
        run,
        root: stage.folder,
        forwards: forwardsOf(stage),
        ...sshConfigOf(stage, context),
      }),
    notify: notifyBy(context),
    targets: context.options.targets,
  };
}

/** A job's own file wins over the one that the options name: it knows where the job has its key. */
function sshConfigOf({ sshConfig }: ServiceStage, { env, workspaceRoot }: Context): { sshConfig?: string } {
  const file = env['SLUICE_SSH_CONFIG'] || sshConfig;
  return file ? { sshConfig: resolve(workspaceRoot, file) } : {};
}

/** A registry on this machine's loopback is the host's under the same port. */
function forwardsOf({ images }: ServiceStage): number[] {
  const port = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):(\d+)\//.exec(images)?.[1];
  return port === undefined ? [] : [Number(port)];
}

function notifyBy(context: Context): Notify {
  const tell = notifierOf(context);
  return ({ outcome, error, ...event }: DeploymentEvent) =>
    tell({
      ...event,
      ...commandsAfter(context, event),
      ...(outcome ? { outcome: said[outcome] } : {}),
      ...(error ? { error, next: error.next } : {}),
    });
}

/** The way on into the next stage, and the way back to what served before. */
function commandsAfter(
  { options }: Context,
  { event, action, project, stage, from }: Omit<DeploymentEvent, 'outcome' | 'error'>,
): { next?: string; wayBack?: string } {
  const command = (target: 'promote' | 'rollback' | 'releases', where: string) =>
    `npx nx run ${project}:${options.targets[target]}:${where}`;
  if (event === 'rolled-back') return { next: command('releases', stage) };
  if (event !== 'succeeded' || action !== 'deployment') return {};
  const after = stageAfter(options, 'services', stage);
  return {
    ...(after === undefined ? {} : { next: command('promote', after) }),
    ...(from === undefined ? {} : { wayBack: command('rollback', stage) }),
  };
}

const said = {
  deployed: 'the new release serves on all hosts',
  nothing: 'nothing was to be done',
  restored: 'the release before serves on all hosts, which was checked',
  unchanged: 'nothing was changed',
  broken: 'not all is as it was: somebody has to look',
};
