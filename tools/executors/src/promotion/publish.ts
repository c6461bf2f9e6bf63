import { readArtifact } from '../artifact/index.ts';
import type { ArtifactManifest } from '../artifact/types.ts';
import { errors } from '../foundation/index.ts';
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
import { record, sendKept } from './recording.ts';
import type { Passage } from './rows.ts';
import { settleTags } from './settle-tags.ts';
import { distTagOf, mayMove } from './tags.ts';
import { releaseTagPattern, tagRelease } from './release-tag.ts';
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
  dryRun?: boolean;
  allowDirty?: boolean;
  /** Make the git tag of the release once the version is proved to be in the first stage. */
  gitTag?: boolean;
  onResult?: (result: PackageResult) => void;
}

interface Draft extends PublishRequest {
  manifest: ArtifactManifest;
  tarball: string;
  tag: string;
  presence: Presence | undefined;
}

/**
 * Puts artifacts into the first stage, each after its dependencies, and reads every one back.
 * Never throws for one package's failure; one ledger commit records all that are proved to be there.
 */
export async function publish(
  context: Context,
  options: PublishOptions,
): Promise<{ results: PackageResult[] }> {
  const stage = (await context.stages())[0] as Stage;
  const source = await sourceInfo(context, options.allowDirty ?? false);
  const state = await (await context.ledger()).refresh();
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
  const { presence, unknown } = await lookUp(
    store,
    artifacts.map(({ manifest }) => manifest.name),
    options,
  );
  const drafts: Draft[] = [];
  for (const artifact of artifacts) {
    const draft = {
      ...artifact,
      tag: distTagOf(artifact.manifest.version, stage.tag),
      presence: presence.get(artifact.manifest.name),
    };
    const early = settledEarly(draft, stage, state, unknown.get(artifact.manifest.name));
    if (early) settle(artifact.project, early);
    else if (options.dryRun) settle(artifact.project, wouldPublish(draft, stage));
    else drafts.push(draft);
  }
  if (drafts.length > 0) {
    const signer = await context.signer();
    const kept = context.contentStore();
    const since = state.count;
    const passages = passagesOf(drafts, stage, store, kept);
    const outcomes = await carry(stage, passages, options);
    const done = passages.flatMap(({ passage, draft }) =>
      outcomes.get(passage.name)?.status === 'done' ? [{ passage, draft }] : [],
    );
    const tools = done.length > 0 ? await toolVersions(context.workspaceRoot) : {};
    const problem = await record(context, signer, (newest) =>
      done
        .filter(({ draft }) => !recorded(newest, stage, draft.manifest))
        .map(({ passage, draft }) => publishedRecord(draft, passage, stage, source, tools)),
    );
    const unsettled = await settleTags(
      stage,
      store,
      done.map(({ passage }) => passage).filter((passage) => passage.movesTag),
      await (await context.ledger()).state(),
      since,
    );
    for (const { passage, draft } of passages) {
      const outcome = outcomes.get(passage.name);
      if (!outcome) continue;
      const item = { project: draft.project, name: passage.name, version: passage.version };
      if (outcome.status === 'done' && problem) {
        const why = errors.NOT_RECORDED(
          { names: [passage.name], stage: stage.name, why: problem.message },
          { cause: problem },
        );
        settle(draft.project, failure(item, why, outcome.reached));
      } else {
        const error = unsettled.get(passage.name);
        settle(draft.project, error ? failure(item, error) : resultOf(item, outcome, stage.name));
      }
    }
  } else if (!options.dryRun) await sendKept(context);
  if (options.gitTag && !options.dryRun) await tagAll(context, artifacts, results, settle);
  return { results: options.requests.flatMap((request) => results.get(request.project) ?? []) };
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
  const hold = state.hold(name, version);
  if (hold) return failure(item, errors.HELD({ name, version, reason: hold.record.reason }));
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
  if (!there || !recorded(state, stage, manifest) || !tagged) return undefined;
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
  drafts: Draft[],
  stage: Stage,
  store: StageStore,
  kept: ContentStore | undefined,
): { passage: Passage; after: string[]; draft: Draft }[] {
  const hold = runBudget();
  return drafts.map((draft) => ({
    draft,
    after: Object.keys(draft.manifest.workspaceDependencies),
    passage: {
      ...pick(draft.manifest),
      tag: draft.tag,
      movesTag: mayMove(draft.manifest.version, draft.presence?.tags[draft.tag], false),
      backwards: false,
      stage,
      target: store,
      presence: draft.presence,
      lookedAt: performance.now(),
      hold,
      // Nobody but the next stage takes from the first one, so the tag may come with the put - unless that would move it back.
      tagAtPut: mayMove(draft.manifest.version, draft.presence?.tags[draft.tag], false),
      mayServeOthers: kept !== undefined,
      source: async () => {
        const bytes = await bytesFromFile(draft.tarball);
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
  draft: Draft,
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
    project: draft.project,
    root: draft.root,
    ...pick(draft.manifest),
    tag: draft.tag,
    source,
    tools,
    dependencies: draft.manifest.workspaceDependencies,
    ...(passage.served === undefined ? {} : { serves: passage.served }),
  };
}

/** A version that is proved to be in the first stage gets its git tag; a failing tag fails that package, not the publish. */
async function tagAll(
  context: Context,
  artifacts: { project: string; manifest: ArtifactManifest }[],
  results: Map<string, PackageResult>,
  settle: (project: string, result: PackageResult) => void,
): Promise<void> {
  const pattern = await releaseTagPattern(context.workspaceRoot);
  const state = await (await context.ledger()).state();
  for (const { project, manifest } of artifacts) {
    const result = results.get(project);
    const published = state.published(manifest.name, manifest.version)?.record;
    if (!result?.success || !published) continue;
    try {
      await tagRelease(context, pattern, project, manifest.version, published.source.commit);
    } catch (error) {
      settle(project, failure(result, error, result.reached));
    }
  }
}
