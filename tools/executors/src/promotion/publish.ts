import { readArtifact } from '../artifact/index.ts';
import type { ArtifactManifest } from '../artifact/types.ts';
import { errors, SluiceError } from '../foundation/index.ts';
import type { LedgerState, RecordBody, SourceInfo } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import { bytesFromFile, type ContentStore } from '../registry/index.ts';
import type { Presence, StageStore } from '../registry/types.ts';
import {
  carry,
  failure,
  lookUp,
  resultOf,
  runBudget,
  type EngineOptions,
  type PackageResult,
} from './carry.ts';
import type { Context } from './context.ts';
import { satisfies } from './plan.ts';
// Not by the room's door, which loads Sigstore.
import { packageSubject } from '../provenance/statement.ts';
import { attachmentsOf, openProofs, provenanceField, sayNote } from './provenance.ts';
import { record, sendKept } from './recording.ts';
import type { Passage } from './rows.ts';
import { settleTags } from './settle-tags.ts';
import { distTagOf, mayMove } from './tags.ts';
import { tagReleases } from './release-tag.ts';
import { toolVersions } from './tools.ts';

export interface PublishRequest {
  project: string;
  /** Folder of the project, relative to the workspace root. */
  root: string;
  /** Absolute folder with `artifact.json`. */
  artifact: string;
}

export interface PublishOptions extends EngineOptions {
  requests: PublishRequest[];
  /** Versions that are in the first stage already and may still lack their git tag. */
  released?: { project: string; name: string; version: string }[];
  dryRun?: boolean;
  allowDirty?: boolean;
  /** Make the git tag of the release once the version is proved to be in the first stage. */
  gitTag?: boolean;
  onResult?: (result: PackageResult) => void;
}

interface Artifact extends PublishRequest {
  manifest: ArtifactManifest;
  tarball: string;
}
interface Draft extends Artifact {
  tag: string;
  presence: Presence | undefined;
}
const drafted = (artifact: Artifact, stage: Stage, presence: Presence | undefined): Draft => ({
  ...artifact,
  tag: distTagOf(artifact.manifest.version, stage.tag),
  presence,
});

/**
 * Puts artifacts into the first stage, each after its dependencies, and reads every one back.
 * Never throws for one package's failure; one ledger commit records all that are proved to be there.
 */
export async function publish(
  context: Context,
  options: PublishOptions,
): Promise<{ results: PackageResult[] }> {
  // Four things that wait for git and for files; side by side they take as long as the longest.
  const [stages, source, state] = await Promise.all([
    context.stages(),
    sourceInfo(context, options.allowDirty ?? false),
    context.ledger().then((ledger) => ledger.refresh()),
    context.policy().catch(() => undefined),
  ]);
  const stage = stages[0] as Stage;
  const results = new Map<string, PackageResult>();
  const settle = (project: string, result: PackageResult): void => {
    results.set(project, result);
    options.onResult?.(result);
  };
  const read = await Promise.all(
    options.requests.map(async (request) => {
      try {
        return { ...request, ...(await readArtifact(request.artifact)) };
      } catch (error) {
        return void settle(
          request.project,
          failure({ project: request.project, name: request.project, version: '' }, error),
        );
      }
    }),
  );
  const artifacts = read.filter((one) => one !== undefined);
  const store = await context.store(stage);
  if (options.dryRun) {
    await foretell(artifacts, stage, store, state, settle, options);
  } else {
    const done = await carryAll(context, artifacts, { stage, store, state, source, settle }, options);
    if (done === 0) await sendKept(context);
    if (options.gitTag) {
      const published = artifacts.map(({ project, manifest: { name, version } }) => ({
        project,
        name,
        version,
      }));
      const proved = published.filter(({ project }) => results.get(project)?.success);
      await tagAll(context, [...proved, ...(options.released ?? [])], settle);
    }
  }
  return { results: options.requests.flatMap((request) => results.get(request.project) ?? []) };
}

type Settle = (project: string, result: PackageResult) => void;
interface Where {
  stage: Stage;
  store: StageStore;
  state: LedgerState;
  source: SourceInfo;
  settle: Settle;
}

/** What a dry run says. */
async function foretell(
  artifacts: Artifact[],
  stage: Stage,
  store: StageStore,
  state: LedgerState,
  settle: Settle,
  options: PublishOptions,
): Promise<void> {
  const names = artifacts.map(({ manifest }) => manifest.name);
  const { presence, unknown } = await lookUp(store, names, options);
  for (const artifact of artifacts) {
    const draft = drafted(artifact, stage, presence.get(artifact.manifest.name));
    const early = settledEarly(draft, stage, state, unknown.get(artifact.manifest.name));
    settle(artifact.project, early ?? wouldPublish(draft, stage));
  }
}

