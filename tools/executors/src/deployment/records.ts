import { errors, type SluiceError } from '../foundation/index.ts';
import type { RecordBody } from '../ledger/types.ts';
import type { Deployment, Passage } from './passage.ts';
import type { DeploymentOutcome, ReleaseManifest } from './types.ts';

/** What every record of a release on hosts holds. */
export function releaseFields({ setting, members, before, backup }: Passage) {
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
export const notRecorded = ({ setting }: Passage, problem: SluiceError): SluiceError =>
  errors.DEPLOY_NOT_RECORDED(
    {
      project: setting.service,
      stage: setting.stage.name,
      release: setting.release.release,
      why: problem.message,
    },
    { cause: problem },
  );
