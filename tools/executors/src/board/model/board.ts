import type { LedgerState } from '../../ledger/types.ts';
import type { SluiceOptions } from '../../pipeline/types.ts';
import { IMAGES } from '../../service/types.ts';
import { newsOf, type Node } from './affected.ts';
import { cellOf } from './cells.ts';
import type { Board, Pipeline, Project, StageHead, Waiting } from './types.ts';

type Kind = Pipeline['kind'];

/** A project of the workspace, published or not. */
export interface KnownProject {
  name: string;
  project: string;
  pipeline: Kind;
  /** Folder below the workspace root; undefined where the work tree does not have it (any more). */
  root?: string;
  /** Names of what its manifest depends on. */
  needs: readonly string[];
}

export interface BoardInput {
  state: LedgerState;
  at: Date;
  repository: string;
  profile: string;
  options: Pick<SluiceOptions, 'targets'>;
  places: Record<Kind, StageHead[]>;
  /** What the work tree has. */
  projects: readonly KnownProject[];
  /** Files that differ from a commit; undefined where git does not have it. */
  changedSince: (commit: string) => readonly string[] | undefined;
  /** What gates said, by stage and then "name@version"; undefined before they were asked. */
  judged?: ReadonlyMap<string, ReadonlyMap<string, Pick<Waiting, 'gate' | 'problem'>>>;
  problems?: readonly string[];
}

/** The whole board from what was read. Pure. */
export function assembleBoard(input: BoardInput): Board {
  const { state, at, repository, profile, places, judged, problems = [] } = input;
  const kinds = (['packages', 'services'] as const).filter((kind) => places[kind].length > 0);
  const known = new Map(kinds.map((kind) => [kind, everyProject(input, kind)]));
  const news = newsOf([...known].flatMap(([kind, all]) => all.map((one) => withFiles(input, kind, one))));
  return {
    schemaVersion: 1,
    at: at.toISOString(),
    repository,
    profile,
    ledgerHead: state.head,
    records: state.count,
    judged: judged !== undefined,
    pipelines: kinds.map((kind) => ({
      kind,
      stages: places[kind],
      projects: projectsOf(input, kind, known.get(kind) ?? [], news),
    })),
    problems: [...problems],
  };
}

/** What git says of a project since the version in its first stage. */
function withFiles({ state, places, changedSince }: BoardInput, kind: Kind, project: KnownProject): Node {
  const { name, root, needs } = project;
  const first = state.newest(places[kind][0]?.name ?? '', name)?.record;
  const source = first && state.published(name, first.version)?.record;
  const node = { name, root: root ?? source?.root ?? '', needs };
  // What git cannot compare is not called new.
  return source ? { ...node, files: changedSince(source.source.commit) ?? [] } : node;
}

function projectsOf(
  { state, places, judged, options }: BoardInput,
  kind: Kind,
  all: readonly KnownProject[],
  news: ReadonlyMap<string, 'changed' | 'affected'>,
): Project[] {
  const approvers = approversBy(state);
  return all.map(({ name, project, needs }) => {
    const fresh = news.get(name);
    return {
      name,
      project,
      needs: [...needs],
      ...(fresh ? { news: fresh } : {}),
      cells: places[kind].map((place, index) =>
        cellOf({
          state,
          name,
          project,
          kind,
          stage: place.name,
          before: places[kind][index - 1]?.name,
          hasHosts: place.hosts.length > 0,
          hasGate: place.gate.length > 0,
          targets: options.targets,
          approver: (nonce) => approvers(place.name).get(nonce),
          judged: judged?.get(place.name)?.get(waitingKey(state, places[kind][index - 1]?.name, name)),
        }),
      ),
    };
  });
}

/** What the work tree has, and what only the ledger knows (any more), in the order of their names. */
function everyProject({ state, projects, places }: BoardInput, kind: Kind): KnownProject[] {
  const here = projects.filter((one) => one.pipeline === kind);
  const names = new Set(here.map((one) => one.name));
  const recorded = kind === 'packages' ? state.packages() : state.services();
  const gone = recorded
    .filter((name) => !names.has(name))
    .map((name): KnownProject => ({
      name,
      project: state.project(name) ?? name,
      pipeline: kind,
      needs: [],
    }));
  const all = [...here, ...gone];
  const known = new Set([...projects.map((one) => one.name), ...all.map((one) => one.name)]);
  return all
    .map((one) => ({
      ...one,
      needs: needsOf(state, one, places[kind][0]?.name ?? '').filter((name) => known.has(name)),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** By the manifest, else by what was recorded of the version in the first stage. */
function needsOf(state: LedgerState, { name, root, needs }: KnownProject, first: string): string[] {
  if (root !== undefined) return [...needs];
  const version = state.newest(first, name)?.record.version;
  const published = version === undefined ? undefined : state.published(name, version);
  return Object.keys(published?.record.dependencies ?? {});
}

/** One look at a stage's approvals, however many cells ask. */
function approversBy(state: LedgerState): (stage: string) => Map<string, string> {
  const stages = new Map<string, Map<string, string>>();
  return (stage) => {
    let found = stages.get(stage);
    if (!found) {
      found = new Map(state.approvals(stage).map(({ record }) => [record.nonce, record.by]));
      stages.set(stage, found);
    }
    return found;
  };
}

function waitingKey(state: LedgerState, before: string | undefined, name: string): string {
  const next = before === undefined ? undefined : state.position(before, name)?.record;
  return `${name}@${next?.version ?? ''}`;
}

/** Heads of the columns, from the options; `identity` is what the ledger calls a stage's registry. */
export function stageHeads(
  options: Pick<SluiceOptions, 'packages' | 'services'>,
  identity: (stage: string) => string | undefined,
): Record<Kind, StageHead[]> {
  const head = (name: string, rest: Partial<StageHead> = {}): StageHead => ({
    name,
    registry: identity(name) ?? '',
    gate: [],
    hosts: [],
    ...rest,
  });
  return {
    packages: options.packages.stages.map(({ name, gate }) => head(name, { gate: gateWords(gate) })),
    services: options.services
      ? [
          head(IMAGES),
          ...options.services.stages.map(({ name, gate, hosts }) =>
            head(name, { gate: gateWords(gate), hosts: hosts ?? [] }),
          ),
        ]
      : [],
  };
}

function gateWords(gate: SluiceOptions['packages']['stages'][number]['gate']): string[] {
  if (!gate) return [];
  const { approvals, soak, freeze, environment, verified } = gate;
  const count = typeof approvals === 'object' ? approvals.count : approvals;
  const from = typeof approvals === 'object' && approvals.from ? ` of ${approvals.from.join(', ')}` : '';
  return [
    ...(count ? [`${count} approval${count === 1 ? '' : 's'}${from}`] : []),
    ...(soak ? [`${soak} in the stage before`] : []),
    ...(verified ? [`verified before (${verified})`] : []),
    ...(freeze ? [`${freeze.length} freeze window${freeze.length === 1 ? '' : 's'}`] : []),
    ...(environment ? [`environment ${environment}`] : []),
  ];
}
