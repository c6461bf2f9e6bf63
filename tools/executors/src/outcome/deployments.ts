import type { GitHub } from '../github/index.ts';
import type { Outcome } from './types.ts';

/** What is where: one project in one stage. */
export interface Place {
  project: string;
  name: string;
  version: string;
  /** Integrity of a tarball, digest of an image. */
  digest: string;
  /** The commit that it was built from. */
  commit: string;
  /** The GitHub environment that it is shown under. */
  environment: string;
  /** The last stage of its pipeline. */
  isProduction: boolean;
  /** Where the run can be seen. */
  log?: string;
  /** More that is worth knowing by whoever reads it over the API. */
  payload: Record<string, unknown>;
}
interface Shown {
  id: number;
  payload: unknown;
}

const DEPLOYMENTS = '/repos/{owner}/{repo}/deployments';
const DESCRIPTION = 140;

/** Names the deployments of one project, beside those of the others and of the jobs in the same environment. */
export const taskOf = (name: string): string => `sluice:${name}`;

/**
 * Shows on the repository's page that this is there. Where it is shown already nothing is added; what it replaces is
 * marked as inactive.
 */
export async function showPlace(
  github: GitHub,
  place: Place,
  dryRun = false,
): Promise<Pick<Outcome, 'status' | 'url' | 'notes'>> {
  const { name, version, environment, digest } = place;
  const result = { url: `${github.url}/deployments/${encodeURIComponent(environment)}`, notes: [] };
  const shown = await github.request<Shown[]>(`GET ${DEPLOYMENTS}`, {
    environment,
    task: taskOf(name),
    per_page: 5,
  });
  const [newest, second] = shown.toSorted((a, b) => b.id - a.id);
  const isThere = newest !== undefined && digestOf(newest) === digest;
  if (isThere && (await stateOf(github, newest.id)) === 'success') return { ...result, status: 'there' };
  if (dryRun) return { ...result, status: 'planned' };
  const id = isThere ? newest.id : await create(github, place);
  await succeed(github, id, place);
  const replaced = isThere ? second : newest;
  if (replaced)
    await github.request(`POST ${DEPLOYMENTS}/{deployment_id}/statuses`, {
      deployment_id: replaced.id,
      state: 'inactive',
      description: `replaced by ${version}`.slice(0, DESCRIPTION),
    });
  return { ...result, status: 'made' };
}

async function create(github: GitHub, place: Place): Promise<number> {
  const { name, version, digest, environment } = place;
  const { id } = await github.request<{ id: number }>(`POST ${DEPLOYMENTS}`, {
    ref: place.commit,
    task: taskOf(name),
    environment,
    auto_merge: false,
    required_contexts: [],
    description: `${name} ${version}`.slice(0, DESCRIPTION),
    production_environment: place.isProduction,
    // Else the deployment that GitHub makes for the next job in this environment would make it inactive:
    // "all prior non-transient, non-production environment deployments with the same environment name".
    transient_environment: !place.isProduction,
    payload: { ...place.payload, name, version, digest },
  });
  return id;
}

async function stateOf(github: GitHub, id: number): Promise<string | undefined> {
  const [last] = await github.request<{ state: string }[]>(`GET ${DEPLOYMENTS}/{deployment_id}/statuses`, {
    deployment_id: id,
    per_page: 1,
  });
  return last?.state;
}

/** `auto_inactive` would take the other projects of the environment for replaced. */
function succeed(github: GitHub, id: number, { version, digest, log }: Place): Promise<unknown> {
  return github.request(`POST ${DEPLOYMENTS}/{deployment_id}/statuses`, {
    deployment_id: id,
    state: 'success',
    auto_inactive: false,
    description: `${version} ${digest}`.slice(0, DESCRIPTION),
    ...(log ? { log_url: log } : {}),
  });
}

/** GitHub gives a payload back as it was sent, or as the text of it. */
function digestOf({ payload }: Shown): unknown {
  try {
    const value: unknown = typeof payload === 'string' ? JSON.parse(payload) : payload;
    return (value as { digest?: unknown } | null)?.digest;
  } catch {
    return undefined;
  }
}
