import { bytes as humanBytes, errors } from '../foundation/index.ts';
import type { ServiceStage } from '../service/types.ts';
import type { FoundBackup } from './facts.ts';
import { currentOf, type HostNow } from './plan.ts';
import { closeMembers, lookAt, openMembers, reachOf } from './prepare.ts';
import type { DeploymentContext } from './types.ts';

/** What the hosts of a stage have of a service, and in what they differ. */
export interface ReleasesReport {
  project: string;
  stage: string;
  hosts: (HostNow & { backups: FoundBackup[] })[];
  /** Differences between hosts, in words. */
  drift: string[];
}

/** Asks all hosts. Reads only. @throws SERVICE_NO_HOSTS, and what a host says */
export async function listReleases(
  context: DeploymentContext,
  stage: ServiceStage,
  project: string,
  signal?: AbortSignal,
): Promise<ReleasesReport> {
  if (stage.hosts.length === 0) throw errors.SERVICE_NO_HOSTS({ stage: stage.name });
  const members = await openMembers(context, stage, project);
  try {
    const { hosts, backups } = await lookAt(members, reachOf(context, {}, project), signal);
    return {
      project,
      stage: stage.name,
      hosts: hosts.map((host) => ({ ...host, backups: backups.get(host.name) ?? [] })),
      drift: driftOf(hosts),
    };
  } finally {
    await closeMembers(members);
  }
}

/** In what hosts differ from each other, and each from itself. Pure. */
export function driftOf(hosts: HostNow[]): string[] {
  const own = hosts.flatMap(({ name, truth }) => [
    ...(truth.serving === truth.current
      ? []
      : [
          `${name}: ${truth.serving ?? 'nothing'} serves, but ${truth.current ?? 'nothing'} counts as the current release`,
        ]),
    ...(truth.lock
      ? [`${name}: locked by run ${truth.lock.run} of ${truth.lock.owner} (${truth.lock.state})`]
      : []),
  ]);
  const [first] = hosts;
  if (!first) return own;
  const between = hosts.slice(1).flatMap((host) => {
    if (host.truth.current !== first.truth.current)
      return [
        `${host.name} is at ${host.truth.current ?? 'nothing'}, ${first.name} at ${first.truth.current ?? 'nothing'}`,
      ];
    const [here, there] = [currentOf(host), currentOf(first)];
    const fields = (['digest', 'composeHash', 'environmentHash'] as const).filter(
      (field) => here?.[field] !== there?.[field],
    );
    return fields.map(
      (field) => `${host.name} has another ${field} of ${host.truth.current} than ${first.name}`,
    );
  });
  return [...own, ...between];
}

/** The report as a person reads it. */
export function formatReleases({ project, stage, hosts, drift }: ReleasesReport): string {
  return [
    `${project} in ${stage}`,
    ...hosts.flatMap(({ name, truth, releases, backups }) => [
      '',
      `${name}:`,
      ...(releases.length === 0 ? ['  no releases'] : []),
      ...releases.toReversed().map(({ manifest, state }) => {
        const mark =
          manifest.release === truth.current ? '*' : manifest.release === truth.previous ? '-' : ' ';
        return `  ${mark} ${manifest.release}  ${manifest.version}  ${state}`;
      }),
      ...backups
        .toReversed()
        .map(
          ({ file, bytes, verified, pinned, serving }) =>
            `    ${file}  ${humanBytes(bytes)}${serving ? `  of ${serving}` : ''}${verified ? '' : '  not verified'}${pinned ? '  pinned' : ''}`,
        ),
    ]),
    ...(drift.length === 0 ? [] : ['', 'differences:', ...drift.map((line) => `  ${line}`)]),
  ].join('\n');
}
