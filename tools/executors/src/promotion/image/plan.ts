import { errors, type SluiceError } from '../../foundation/index.ts';
import { planHash } from '../../gate/index.ts';
import type { LedgerState } from '../../ledger/types.ts';
import { tagsFor, type TargetName } from '../../pipeline/index.ts';
import type { ServiceStage } from '../../service/types.ts';
import { missingSource, refused, sourceOf, type Request } from '../plan.ts';
import type { PlanItem, PromotionPlan } from '../types.ts';

/** What a stage's registry says of a service: tag -> digest, undefined where there is no such tag. */
export type TagsThere = Map<string, string | undefined>;

export interface ImagePlanInput {
  repository: string;
  stage: ServiceStage;
  requests: Request[];
  state: LedgerState;
  /** Service -> its tags; a service that is not there was not asked about, because it has to move anyway. */
  there: Map<string, TagsThere>;
  /** Services that the registry could not be asked about, and why. */
  unknown: Map<string, SluiceError>;
  policy: string;
  targets: Pick<Record<TargetName, string>, 'publish-registry' | 'promote'>;
}

/** The version and tags that a request comes to, before anything is asked; undefined where there is nothing to take. */
export function wantedTags(
  { state, stage }: Pick<ImagePlanInput, 'state' | 'stage'>,
  request: Request,
): { version: string; tags: { tag: string; moves: boolean }[] } | undefined {
  const source = sourceOf(state, stage.before, request);
  if (!source) return undefined;
  const { version } = source.record;
  const label = state.published(request.name, version)?.record.image?.label;
  const fields = { stage: stage.name, version, ...(label === undefined ? {} : { label }) };
  return { version, tags: tagsFor(stage.tags, fields) };
}

/** Decides, without any I/O, what happens to each service. They need no order among each other: nothing runs by a promotion. */
export function assembleImagePlan(input: ImagePlanInput): PromotionPlan {
  const { stage, state } = input;
  const items = input.requests.map((request) => draft(input, request));
  return {
    schemaVersion: 1,
    pipeline: 'services',
    repository: input.repository,
    stage: stage.name,
    from: stage.before,
    registry: stage.identity,
    hash: planHash({
      repository: input.repository,
      pipeline: 'services',
      stage: stage.name,
      registry: stage.identity,
      items: items.filter((item) => item.action === 'promote'),
    }),
    ledgerHead: state.head,
    policy: input.policy,
    items,
  };
}

function draft(input: ImagePlanInput, request: Request): PlanItem {
  const { stage, state } = input;
  const source = sourceOf(state, stage.before, request);
  const version = source?.record.version ?? request.version ?? '';
  const published = state.published(request.name, version);
  const here = state.newest(stage.name, request.name)?.record.version;
  const there = input.there.get(request.name);
  const tags = (wantedTags(input, request)?.tags ?? []).map((one) => {
    const now = there?.get(one.tag);
    return { ...one, ...(now === undefined ? {} : { now }) };
  });
  const item: PlanItem = {
    project: request.project,
    name: request.name,
    version,
    integrity: source?.record.integrity ?? '',
    size: published?.record.size ?? 0,
    action: 'promote',
    tag: tags[0]?.tag ?? stage.name,
    tags,
    movesTag: true,
    ...(here === undefined ? {} : { previous: here }),
    after: [],
  };
  const unknown = input.unknown.get(request.name);
  if (unknown) return refused(item, unknown);
  if (!source || !published) {
    const before = { name: stage.before, index: stage.index };
    return refused(item, missingSource({ ...input, before }, request));
  }
  const hold = state.hold(request.name, version);
  if (hold) {
    const error = errors.HELD({ name: item.name, version, reason: hold.record.reason });
    return { ...refused(item, error), action: 'held' };
  }
  if (source.record.integrity !== published.record.integrity) {
    const expected = published.record.integrity;
    const found = source.record.integrity;
    return refused(
      item,
      errors.OTHER_BYTES({ name: item.name, version, stage: stage.before, expected, found }),
    );
  }
  const taken = tags.find((one) => one.now !== undefined && one.now !== item.integrity && !one.moves);
  if (taken?.now !== undefined) {
    const [registry = '', ...path] = `${stage.images}/${repositoryOf(state, item)}`.split('/');
    const { tag, now } = taken;
    return refused(
      item,
      errors.TAG_TAKEN({ registry, repository: path.join('/'), tag, there: now, wanted: item.integrity }),
    );
  }
  const tagged = there !== undefined && tags.every((one) => one.now === item.integrity);
  if (stands(state, stage.name, item) && tagged) item.action = 'nothing';
  return item;
}

/** Whether the ledger has exactly this as the stage's position. */
export function stands(
  state: LedgerState,
  stage: string,
  item: { name: string; version: string; integrity: string },
): boolean {
  const here = state.position(stage, item.name)?.record;
  return here?.version === item.version && here.integrity === item.integrity;
}

/** Name of an artifact's repository below the stages' `images`. */
export function repositoryOf(
  state: LedgerState,
  item: { name: string; version: string; project: string },
): string {
  return state.published(item.name, item.version)?.record.image?.repository ?? item.project;
}