/** Takes all artifacts through the rows, records and settles them. Returns how many had to be put, proved or tagged. */
async function carryAll(
  context: Context,
  artifacts: Artifact[],
  { stage, store, state, source, settle }: Where,
  options: PublishOptions,
): Promise<number> {
  // Found while the registry is asked; who needs it awaits it.
  if (!artifacts.every(({ manifest }) => recorded(state, stage, manifest)))
    context.signer().catch(() => undefined);
  const since = state.count;
  const nothing = new Map<string, PackageResult>();
  const together = new Set(artifacts.map(({ manifest }) => manifest.name));
  const passages = passagesOf(artifacts, stage, store, context.contentStore(), async (draft) => {
    const early = settledEarly(draft, stage, state, undefined);
    if (early?.error) throw early.error;
    if (early) nothing.set(draft.manifest.name, early);
    else {
      await needsNobodyElse(context, draft, { stage, store, state, together });
      // Without a signature nothing may be recorded, and what cannot be recorded must not be put.
      await context.signer();
    }
    return early !== undefined;
  });
  const proofs = openProofs(context);
  for (const { passage, artifact } of passages) {
    passage.note = sayNote;
    passage.prove = async (_, signal) =>
      recorded(state, stage, artifact.manifest)
        ? undefined
        : proofs.first(packageSubject(artifact.manifest), artifact.artifact, source, signal);
  }
  const outcomes = await carry(stage, passages, options);
  const done = passages.filter(
    ({ passage }) => outcomes.get(passage.name)?.status === 'done' && !nothing.has(passage.name),
  );
  let problem: SluiceError | undefined;
  let unsettled = new Map<string, SluiceError>();
  if (done.length > 0) {
    const tools = await toolVersions(context.workspaceRoot);
    problem = await record(
      context,
      await context.signer(),
      (newest) =>
        done
          .filter(({ artifact }) => !recorded(newest, stage, artifact.manifest))
          .map(({ passage, artifact }) => publishedRecord(artifact, passage, stage, source, tools)),
      attachmentsOf(done.map(({ passage }) => passage.bundle)),
    );
    unsettled = await settleTags(
      stage,
      store,
      done.map(({ passage }) => passage).filter((passage) => passage.movesTag),
      await (await context.ledger()).state(),
      since,
    );
  }
  for (const { passage, artifact } of passages) {
    const outcome = outcomes.get(passage.name);
    if (!outcome) continue;
    const item = { project: artifact.project, name: passage.name, version: passage.version };
    const early = nothing.get(passage.name);
    const error = unsettled.get(passage.name);
    if (early) settle(artifact.project, early);
    else if (outcome.status === 'done' && problem) {
      const why = errors.NOT_RECORDED(
        { names: [passage.name], stage: stage.name, why: problem.message },
        { cause: problem },
      );
      settle(artifact.project, failure(item, why, outcome.reached));
    } else settle(artifact.project, error ? failure(item, error) : resultOf(item, outcome, stage.name));
  }
  return done.length;
}

/** @throws DEPENDENCY_NOT_IN_STAGE where a sibling that it needs is neither in the stage nor published together with it */
async function needsNobodyElse(
  context: Context,
  { manifest }: Draft,
  where: Pick<Where, 'stage' | 'store' | 'state'> & { together: Set<string> },
): Promise<void> {
  const { stage, store, state, together } = where;
  const { name, version } = manifest;
  for (const [dependency, { range }] of Object.entries(manifest.workspaceDependencies)) {
    const isGood = (one: string) => satisfies(one, range);
    if (together.has(dependency)) continue;
    if (state.history(stage.name, dependency).some(({ record: one }) => isGood(one.version))) continue;
    // It may have been there before there was a ledger.
    if ([...(await store.look(dependency)).versions.keys()].some(isGood)) continue;
    const target = context.options.targets['publish-registry'];
    const command = `npx nx run ${state.project(dependency) ?? dependency}:${target}`;
    throw errors.DEPENDENCY_NOT_IN_STAGE({
      name,
      version,
      stage: stage.name,
      dependency,
      range,
      command,
      held: undefined,
    });
  }
}

/** Commit and dirtiness of the sources; a dirty tree is refused in the live profile unless it is asked for. */
async function sourceInfo(context: Context, allowDirty: boolean): Promise<SourceInfo> {
  const commit = await context.repository.head();
  if (commit === undefined) throw errors.NO_COMMIT(undefined);
  const changed = (await context.repository.run(['status', '--porcelain', '-z', '--untracked-files=normal']))
    .split('\0')
    .filter(Boolean);
  if (changed.length > 0 && context.profile === 'live' && !allowDirty) {
    throw errors.DIRTY_TREE({ files: changed.map((line) => line.slice(3)) });
  }
  return { commit, dirty: changed.length > 0 };
}

const recorded = (state: LedgerState, stage: Stage, manifest: ArtifactManifest) =>
  state.standing(stage.name, manifest.name, manifest.version)?.record.integrity === manifest.integrity;

