import { PROVENANCE_FILE } from '../../artifact/index.ts';
import { readImageArtifact } from '../../artifact/image/read.ts';
import type { ImageArtifactManifest } from '../../artifact/image/types.ts';
import { errors } from '../../foundation/index.ts';
import type { LedgerState, RecordBody } from '../../ledger/types.ts';
import { pushLayout, type OciRepository } from '../../registry/oci/index.ts';
import { IMAGES } from '../../service/types.ts';
import { runRows, type Row } from '../../steps/index.ts';
import { failure, limitsOf, resultOf, type PackageResult } from '../carry.ts';
import type { Context } from '../context.ts';
import type { PublishOptions, PublishRequest } from '../publish.ts';
// Not by the room's door, which loads Sigstore.
import { imageSubject } from '../../provenance/statement.ts';
import { attachmentsOf, openProofs, provenanceField, type Bundle } from '../provenance.ts';
import { record, sendKept } from '../recording.ts';
import { toolVersions } from '../tools.ts';

interface Artifact extends PublishRequest {
  manifest: ImageArtifactManifest;
  /** Folder of the OCI layout. */
  layout: string;
}

/**
 * Pushes the images of services to the registry that the first stage takes from, under the commit's tag, with what is
 * attached to them, and reads every digest back. Never throws for one service's failure; one ledger commit records all.
 */
export async function publishImages(
  context: Context,
  options: PublishOptions,
): Promise<{ results: PackageResult[] }> {
  const [, state] = await Promise.all([
    context.services(),
    context.ledger().then((ledger) => ledger.refresh()),
    context.policy().catch(() => undefined),
  ]);
  const results = new Map<string, PackageResult>();
  const settle = (project: string, result: PackageResult): void => {
    results.set(project, result);
    options.onResult?.(result);
  };
  const artifacts: Artifact[] = [];
  for (const request of options.requests) {
    try {
      const { manifest, layout } = await readImageArtifact(request.artifact);
      refuseDirty(context, manifest, options.allowDirty ?? false);
      artifacts.push({ ...request, manifest, layout });
    } catch (error) {
      const { project } = request;
      settle(project, failure({ project, name: project, version: '' }, error));
    }
  }
  const moving: Artifact[] = [];
  for (const artifact of artifacts) {
    const early = settledEarly(artifact, state) ?? (options.dryRun ? wouldPublish(artifact) : undefined);
    if (early) settle(artifact.project, early);
    else moving.push(artifact);
  }
  if (moving.length > 0) await pushAll(context, moving, options, settle);
  else if (!options.dryRun) await sendKept(context);
  return { results: options.requests.flatMap(({ project }) => results.get(project) ?? []) };
}

/** What was built from a tree with changes cannot be traced to its sources. The artifact knows, whatever the tree is now. */
function refuseDirty(context: Context, manifest: ImageArtifactManifest, allowed: boolean): void {
  if (context.profile !== 'live' || !manifest.dirty || allowed) return;
  throw errors.ARTIFACT_DIRTY({ project: manifest.project, build: context.options.targets.build });
}

const itemOf = ({ project, manifest: { name, version } }: Artifact) => ({ project, name, version });

/** The result of what is there already, or cannot go; by the ledger alone. */
function settledEarly(artifact: Artifact, state: LedgerState): PackageResult | undefined {
  const { name, version, digest } = artifact.manifest;
  const item = itemOf(artifact);
  const held = state.hold(name, version);
  if (held) return failure(item, errors.HELD({ name, version, reason: held.record.reason }));
  const found = state.published(name, version)?.record.integrity;
  if (found !== undefined && found !== digest)
    return failure(item, errors.OTHER_BYTES({ name, version, stage: IMAGES, expected: digest, found }));
  return undefined;
}

function wouldPublish(artifact: Artifact): PackageResult {
  const { version, digest, size } = artifact.manifest;
  const item = itemOf(artifact);
  const line = `${item.name}@${version} would be pushed to ${IMAGES} (${size} bytes, ${digest.slice(0, 19)}...)`;
  return { ...item, success: true, status: 'planned', reached: [], line };
}

interface Pushing {
  artifact: Artifact;
  target: OciRepository;
  /** Nothing had to be sent, and the ledger knows. */
  isRecorded: boolean;
  sent: boolean;
  /** Makes or finds the provenance, and proves it. */
  prove: (signal: AbortSignal) => Promise<Bundle | undefined>;
  bundle?: Bundle;
}

