import { BUNDLE_TYPE } from '../../artifact/image/types.ts';
import type { DeployableArtifact, DeploymentRecords, DeploymentSource } from '../../deployment/types.ts';
import { asSluiceError, errors, redact } from '../../foundation/index.ts';
import { judgeAdmission, type GateDecision } from '../../gate/index.ts';
import type { Entry, LedgerState, Promoted, RecordBody } from '../../ledger/types.ts';
import { readAttachment, type OciRepository } from '../../registry/oci/index.ts';
import { IMAGES, type ServiceBundle, type ServiceStage } from '../../service/types.ts';
import { runRows } from '../../steps/index.ts';
import type { Context } from '../context.ts';
import { record } from '../recording.ts';
import { settleImageTags } from './settle.ts';

/** What deployments may take from a stage: what the ledger says stands there, proved in the stage's registry. */
export function deploymentSource(context: Context): DeploymentSource {
  return {
    artifact: async (stage, name, version, signal) => {
      const state = await (await context.ledger()).refresh();
      const entry = standingIn(state, stage, name, version);
      if (!entry) return undefined;
      const held = state.hold(name, entry.record.version);
      if (held) throw errors.HELD({ name, version: entry.record.version, reason: held.record.reason });
      const gate = await admission(context, state, stage, entry);
      return { ...(await proved(context, state, stage, entry, signal)), ...(gate ? { gate } : {}) };
    },
    hold: async (name, version) =>
      (await (await context.ledger()).refresh()).hold(name, version)?.record.reason,
  };
}

/** The stage's position, or the version (or digest) of it that was asked for. A tag names nothing here. */
function standingIn(
  state: LedgerState,
  stage: ServiceStage,
  name: string,
  version: string | undefined,
): Entry<Promoted> | undefined {
  const found =
    version === undefined
      ? state.position(stage.name, name)
      : state
          .history(stage.name, name)
          .findLast(({ record: one }) => one.version === version || one.integrity === version);
  const entry = found && state.standing(stage.name, name, found.record.version);
  // Nothing is published into a stage that is deployed.
  return entry?.record.type === 'promoted' ? { ...entry, record: entry.record } : undefined;
}

/** Whether it came into the stage through its gate; undefined in the local profile. */
async function admission(
  context: Context,
  state: LedgerState,
  stage: ServiceStage,
  entry: Entry<Promoted>,
): Promise<GateDecision | undefined> {
  if (context.profile !== 'live') return undefined;
  const { record } = entry;
  return judgeAdmission(
    {
      policy: await context.policy(),
      stage,
      from: stage.before,
      state,
      ledger: await context.ledger(),
      repository: context.repository,
      repositoryIdentity: context.identity,
      profile: context.profile,
      now: new Date(),
      root: state.published(record.name, record.version)?.record.root ?? '.',
      next: `npx nx run ${record.project}:${context.options.targets.promote}:${stage.name}`,
    },
    entry,
  );
}

/** Compares registry and bundle with the ledger; repeated while the registry is away. */
async function proved(
  context: Context,
  state: LedgerState,
  stage: ServiceStage,
  { record: promoted }: Entry<Promoted>,
  signal: AbortSignal | undefined,
): Promise<DeployableArtifact> {
  const { project, name, version, integrity: digest } = promoted;
  const published = state.published(name, version)?.record;
  const image = published?.image;
  if (!published || !image || published.integrity !== digest) {
    const found = published?.integrity ?? 'nothing';
    throw errors.OTHER_BYTES({ name, version, stage: IMAGES, expected: digest, found });
  }
  const registry = await context.images(stage.name);
  const repository = registry.of(image.repository);
  // Whoever may write to the registry may attach another.
  const known = image.attachments.find(({ artifactType }) => artifactType === BUNDLE_TYPE);
  if (!known) {
    const at = { registry: repository.host, repository: repository.name };
    throw errors.ATTACHMENT_MISSING({ ...at, digest, artifactType: BUNDLE_TYPE });
  }
  let bundle: ServiceBundle | undefined;
  const outcomes = await runRows({
    rows: [
      {
        title: `look for the image in ${stage.name}`,
        run: async (_: undefined, attempt) => void (await isThere(repository, digest, attempt)),
      },
      {
        title: 'read its bundle',
        run: async (_: undefined, attempt) => {
          const { bytes } = await readAttachment(repository, digest, BUNDLE_TYPE, {
            sha256: known.sha256,
            signal: attempt,
          });
          bundle = JSON.parse(bytes.toString('utf8')) as ServiceBundle;
        },
      },
    ],
    subjects: [{ id: name, after: [], context: undefined }],
    ...(signal ? { signal } : {}),
  });
  const outcome = outcomes.get(name);
  if (outcome?.status === 'failed') throw outcome.error;
  if (!bundle) throw errors.CANCELLED({ name, reached: [] });
  const at = `${stage.images}/${image.repository}`;
  return {
    project,
    name,
    version,
    digest,
    images: Object.fromEntries(
      Object.entries(image.images).map(([service, one]) => [service, `${at}@${one}`]),
    ),
    bundle,
    size: published.size,
    running: state.running(stage.name, name)?.record.release ?? null,
    ...(registry.credentials ? { credentials: registry.credentials } : {}),
  };
}

/** @throws IMAGE_NOT_FOUND */
async function isThere(repository: OciRepository, digest: string, signal: AbortSignal): Promise<void> {
  if (await repository.manifest(digest, signal)) return;
  throw errors.IMAGE_NOT_FOUND({ registry: repository.host, repository: repository.name, reference: digest });
}

/** After a return the tags of the stage name again what stands there. They deploy nothing, so a failure is only said. */
async function tagsBack(context: Context, written: RecordBody[]): Promise<void> {
  for (const one of written) {
    if (one.type !== 'held') continue;
    try {
      const stage = await context.serviceStage(one.stage, context.options.targets.rollback);
      for (const [, error] of await settleImageTags(context, stage, [{ name: one.name }])) throw error;
    } catch (error) {
      const { code, message } = asSluiceError(error);
      const line = `the tags of ${one.name} in ${one.stage} still name ${one.version}: ${code}: ${message}`;
      const next = `npx nx run ${one.project}:${context.options.targets.promote}:${one.stage}`;
      process.stderr.write(redact(`${line}\n  next: ${next}\n`));
    }
  }
}

/** Writes what became of deployments into the ledger, signed like everything else. */
export function deploymentRecords(context: Context): DeploymentRecords {
  return {
    ready: async () => void (await Promise.all([context.signer(), context.ledger()])),
    write: async (make) => {
      let written: RecordBody[] = [];
      const problem = await record(context, await context.signer(), (state) => (written = make(state)));
      if (!problem) await tagsBack(context, written);
      return problem;
    },
  };
}