/** The result of what is there already, cannot go, or could not be asked about. */
function settledEarly(
  draft: Draft,
  stage: Stage,
  state: LedgerState,
  unknown: Error | undefined,
): PackageResult | undefined {
  const { manifest, project, presence, tag } = draft;
  const { name, version, integrity } = manifest;
  const item = { project, name, version };
  if (unknown) return failure(item, unknown);
  const before = state.published(name, version)?.record;
  const there = presence?.versions.get(version);
  const found = before && before.integrity !== integrity ? before.integrity : there?.integrity;
  const known = before?.serves !== undefined && before.integrity === integrity && found === before.serves;
  if (found !== undefined && found !== integrity && !known) {
    return failure(
      item,
      errors.OTHER_BYTES({ name, version, stage: stage.name, expected: integrity, found }),
    );
  }
  const tagged = presence?.tags[tag] === version || !mayMove(version, presence?.tags[tag], false);
  const held = state.hold(name, version);
  // What is held stays where it is, and enters nowhere.
  if (held && !(there && state.entered(stage.name, name, version))) {
    return failure(item, errors.HELD({ name, version, reason: held.record.reason }));
  }
  if (!held && !(there && recorded(state, stage, manifest) && tagged)) return undefined;
  return {
    ...item,
    success: true,
    status: 'nothing',
    reached: [],
    line: `${name}@${version} is in ${stage.name}: nothing to do`,
  };
}

function wouldPublish(draft: Draft, stage: Stage): PackageResult {
  const { name, version, integrity, size } = draft.manifest;
  const line = `${name}@${version} would be published into ${stage.name} as ${draft.tag} (${size} bytes, ${integrity.slice(0, 20)}...)`;
  return { project: draft.project, name, version, success: true, status: 'planned', reached: [], line };
}

function passagesOf(
  artifacts: Artifact[],
  stage: Stage,
  store: StageStore,
  kept: ContentStore | undefined,
  /** Whether a draft has nothing left to do; throws where it may not go. */
  isDone: (draft: Draft) => Promise<boolean>,
): { passage: Passage; after: string[]; artifact: Artifact }[] {
  const hold = runBudget();
  return artifacts.map((artifact) => ({
    artifact,
    after: Object.keys(artifact.manifest.workspaceDependencies),
    passage: {
      ...pick(artifact.manifest),
      tag: distTagOf(artifact.manifest.version, stage.tag),
      movesTag: false,
      backwards: false,
      stage,
      target: store,
      presence: undefined,
      lookedAt: 0,
      hold,
      tagAtPut: false,
      mayServeOthers: kept !== undefined,
      ask: async (passage) => {
        const draft = drafted(artifact, stage, passage.presence);
        if (await isDone(draft)) return 'enough';
        // Nobody but the next stage takes from the first one, so the tag may come with the put - unless that would move it back.
        passage.movesTag = mayMove(passage.version, passage.presence?.tags[passage.tag], false);
        passage.tagAtPut = passage.movesTag;
        return undefined;
      },
      source: async () => {
        const bytes = await bytesFromFile(artifact.tarball);
        await kept?.put(bytes);
        return bytes;
      },
      install: undefined,
    },
  }));
}

const pick = ({ name, version, integrity, shasum, size }: ArtifactManifest) => ({
  name,
  version,
  integrity,
  shasum,
  size,
});

function publishedRecord(
  artifact: Artifact,
  passage: Passage,
  stage: Stage,
  source: SourceInfo,
  tools: Record<string, string>,
): RecordBody {
  return {
    type: 'published',
    pipeline: 'packages',
    stage: stage.name,
    registry: stage.identity,
    project: artifact.project,
    root: artifact.root,
    ...pick(artifact.manifest),
    tag: passage.tag,
    source,
    tools,
    dependencies: artifact.manifest.workspaceDependencies,
    ...(passage.served === undefined ? {} : { serves: passage.served }),
    ...provenanceField(passage.bundle),
  };
}

/** A version that is proved to be in the first stage gets its git tag; a failing tag fails that package, not the publish. */
async function tagAll(
  context: Context,
  versions: { project: string; name: string; version: string }[],
  settle: Settle,
): Promise<void> {
  const state = await (await context.ledger()).state();
  const releases = versions.flatMap((item) => {
    const published = state.published(item.name, item.version)?.record;
    return published ? [{ ...item, commit: published.source.commit }] : [];
  });
  for (const [project, error] of await tagReleases(context, releases)) {
    // The local registries can be emptied, and then get versions again whose tags are older: no harm to anybody.
    const harmless = error instanceof SluiceError && error.code === 'TAG_ELSEWHERE';
    if (context.profile === 'local' && harmless) continue;
    const item = releases.find((one) => one.project === project);
    if (item) settle(project, failure(item, error));
  }
}
