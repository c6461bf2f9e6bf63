import type { LedgerState } from '../ledger/types.ts';
import type { SluiceOptions } from '../pipeline/types.ts';
import type { Place } from './deployments.ts';

export interface PlacesWanted {
  stage: string;
  pipeline: 'packages' | 'services';
  /** All without it. */
  names?: string[];
  /** Only what came at this instant or later; what is named counts whenever it came. */
  since: Date;
  env: Readonly<Record<string, string | undefined>>;
}

/** What is in a stage by the ledger: the packages' positions, the services that serve. Pure. */
export function placesOf(state: LedgerState, options: SluiceOptions, wanted: PlacesWanted): Place[] {
  const { stage, pipeline, names, since } = wanted;
  const stages = options[pipeline]?.stages ?? [];
  const isProduction = stages.at(-1)?.name === stage;
  const gate = stages.find(({ name }) => name === stage)?.gate;
  // A service's own job runs in the environment of its stage; people are asked in another one.
  const environment = (pipeline === 'packages' && gate?.environment) || stage;
  const log = runUrl(wanted.env);
  const known = names ?? (pipeline === 'packages' ? state.packages() : state.services());
  return known.flatMap((name): Place[] => {
    const entry = pipeline === 'packages' ? state.position(stage, name) : state.running(stage, name);
    if (!entry || (!names && new Date(entry.record.at) < since)) return [];
    const { record } = entry;
    const source = state.published(name, record.version)?.record.source;
    if (!source) return [];
    return [
      {
        project: state.project(name) ?? record.project,
        name,
        version: record.version,
        digest: record.integrity,
        commit: source.commit,
        environment,
        isProduction,
        payload: {
          stage,
          pipeline,
          record: record.type,
          ledger: state.head,
          ...('release' in record ? { release: record.release, hosts: record.hosts.length } : {}),
        },
        ...(log ? { log } : {}),
      },
    ];
  });
}

/** The page of the run that this happens in. */
function runUrl(env: PlacesWanted['env']): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined;
}
