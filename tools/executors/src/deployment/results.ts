import { asSluiceError, errors, SluiceError } from '../foundation/index.ts';
import type { Outcome } from '../steps/index.ts';
import type { RemoteCommand } from './describe.ts';
import type { Passage } from './passage.ts';
import type { DeploymentOutcome } from './types.ts';
import type { HostVerdict } from './verdict.ts';

/** What became of one service, for the executor, the terminal and `--output-file`. */
export interface DeploymentResult {
  project: string;
  name: string;
  version: string;
  success: boolean;
  status: 'done' | 'nothing' | 'failed' | 'blocked' | 'cancelled' | 'planned';
  /** States that were reached, in order. */
  reached: string[];
  error?: SluiceError;
  /** For a person. */
  line: string;
  outcome?: DeploymentOutcome;
  release?: string;
  backup?: string;
  hosts?: HostVerdict[];
  timings?: { row: string; ms: number }[];
  /** Of a dry run: every remote command, whole. */
  commands?: RemoteCommand[];
}
export type Subject = Pick<DeploymentResult, 'project' | 'name' | 'version'>;

export function failure(
  subject: Subject,
  thrown: unknown,
  more: Partial<DeploymentResult> = {},
): DeploymentResult {
  const error = asSluiceError(thrown);
  return { ...subject, success: false, status: 'failed', reached: [], error, line: error.format(), ...more };
}

/** Why the rows did not come to their end. `by` is another service of the same run that failed. */
export function reasonOf(passage: Passage, outcome: Outcome, by: string | undefined): SluiceError {
  const { service: project, stage } = passage.setting;
  if (outcome.status === 'failed') return outcome.error;
  const blockedBy = outcome.status === 'blocked' ? outcome.by : by;
  return blockedBy === undefined
    ? errors.DEPLOY_STOPPED({ project, stage: stage.name, step: passage.at })
    : errors.DEPLOY_TOGETHER({ project, stage: stage.name, by: blockedBy });
}

/**
 * The error that a person reads: what happened is the row's, what state things are in is what was found afterwards, whatever the
 * row's own text foresaw.
 */
export function withTruth(passage: Passage, error: SluiceError, commands: Commands): SluiceError {
  const host = error.details['host'];
  const named = typeof host === 'string' && !error.message.includes(host) ? ` (on ${host})` : '';
  return new SluiceError(
    error.code,
    error.exit,
    {
      what: `${error.message}${named}`,
      state: stateOf(passage),
      next: nextOf(passage, error, commands),
    },
    { cause: error, details: { ...error.details, step: passage.at, hosts: passage.verdict?.hosts ?? [] } },
  );
}
export interface Commands {
  deploy: string;
  rollback: string;
  releases: string;
}

function stateOf(passage: Passage): string {
  const { verdict, setting, oneWay, backup, before } = passage;
  const releases = [...new Set([...before.values()].map((served) => served?.release))];
  const old = releases.map((release) => release ?? 'nothing').join(', ');
  const where = passage.members.length === 1 ? 'on its host' : `on all ${passage.members.length} hosts`;
  const saved = backup === undefined ? [] : [`the databases were saved before, to ${backup}`];
  const each = (verdict?.hosts ?? []).map(
    ({ host, serving, asExpected, problem }) =>
      `${host}: ${serving ?? (asExpected ? 'nothing' : 'unknown')} serves${problem === undefined ? '' : `, but ${problem}`}`,
  );
  if (verdict === undefined || verdict.outcome === 'unchanged')
    return `nothing was changed; ${old} serves as before`;
  if (verdict.outcome === 'restored')
    return releases.every((release) => release === undefined)
      ? `checked: nothing of it is left ${where}, where nothing served before`
      : `checked: ${old} serves ${where} again, and nothing of the new release is left`;
  if (verdict.outcome === 'deployed') return `checked: ${setting.release.release} serves ${where}`;
  const why = passage.committed
    ? [`${setting.release.release} had baked on all hosts, so it was not taken back`]
    : oneWay === undefined
      ? []
      : [
          `${oneWay}, so nothing was taken back: the release before may not work with the database as it is now`,
        ];
  const page = passage.page ? ['people see the maintenance page'] : [];
  return [...why, ...page, ...each, ...saved].join('\n        ');
}

function nextOf(passage: Passage, error: SluiceError, { deploy, rollback, releases }: Commands): string {
  const { verdict, backup, oneWay, setting } = passage;
  if (verdict?.outcome !== 'broken') return error.next;
  if (oneWay !== undefined)
    return `correct it and deploy forward: ${deploy}; or go back with the database: ${rollback} --restore-database${backup === undefined ? '' : `=${backup}`} --confirm=${setting.service}`;
  if (passage.committed)
    return `what could not be ended on a host ends there by itself ${setting.stage.leaseSeconds} s after it was last heard of; look with ${releases}, then ${deploy}`;
  return `a host that could not be reached puts itself back ${setting.stage.leaseSeconds} s after it was last heard of; look with ${releases}, then ${deploy}`;
}

/** The last lines of what failed: for the most part the failed container's own. */
export function logOf(error: SluiceError): string {
  const log = error.details['log'];
  if (!Array.isArray(log) || log.length === 0) return '';
  const { host, phase } = error.details as { host?: string; phase?: string };
  return `${host}, ${phase}:\n${log.map((line) => `  | ${line}\n`).join('')}\n`;
}