/** Of the document that is attached to the image; tools of Sigstore look for it. */
const SIGSTORE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const rows: Row<Pushing>[] = [
  {
    title: 'prove where it comes from',
    run: async (pushing, signal) => {
      const bundle = await pushing.prove(signal);
      if (bundle) pushing.bundle = bundle;
    },
  },
  {
    title: 'push what is missing',
    reaches: 'accepted',
    run: async (pushing, signal) => {
      const { artifact, target } = pushing;
      const { manifest } = artifact;
      const report = await pushLayout({
        folder: artifact.layout,
        target,
        tag: manifest.version,
        attachments: [...manifest.attachments, ...signed(pushing)],
        signal,
      });
      if (report.digest !== manifest.digest) {
        const { name, version, digest: expected } = manifest;
        throw errors.OTHER_BYTES({ name, version, stage: IMAGES, expected, found: report.digest });
      }
      pushing.sent ||= report.manifests.put > 0 || report.blobs.streamed + report.blobs.mounted > 0;
    },
    timeout: 3_600_000,
  },
  {
    title: 'read back and compare',
    reaches: () => ['visible', 'verified', 'tagged'],
    run: async ({ artifact: { manifest }, target }, signal) => {
      const there = await target.head(manifest.version, signal);
      if (there?.digest === manifest.digest) return;
      const { name, version, digest: expected } = manifest;
      if (there) throw errors.OTHER_BYTES({ name, version, stage: IMAGES, expected, found: there.digest });
      throw errors.NOT_VISIBLE_YET({ name, version, stage: IMAGES }, { transient: true });
    },
  },
];

async function pushAll(
  context: Context,
  moving: Artifact[],
  options: PublishOptions,
  settle: (project: string, result: PackageResult) => void,
): Promise<void> {
  // Without a signature nothing may be recorded, and what cannot be recorded must not be put.
  const signer = await context.signer();
  const registry = await context.images(IMAGES);
  const state = await (await context.ledger()).state();
  const identity = (await context.services())?.images.identity ?? '';
  const proofs = openProofs(context);
  const pushings = moving.map((artifact): Pushing => ({
    artifact,
    target: registry.of(artifact.manifest.repository),
    isRecorded: isRecorded(state, artifact),
    sent: false,
    prove: async (signal) => {
      const { manifest, artifact: folder } = artifact;
      if (isRecorded(state, artifact)) return undefined;
      const place = `${identity}/${manifest.repository}`;
      const { commit, dirty } = manifest;
      return proofs.first(imageSubject(manifest, place), folder, { commit, dirty }, signal);
    },
  }));
  const outcomes = await runRows({
    rows,
    subjects: pushings.map((pushing) => ({
      id: pushing.artifact.manifest.name,
      after: [],
      context: pushing,
    })),
    ...limitsOf(options),
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
  });
  const done = pushings.filter(({ artifact }) => outcomes.get(artifact.manifest.name)?.status === 'done');
  const tools = await toolVersions(context.workspaceRoot);
  const problem = await record(
    context,
    signer,
    (newest) =>
      done
        .filter(({ artifact }) => !isRecorded(newest, artifact))
        .map(({ artifact, bundle }) => publishedRecord(artifact, bundle, identity, tools)),
    attachmentsOf(done.map(({ bundle }) => bundle)),
  );
  for (const pushing of pushings) {
    const { project, manifest } = pushing.artifact;
    const outcome = outcomes.get(manifest.name);
    if (!outcome) continue;
    const item = itemOf(pushing.artifact);
    if (outcome.status === 'done' && problem) {
      const why = { names: [manifest.name], stage: IMAGES, why: problem.message };
      settle(project, failure(item, errors.NOT_RECORDED(why, { cause: problem }), outcome.reached));
    } else if (outcome.status === 'done' && pushing.isRecorded && !pushing.sent) {
      const line = `${item.name}@${item.version} is in ${IMAGES}: nothing to do`;
      settle(project, { ...item, success: true, status: 'nothing', reached: [], line });
    } else settle(project, resultOf(item, outcome, IMAGES));
  }
}

const isRecorded = (state: LedgerState, { manifest }: Artifact): boolean =>
  state.standing(IMAGES, manifest.name, manifest.version)?.record.integrity === manifest.digest;

/** The provenance as a document to attach. */
function signed({ bundle }: Pushing): ImageArtifactManifest['attachments'] {
  if (!bundle) return [];
  const { sha256, text } = bundle;
  const size = Buffer.byteLength(text);
  return [{ file: PROVENANCE_FILE, artifactType: SIGSTORE_TYPE, sha256, size }];
}

function publishedRecord(
  { project, root, manifest }: Artifact,
  bundle: Bundle | undefined,
  registry: string,
  tools: Record<string, string>,
): RecordBody {
  const { name, version, digest, size, label, repository, mediaType, images, builder } = manifest;
  return {
    type: 'published',
    pipeline: 'services',
    stage: IMAGES,
    registry,
    project,
    root,
    name,
    version,
    integrity: digest,
    size,
    tag: version,
    source: { commit: manifest.commit, dirty: manifest.dirty },
    tools,
    dependencies: {},
    ...provenanceField(bundle),
    image: {
      ...(label === undefined ? {} : { label }),
      repository,
      mediaType,
      images,
      builder,
      attachments: manifest.attachments.map(({ artifactType, sha256, size: bytes }) => ({
        artifactType,
        sha256,
        size: bytes,
      })),
    },
  };
}
