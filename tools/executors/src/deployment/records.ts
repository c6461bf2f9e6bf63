import { errors, type SluiceError } from '../foundation/index.ts';
import type { LedgerState, RecordBody } from '../ledger/types.ts';
import type { Deployment, Passage } from './passage.ts';
import type { DeploymentOutcome, ReleaseManifest } from './types.ts';

/** What every record of a release on hosts holds. */
function releaseFields({ setting, members, before, backup }: Passage) {
  const { stage, release } = setting;
  const previous = before.get(members[0]?.name ?? '')?.release;
  return {
    pipeline: 'services' as const,
    stage: stage.name,
    registry: stage.identity,
    ...itemOf(release),
    release: release.release,
    hosts: members.map(({ name }) => name),
    composeHash: release.composeHash,
    environmentHash: release.environmentHash,
    databaseVersion: release.databaseVersion,
    ...(backup === undefined ? {} : { backup }),
    ...(previous === undefined ? {} : { previous }),
  };
}

const itemOf = ({ project, name, version, digest }: ReleaseManifest) => ({
  project,
  name,
  version,
  integrity: digest,
});

export const deployedRecord = (passage: Deployment): RecordBody => ({
  type: 'deployed',
  ...releaseFields(passage),
  migrations: passage.plan.pendingMigrations.map(({ name }) => name),
});

/** What the ledger lacks where a deployer was stopped between the hosts' last word and its own; made of what lies on the hosts. */
export function belatedRecords(
  passage: Deployment,
  release: ReleaseManifest,
  state: LedgerState,
): RecordBody[] {
  const { setting, members } = passage;
  const last = state.running(setting.stage.name, release.name)?.record;
  if (last?.release === release.release) return [];
  const names = release.migrations.map(({ name }) => name);
  const before = members[0] && last ? [[members[0].name, { release: last.release }] as const] : [];
  return [
    {
      type: 'deployed',
      ...releaseFields({ ...passage, setting: { ...setting, release }, before: new Map(before) }),
      migrations: names.slice(names.indexOf(last?.databaseVersion ?? '') + 1),
    },
  ];
}

/** What is true after a failure, as it was looked at. */
export const failedRecord = (
  passage: Passage,
  error: SluiceError,
  outcome: Exclude<DeploymentOutcome, 'deployed' | 'nothing'>,
): RecordBody => ({
  type: 'deploy-failed',
  ...releaseFields(passage),
  code: error.code,
  reason: `${passage.at}: ${error.message}`,
  outcome,
});

/** A person went back: the digest that was left is held, so that no promotion and no deployment brings it back by itself. */
export function returnedRecords(
  passage: Passage,
  left: ReleaseManifest,
  more: { reason: string; restored?: string; held: boolean },
): RecordBody[] {
  const { stage } = passage.setting;
  const { reason, restored, held } = more;
  return [
    {
      type: 'returned',
      ...releaseFields(passage),
      reason,
      left: { release: left.release, version: left.version, integrity: left.digest },
      ...(restored === undefined ? {} : { restored }),
    },
    ...(held
      ? []
      : [
          {
            type: 'held' as const,
            pipeline: 'services' as const,
            stage: stage.name,
            registry: stage.identity,
            ...itemOf(left),
            reason,
          },
        ]),
  ];
}

/** The release serves, and the ledger does not say so. */
export const notRecorded = (
  { setting }: Passage,
  problem: SluiceError,
  release = setting.release.release,
): SluiceError =>
  errors.DEPLOY_NOT_RECORDED(
    {
      project: setting.service,
      stage: setting.stage.name,
      release,
      why: problem.message,
    },
    { cause: problem },
  );
