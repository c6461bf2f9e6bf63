import { errors } from '../../foundation/index.ts';

export interface StageSchema {
  name: string;
  /** Without it: where the stage is, else packages. */
  pipeline?: 'packages' | 'services';
  rename?: string;
  after?: string;
  before?: string;
  registry?: string;
  tokenEnv?: string;
  verify?: 'bytes' | 'install';
  hosts?: string[];
  gateApprovals?: number;
  approvers?: string[];
  environment?: string;
  reviewers?: string[];
  wait?: string;
  soak?: string;
  verified?: 'bytes' | 'install';
}

type Raw = Record<string, unknown>;
type RawStage = Raw & { name: string };
const PIPELINES = ['packages', 'services'] as const;

/**
 * The raw options with the stage added, changed, renamed or moved. What the schema does not mention stays.
 * @throws STAGE_UNKNOWN, STAGE_PLACE_TWICE, STAGE_TAKEN, ENVIRONMENT_MISSING
 */
export function withStage(options: Raw, schema: StageSchema): Raw {
  const pipeline = pipelineOf(options, schema);
  const section = (options[pipeline] ?? {}) as Raw & { stages?: RawStage[] };
  const stages = section.stages ?? [];
  const old = stages.find((stage) => stage.name === schema.name);
  const rest = stages.filter((stage) => stage !== old);
  const at = place(stages, rest, schema);
  const stage = changed(old ?? { name: schema.name }, schema);
  const result = {
    ...options,
    [pipeline]: { ...section, stages: [...rest.slice(0, at), stage, ...rest.slice(at)] },
  };
  return withEnvironment(schema.rename === undefined ? result : renamed(result, old, schema), stage, schema);
}

const namesOf = (options: Raw, pipeline: (typeof PIPELINES)[number]): string[] =>
  ((options[pipeline] as { stages?: RawStage[] } | undefined)?.stages ?? []).map(({ name }) => name);

export function pipelineOf(options: Raw, { name, pipeline }: StageSchema): (typeof PIPELINES)[number] {
  return pipeline ?? PIPELINES.find((one) => namesOf(options, one).includes(name)) ?? 'packages';
}

function place(stages: RawStage[], rest: RawStage[], { name, after, before }: StageSchema): number {
  if (after !== undefined && before !== undefined) throw errors.STAGE_PLACE_TWICE({ stage: name });
  const beside = after ?? before;
  if (beside === undefined) {
    const old = stages.findIndex((stage) => stage.name === name);
    return old === -1 ? rest.length : old;
  }
  const at = rest.findIndex((stage) => stage.name === beside);
  if (at === -1) throw errors.STAGE_UNKNOWN({ stage: beside, stages: rest.map((stage) => stage.name) });
  return after === undefined ? at : at + 1;
}

function changed(stage: RawStage, schema: StageSchema): RawStage {
  const { registry, tokenEnv, verify, hosts, environment, soak, verified } = schema;
  const before = (stage['gate'] ?? {}) as Raw;
  const approvals = approvalsOf(before['approvals'], schema);
  const gate: Raw = { ...before, ...given({ environment, soak, verified, approvals }) };
  if (schema.gateApprovals === 0) delete gate['approvals'];
  const result: RawStage = {
    ...stage,
    ...given({ registry, tokenEnv, verify, hosts }),
    name: stage.name,
    gate,
  };
  if (Object.keys(gate).length === 0) delete result['gate'];
  return result;
}

/** Who may approve, where that was said, still holds when only the number changes; and the other way round. */
function approvalsOf(before: unknown, { gateApprovals, approvers }: StageSchema): unknown {
  if (gateApprovals === undefined && approvers === undefined) return undefined;
  const old = typeof before === 'object' ? (before as Raw) : { count: before ?? 1 };
  const count = gateApprovals ?? old['count'];
  const rest = { ...old, ...given({ from: approvers }), count };
  return Object.keys(rest).length > 1 ? rest : count;
}

/** The other name, wherever the options speak of the stage. */
function renamed(options: Raw, old: RawStage | undefined, { name, rename }: StageSchema): Raw {
  const all = PIPELINES.flatMap((pipeline) => namesOf(options, pipeline));
  if (!old) throw errors.STAGE_UNKNOWN({ stage: name, stages: all.filter((one) => one !== name) });
  if (rename === undefined || rename === name) return options;
  if (all.includes(rename)) throw errors.STAGE_TAKEN({ stage: rename });
  const other = (one: unknown) => (one === name ? rename : one);
  const result = { ...options };
  for (const pipeline of PIPELINES) {
    const section = options[pipeline] as (Raw & { stages?: RawStage[] }) | undefined;
    if (section?.stages)
      result[pipeline] = {
        ...section,
        stages: section.stages.map((stage) => ({ ...stage, name: other(stage.name) })),
      };
  }
  const told = options['notifications'];
  if (Array.isArray(told))
    result['notifications'] = told.map((one: Raw) =>
      Array.isArray(one['stages']) ? { ...one, stages: one['stages'].map(other) } : one,
    );
  return result;
}

/** What the stage's GitHub environment asks for; `nx g @sluice/nx:environments` makes it so. */
function withEnvironment(options: Raw, stage: RawStage, { reviewers, wait }: StageSchema): Raw {
  if (reviewers === undefined && wait === undefined) return options;
  const { environment } = (stage['gate'] ?? {}) as { environment?: string };
  if (environment === undefined) throw errors.ENVIRONMENT_MISSING({ stage: stage.name });
  const github = (options['github'] ?? {}) as Raw;
  const environments = (github['environments'] ?? {}) as Record<string, Raw>;
  const one = { ...environments[environment], ...given({ reviewers, wait }) };
  return { ...options, github: { ...github, environments: { ...environments, [environment]: one } } };
}

function given(values: Raw): Raw {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
