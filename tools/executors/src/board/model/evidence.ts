import type { LedgerState, Promoted, Published } from '../../ledger/types.ts';
import { eventOf } from './timeline.ts';
import type { Approval, Evidence, EvidenceStage } from './types.ts';

/**
 * The sheet of one artifact; undefined where the ledger does not know it. Pure.
 * @param stages those of its pipeline, in order
 * @param reading the command that shows a batch of the ledger
 */
export function evidenceOf(
  state: LedgerState,
  artifact: { name: string; version: string },
  stages: readonly string[],
  reading: (batch: string) => string,
): Evidence | undefined {
  const { name, version } = artifact;
  const published = state.published(name, version);
  if (!published) return undefined;
  const { record } = published;
  const hold = state.hold(name, version)?.record;
  const afterwards = [...state.setbacks(name), ...stages.flatMap((stage) => state.deployments(stage, name))]
    .filter((entry) => entry.record.version === version)
    .sort((a, b) => b.order - a.order)
    .map(eventOf);
  return {
    name,
    project: record.project,
    version,
    kind: record.pipeline,
    digest: record.integrity,
    ...(record.size > 0 ? { size: record.size } : {}),
    ...(hold ? { held: { at: hold.at, by: hold.by, reason: hold.reason } } : {}),
    builtFrom: {
      repository: record.repository,
      root: record.root,
      commit: record.source.commit,
      dirty: record.source.dirty,
      at: record.at,
      by: record.by,
    },
    tools: Object.entries(record.tools),
    dependencies: Object.entries(record.dependencies).map(([dependency, needed]) => ({
      name: dependency,
      ...needed,
    })),
    images: Object.entries(record.image?.images ?? {}),
    ...(record.provenance
      ? {
          provenance: {
            sha256: record.provenance.sha256,
            commit: record.provenance.commit,
            attested: record.provenance.attested ?? false,
          },
        }
      : {}),
    stages: stages.map((stage) => stageOf(state, stage, record)),
    events: afterwards,
    commands: [
      { label: 'Prove the bytes in every stage', command: 'npx nx verify' },
      { label: 'Read the record of its publication', command: reading(published.batch) },
    ],
  };
}

function stageOf(state: LedgerState, stage: string, published: Published): EvidenceStage {
  const { name, version } = published;
  const entry = state.entered(stage, name, version);
  if (!entry) return { stage };
  const { record, batch } = entry;
  return {
    stage,
    ...(state.standing(stage, name, version) ? {} : { gone: true }),
    entered: {
      at: record.at,
      by: record.by,
      run: record.run,
      registry: record.registry,
      digest: record.integrity,
      same: record.integrity === published.integrity && !(record.type === 'published' && record.serves),
      batch,
      conditions: [],
      approvals: [],
      ...(record.type === 'promoted' ? passage(state, record) : {}),
    },
  };
}

function passage(state: LedgerState, record: Promoted) {
  const given = state
    .approvals(record.stage)
    .filter((entry) => record.approvals.includes(entry.record.nonce));
  const approvals: Approval[] = given.map(({ record: { by, at, comment, expires } }) => ({
    by,
    at,
    ...(comment ? { comment } : {}),
    expires,
  }));
  const { environment } = record;
  for (const { login, comment, read } of environment?.approvals ?? [])
    approvals.push({
      by: `@${login}`,
      at: read,
      ...(comment ? { comment } : {}),
      environment: environment?.name ?? '',
    });
  return {
    verified: record.verified,
    policy: record.policy,
    planHash: record.planHash,
    conditions: record.gate.map(({ condition, detail }) => ({ name: condition, detail })),
    approvals,
  };
}
