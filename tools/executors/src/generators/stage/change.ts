import { errors } from '../../foundation/index.ts';

export interface StageSchema {
  name: string;
  pipeline?: 'packages' | 'services';
  after?: string;
  registry?: string;
  tokenEnv?: string;
  verify?: 'bytes' | 'install';
  hosts?: string[];
  gateApprovals?: number;
  environment?: string;
  soak?: string;
}

type Raw = Record<string, unknown>;
type RawStage = Raw & { name: string };

/** The raw options with the stage added or changed. What the schema does not mention stays. Throws STAGE_UNKNOWN. */
export function withStage(options: Raw, schema: StageSchema): Raw {
  const pipeline = schema.pipeline ?? 'packages';
  const section = (options[pipeline] ?? {}) as Raw & { stages?: RawStage[] };
  const stages = section.stages ?? [];
  const old = stages.find((stage) => stage.name === schema.name);
  const rest = stages.filter((stage) => stage !== old);
  const at = place(stages, rest, schema);
  const stage = changed(old ?? { name: schema.name }, schema);
  return { ...options, [pipeline]: { ...section, stages: [...rest.slice(0, at), stage, ...rest.slice(at)] } };
}

function place(stages: RawStage[], rest: RawStage[], { name, after }: StageSchema): number {
  if (after === undefined) {
    const before = stages.findIndex((stage) => stage.name === name);
    return before === -1 ? rest.length : before;
  }
  const at = rest.findIndex((stage) => stage.name === after);
  if (at === -1) throw errors.STAGE_UNKNOWN({ stage: after, stages: rest.map((stage) => stage.name) });
  return at + 1;
}

function changed(stage: RawStage, schema: StageSchema): RawStage {
  const { registry, tokenEnv, verify, hosts, environment, soak, gateApprovals } = schema;
  const before = (stage['gate'] ?? {}) as Raw;
  const gate: Raw = {
    ...before,
    ...given({ environment, soak, approvals: approvals(before['approvals'], gateApprovals) }),
  };
  if (gateApprovals === 0) delete gate['approvals'];
  const result: RawStage = {
    ...stage,
    ...given({ registry, tokenEnv, verify, hosts }),
    name: stage.name,
    gate,
  };
  if (Object.keys(gate).length === 0) delete result['gate'];
  return result;
}

/** Who may approve, where that was said, still holds when only the number changes. */
function approvals(before: unknown, count: number | undefined): unknown {
  return count !== undefined && typeof before === 'object' ? { ...before, count } : count;
}

function given(values: Raw): Raw {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
