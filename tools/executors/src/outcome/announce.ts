import { asSluiceError } from '../foundation/index.ts';
import { openGitHub, type GitHub } from '../github/index.ts';
import { errors } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import { kindOfStage } from '../promotion/kinds/index.ts';
import { nameOf } from '../promotion/named.ts';
import { releaseTags } from '../promotion/release-tag.ts';
import { candidates } from './candidates.ts';
import { showPlace } from './deployments.ts';
import { placesOf } from './places.ts';
import { announceRelease, type Library } from './release.ts';
import type { Outcome } from './types.ts';

export interface AnnounceOptions {
  stage: string;
  /** Names of packages or services, or of their projects; without it all that came into the stage since. */
  names?: string[];
  since: Date;
  dryRun?: boolean;
  signal?: AbortSignal;
  onOutcome?: (outcome: Outcome) => void;
  github?: GitHub;
  /** Length of a second while waiting; tests have shorter ones. */
  secondMs?: number;
  library?: () => Promise<Library>;
}
type Subject = Pick<Outcome, 'what' | 'project' | 'name' | 'version'>;

/** Ends everything: the next one would fail in the same way. */
const FATAL = new Set([
  'GITHUB_TOKEN_MISSING',
  'ANNOUNCE_LIBRARY_MISSING',
  'GITHUB_RATE_LIMITED',
  'GITHUB_UNREACHABLE',
]);

/**
 * Tells GitHub what is in a stage: a release with assets and comments for each package in the last stage, a deployment
 * with its digest for each project in any. Reads the ledger, and changes nothing of what was promoted. Safe to repeat.
 * Never throws for one project's failure.
 * @throws ANNOUNCE_LOCAL, GITHUB_REPOSITORY_UNKNOWN, STAGE_UNKNOWN, PACKAGE_UNKNOWN, SERVICE_UNKNOWN, and what the ledger throws
 */
export async function announce(context: Context, options: AnnounceOptions): Promise<Outcome[]> {
  const { stage, dryRun = false } = options;
  const kind = kindOfStage(context.options, stage, 'announce');
  if (context.profile === 'local') throw errors.ANNOUNCE_LOCAL({ stage });
  const state = await (await context.ledger()).refresh();
  const names = options.names?.map((name) => nameOf(kind, state, name));
  const policy = await context.policy();
  const github =
    options.github ??
    openGitHub({ options: policy.options.github, identity: context.identity, env: context.env });
  const wanted = { stage, since: options.since, ...(names ? { names } : {}) };

  const outcomes: Outcome[] = [];
  let fatal: unknown;
  const settle = async (
    subject: Subject,
    work: () => Promise<Pick<Outcome, 'status' | 'url' | 'notes'>>,
  ): Promise<void> => {
    let outcome: Outcome;
    try {
      if (fatal !== undefined) throw fatal;
      options.signal?.throwIfAborted();
      outcome = { ...subject, ...(await work()) };
    } catch (thrown) {
      const error = asSluiceError(thrown);
      if (FATAL.has(error.code)) fatal = error;
      const { code, message, state: now, next } = error;
      outcome = {
        ...subject,
        status: 'failed',
        notes: [],
        problem: { code, what: message, state: now, next },
      };
    }
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  };

  const isLast = kind.pipeline === 'packages' && context.options.packages.stages.at(-1)?.name === stage;
  if (isLast) {
    const tagOf = await releaseTags(context.workspaceRoot);
    const { signal, secondMs, library } = options;
    const input = {
      context,
      github,
      state,
      stage,
      tagOf,
      dryRun,
      ...(signal ? { signal } : {}),
      ...(secondMs ? { secondMs } : {}),
      ...(library ? { library } : {}),
    };
    for (const candidate of candidates(state, wanted)) {
      const { project, name, version } = candidate;
      await settle({ what: 'release', project, name, version }, () => announceRelease(input, candidate));
    }
  }
  for (const place of placesOf(state, context.options, {
    ...wanted,
    pipeline: kind.pipeline,
    env: context.env,
  })) {
    const { project, name, version } = place;
    await settle({ what: 'deployment', project, name, version }, () => showPlace(github, place, dryRun));
  }
  return outcomes;
}
