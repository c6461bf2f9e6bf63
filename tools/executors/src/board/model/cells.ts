import type { Deployed, Entry, LedgerState, Promoted, Published, Returned } from '../../ledger/types.ts';
import type { Cell, Command, Failure, HostHealth, Running, Waiting } from './types.ts';

/** Names of targets and of what a command is about, for the commands that are shown. */
export interface CellInput {
  state: LedgerState;
  name: string;
  project: string;
  stage: string;
  /** The stage before; undefined for the first. */
  before: string | undefined;
  kind: 'packages' | 'services';
  hasHosts: boolean;
  hasGate: boolean;
  targets: {
    promote: string;
    rollback: string;
    approve: string;
    'deploy-vps': string;
    'publish-registry': string;
  };
  /** What the gate said of what waits here. */
  judged?: Pick<Waiting, 'gate' | 'problem'> | undefined;
  /** Nonce of an approval -> who gave it. */
  approver: (nonce: string) => string | undefined;
}

/** What one stage has of one project, from the folded ledger alone. Pure. */
export function cellOf(input: CellInput): Cell {
  const { state, name, stage } = input;
  const here = state.newest(stage, name)?.record;
  const held = heldHere(input);
  const waiting = waitingFor(input);
  const running = runningOn(state, stage, name);
  const failed = failureOf(state, stage, name);
  const wentBack = wayBack(state, stage, name);
  const cell: Cell = {
    approvedBy: here?.type === 'promoted' ? approversOf(here, input.approver) : [],
    ...(here ? { version: here.version, since: here.at, digest: here.integrity, by: here.by } : {}),
    ...(here && held.includes(here.version) ? { isHeld: true } : {}),
    ...(held.length > 0 ? { held } : {}),
    ...(waiting ? { waiting } : {}),
    ...(running ? { running } : {}),
    ...(failed ? { failed } : {}),
    ...(wentBack ? { wentBack } : {}),
    commands: [],
  };
  return { ...cell, commands: commandsFor(cell, input) };
}

/** Everybody whose approval let it in: by a signature of their own, or as a reviewer of the environment. */
function approversOf(record: Promoted, approver: CellInput['approver']): string[] {
  const people = record.approvals.flatMap((nonce) => approver(nonce) ?? []);
  return [...new Set([...people, ...(record.environment?.approvals ?? []).map(({ login }) => `@${login}`)])];
}

function heldHere({ state, name, stage }: CellInput): string[] {
  const held = state.setbacks(name).filter(({ record }) => record.type === 'held');
  const versions = [...new Set(held.map(({ record }) => record.version))];
  return versions.filter(
    (version) => state.hold(name, version) !== undefined && state.entered(stage, name, version) !== undefined,
  );
}

function waitingFor({ state, name, stage, before, judged, hasGate }: CellInput): Waiting | undefined {
  const next = before === undefined ? undefined : state.position(before, name)?.record;
  if (!next || state.standing(stage, name, next.version)?.record.integrity === next.integrity)
    return undefined;
  return { version: next.version, digest: next.integrity, since: next.at, gated: hasGate, ...judged };
}

function runningOn(state: LedgerState, stage: string, name: string): Running | undefined {
  const running: Entry<Deployed | Returned> | undefined = state.running(stage, name);
  if (!running) return undefined;
  const { version, release, at, by, hosts } = running.record;
  const last = state.deployments(stage, name).at(-1)?.record;
  const setback = last?.type === 'deploy-failed' ? last : undefined;
  const health = (host: string): HostHealth => {
    if (!setback || !setback.hosts.includes(host) || setback.outcome === 'unchanged')
      return { host, health: 'serves', at };
    return { host, health: setback.outcome === 'restored' ? 'restored' : 'unknown', at: setback.at };
  };
  return { version, release, since: at, by, hosts: hosts.map(health) };
}

function failureOf(state: LedgerState, stage: string, name: string): Failure | undefined {
  const last = state.deployments(stage, name).at(-1)?.record;
  if (last?.type !== 'deploy-failed') return undefined;
  const { version, release, at, code, reason, outcome } = last;
  return { version, release, at, code, reason, outcome };
}

/** The newest rollback or return of a stage, unless something entered or was deployed there since. */
function wayBack(state: LedgerState, stage: string, name: string): Cell['wentBack'] {
  const last = state.deployments(stage, name).at(-1)?.record;
  if (last?.type === 'returned')
    return {
      from: last.left?.version ?? '',
      to: last.version,
      at: last.at,
      by: last.by,
      reason: last.reason,
    };
  const back = state
    .setbacks(name)
    .findLast(({ record }) => record.type === 'rolled-back' && record.stage === stage);
  if (back?.record.type !== 'rolled-back') return undefined;
  const here: Entry<Published | Promoted> | undefined = state.newest(stage, name);
  if (here && here.order > back.order) return undefined;
  const { version, to, at, by, reason } = back.record;
  return { from: version, ...(to === undefined ? {} : { to }), at, by, reason };
}

/** The board only reads: what changes things is shown as what to type. */
function commandsFor(cell: Cell, input: CellInput): Command[] {
  const { name, project, stage, kind, hasHosts, targets } = input;
  const commands: Command[] = [];
  const { waiting, running } = cell;
  const run = (target: string) => `npx nx run ${word(project)}:${target}:${stage}`;
  if (input.before === undefined && cell.version === undefined)
    commands.push({
      label: 'Build and publish it',
      command: `npx nx run ${word(project)}:${targets['publish-registry']}`,
    });
  if (waiting) {
    const misses = (waiting.gate?.conditions ?? []).filter(({ open }) => !open);
    if (misses.some((condition) => condition.name === 'approvals'))
      commands.push({ label: `Approve for ${stage}`, command: `npx nx ${targets.approve} -c ${stage}` });
    commands.push({
      label: misses.length > 0 ? `Promote to ${stage}, once the gate opens` : `Promote to ${stage}`,
      command: run(targets.promote),
    });
  }
  if (kind === 'services' && hasHosts && cell.version !== undefined && cell.version !== running?.version)
    if (!cell.isHeld)
      commands.push({ label: `Deploy ${cell.version} to ${stage}`, command: run(targets['deploy-vps']) });
  for (const version of cell.held ?? [])
    commands.push({
      label: `Let ${version} move again`,
      command: `npx sluice unhold ${word(name)} ${word(version)} --reason "..."`,
    });
  if (cell.version !== undefined && (kind === 'packages' ? input.before !== undefined : running))
    commands.push({ label: `Take ${stage} back`, command: `${run(targets.rollback)} --reason="..."` });
  return commands;
}

/** A word of a command as a POSIX shell takes it literally. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
