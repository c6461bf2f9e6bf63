import { errors, Secret, SluiceError } from '../foundation/index.ts';
import type { ServiceStage } from '../service/types.ts';
import { runRows, type Row, type StepEvent } from '../steps/index.ts';
import { conclude } from './conclude.ts';
import type { FoundRelease } from './facts.ts';
import type { Setting } from './inputs.ts';
import { tell } from './notify.ts';
import { leaderOf, phaseOn, type Passage } from './passage.ts';
import { currentOf, type HostNow } from './plan.ts';
import { beginning, closeMembers, lookAt, openMembers, reachOf, type PrepareOptions } from './prepare.ts';
import { notRecorded, returnedRecords } from './records.ts';
import { failure, type DeploymentResult } from './results.ts';
import { deployAnew, planReturn, type ReturnPlan, type ReturnRequest } from './rollback-plan.ts';
import { backup, finish, lock, measured, prune, unlock, verifyOn } from './rows.ts';
import type { DeploymentContext, ReleaseManifest } from './types.ts';
import type { Variables } from './variables.ts';

export interface ReturnOptions extends PrepareOptions {
  requests: (ReturnRequest & { name: string })[];
  dryRun?: boolean;
  onEvent?: (event: StepEvent) => void;
  onResult?: (result: DeploymentResult) => void;
}
interface Returning extends Passage {
  way: ReturnPlan;
  /** Command that deploys the version anew, where the release itself is gone. */
  anew: string;
}

/** Takes services back to a release as it was, on all hosts of a stage, one service after the other. Never throws for one's failure. */
export async function rollbackServices(
  context: DeploymentContext,
  options: ReturnOptions,
): Promise<{ plans: ReturnPlan[]; results: DeploymentResult[] }> {
  const plans: ReturnPlan[] = [];
  const results: DeploymentResult[] = [];
  for (const request of options.requests) {
    const { plan, result } = await rollbackOne(context, request, options);
    if (plan) plans.push(plan);
    results.push(result);
    options.onResult?.(result);
  }
  return { plans, results };
}

async function rollbackOne(
  context: DeploymentContext,
  request: ReturnRequest & { name: string },
  options: ReturnOptions,
): Promise<{ plan?: ReturnPlan; result: DeploymentResult }> {
  const { project, name } = request;
  const subject = { project, name, version: '' };
  const { stage, signal } = options;
  if (stage.hosts.length === 0)
    return { result: failure(subject, errors.SERVICE_NO_HOSTS({ stage: stage.name })) };
  let members: Passage['members'] = [];
  try {
    members = await openMembers(context, stage, project);
    const reach = reachOf(context, options, project);
    const { hosts, backups } = await lookAt(members, reach, signal);
    const held = await heldOf(context, request.name, hosts[0]?.releases ?? []);
    const way = planReturn(request, stage.name, hosts, { backups, held, targets: context.targets });
    const make = (one: ReturnPlan): Returning => {
      const passage: Returning = {
        way: one,
        anew: deployAnew(project, context.targets['deploy-vps'], stage.name, one.to.version),
        goesBack: true,
        setting: settingFor(context, stage, one, options.given ?? {}),
        members,
        reach,
        ...beginning(context, hosts),
        outside: { checks: [], ask: async () => 'none', before: new Set() },
        record: () => recordReturn(context, passage),
      };
      return passage;
    };
    if (!way) {
      const early = nothing(subject, stage, hosts[0]?.truth.current ?? '');
      const known = options.dryRun ? [] : await recordBelated(context, request, stage, hosts, make);
      return {
        result: known.length === 0 ? early : { ...early, line: `${early.line}\n${known.join('\n')}` },
      };
    }
    const passage = make(way);
    if (options.dryRun) return { plan: way, result: planned(subject, passage) };
    await context.records.ready();
    return { plan: way, result: await carry(context, passage, options) };
  } catch (error) {
    return { result: failure(subject, error, { outcome: 'unchanged' }) };
  } finally {
    await closeMembers(members);
  }
}

/** Why each of these releases' versions is held, by version. */
async function heldOf(
  { source }: DeploymentContext,
  name: string,
  releases: FoundRelease[],
): Promise<Map<string, string>> {
  const versions = [...new Set(releases.map(({ manifest }) => manifest.version))];
  const reasons = await Promise.all(versions.map((version) => source.hold(name, version)));
  return new Map(versions.flatMap((version, i) => (reasons[i] === undefined ? [] : [[version, reasons[i]]])));
}

function nothing(subject: Subject, stage: ServiceStage, current: string): DeploymentResult {
  const line = `${subject.project} in ${stage.name} is at ${current}, where it was taken back to before: nothing to do. To go back further: --to=<release>`;
  return { ...subject, success: true, status: 'nothing', reached: [], line, outcome: 'nothing' };
}
type Subject = { project: string; name: string; version: string };

function planned(subject: Subject, passage: Returning): DeploymentResult {
  return { ...subject, success: true, status: 'planned', reached: [], line: describe(passage, true) };
}

function settingFor(
  context: DeploymentContext,
  stage: ServiceStage,
  { project, to, restores }: ReturnPlan,
  given: Record<string, string>,
): Setting {
  return {
    stage,
    service: project,
    run: context.run,
    owner: context.owner,
    release: to,
    files: {},
    accessories: false,
    variables: restores === undefined ? {} : passwordsFor(context, stage, to, given),
    needMb: 0,
    oneWay: restores !== undefined,
    backups: stage.backups,
  };
}

/** A restore needs the databases' passwords; nothing else of a rollback is taken from where the deployer is. */
function passwordsFor(
  { env }: DeploymentContext,
  stage: ServiceStage,
  { project, databases }: ReleaseManifest,
  given: Record<string, string>,
): Variables {
  const names = [...new Set(databases.map(({ passwordVariable }) => passwordVariable))];
  const values = names.map((name) => [name, given[name] ?? env[name] ?? ''] as const);
  const missing = values.filter(([, value]) => value === '').map(([name]) => name);
  if (missing.length > 0) throw errors.VARIABLE_MISSING({ project, stage: stage.name, names: missing });
  return Object.fromEntries(values.map(([name, value]) => [name, new Secret(value)]));
}

/** Going back, as a person reads it aloud: on all hosts at once, for what serves is what is bad. */
const table: Row<Returning>[] = [
  lock,
  {
    title: 'maintenance page',
    when: ({ way, setting }) => way.restores !== undefined && setting.stage.proxy !== 'none',
    run: async (passage, signal) => {
      passage.page = true;
      await phaseOn(passage, passage.members, 'maintenance', signal, { page: 'on' });
    },
  },
  { title: 'backup', when: ({ way }) => way.restores !== undefined, run: backup },
  { title: 'pull', run: pull },
  {
    title: 'restore',
    when: ({ way }) => way.restores !== undefined,
    run: restore,
  },
  {
    title: 'start',
    run: async (passage, signal) => {
      for (const member of passage.members) member.changed = true;
      // Its folder is there; network, volumes and proxy may not be any more.
      await phaseOn(passage, passage.members, 'prepare', signal);
      await phaseOn(passage, passage.members, 'start', signal);
    },
  },
  {
    title: 'health',
    run: async (passage, signal) => void (await phaseOn(passage, passage.members, 'health', signal)),
  },
  {
    title: 'switch',
    run: async (passage, signal) => void (await phaseOn(passage, passage.members, 'switch', signal)),
  },
  { title: 'verify', run: (passage, signal) => verifyOn(passage, passage.members, signal, { look: true }) },
  finish,
  {
    title: 'end of maintenance',
    // Also for the page that an earlier rollback had to leave.
    when: ({ setting }) => setting.stage.proxy !== 'none',
    pastReturn: true,
    run: async (passage) => {
      await phaseOn(passage, passage.members, 'maintenance', undefined, { page: 'off' });
      passage.page = false;
    },
  },
  { title: 'record', asks: true, pastReturn: true, run: async (passage) => passage.record() },
  prune,
  unlock,
];
const rows = table.map(measured);

async function pull(passage: Returning, signal: AbortSignal): Promise<void> {
  const { to, project } = passage.way;
  try {
    await phaseOn(passage, passage.members, 'pull', signal);
  } catch (thrown) {
    if (
      !(thrown instanceof SluiceError) ||
      thrown.transient ||
      signal.aborted ||
      thrown.code.startsWith('LOCK_')
    )
      throw thrown;
    const host = String(thrown.details['host'] ?? passage.members[0]?.name);
    throw errors.RELEASE_GONE(
      { project, release: to.release, host, what: 'its image', next: passage.anew },
      { cause: thrown, details: thrown.details },
    );
  }
}

async function restore(passage: Returning, signal: AbortSignal): Promise<void> {
  const { restores: file = '', data } = passage.way;
  const said = `the ${data.includes('databases') ? 'database was' : 'volumes were'} restored from ${file}`;
  try {
    await phaseOn(passage, [leaderOf(passage)], 'restore', signal, { file, data });
    passage.oneWay = said;
  } catch (thrown) {
    // A restore that fails has swapped nothing; of one that nobody heard the end of, nobody knows.
    const lost =
      thrown instanceof SluiceError && ['CONNECTION_LOST', 'HOST_UNREACHABLE'].includes(thrown.code);
    if (lost) passage.oneWay = `perhaps ${said}`;
    throw thrown;
  }
}

async function carry(
  context: DeploymentContext,
  passage: Returning,
  { signal, onEvent }: ReturnOptions,
): Promise<DeploymentResult> {
  const outcomes = await runRows<Returning>({
    rows,
    subjects: [{ id: passage.way.project, after: [], context: passage }],
    ...(signal ? { signal } : {}),
    ...(onEvent ? { onEvent } : {}),
  });
  const outcome = outcomes.get(passage.way.project);
  if (!outcome) throw new TypeError('the rollback has no outcome');
  return conclude(context, passage, outcome, {
    line: () => describe(passage, false),
    succeeded: () =>
      tell(context, passage, 'rolled-back', { outcome: 'deployed', to: passage.way.to.release }),
  });
}

/**
 * Writes down a return whose deployer was stopped between the hosts' last word and its own: the ledger still says that a newer
 * release serves, which lies on the hosts as one that was left. Returns what to say of it.
 */
async function recordBelated(
  context: DeploymentContext,
  request: ReturnRequest & { name: string },
  stage: ServiceStage,
  hosts: HostNow[],
  make: (way: ReturnPlan) => Returning,
): Promise<string[]> {
  const [leader] = hosts;
  const to = leader && currentOf(leader);
  if (!to || hosts.some(({ truth }) => truth.current !== to.release)) return [];
  let said: string[] = [];
  const problem = await context.records.write((state) => {
    const last = state.running(stage.name, request.name)?.record.release;
    const left = leader.releases.find(({ manifest }) => manifest.release === last)?.manifest;
    if (!left || left.release <= to.release) return [];
    const { project, reason = 'rolled back' } = request;
    const passage = make({ project, stage: stage.name, left, to, data: [], reason });
    passage.before = new Map(passage.members.map(({ name }) => [name, left]));
    said = [`  the ledger did not know of it, and does now: ${to.release}`];
    const held = left.digest === to.digest || state.hold(left.name, left.version) !== undefined;
    return returnedRecords(passage, left, { reason, held });
  });
  if (!problem) return said;
  const { message } = problem;
  throw errors.DEPLOY_NOT_RECORDED(
    { project: request.project, stage: stage.name, release: to.release, why: message },
    { cause: problem },
  );
}

async function recordReturn(context: DeploymentContext, passage: Returning): Promise<void> {
  const { left, reason, restores, to } = passage.way;
  const problem = await context.records.write((state) =>
    returnedRecords(passage, left, {
      reason,
      ...(restores === undefined ? {} : { restored: restores }),
      held: left.digest === to.digest || state.hold(left.name, left.version) !== undefined,
    }),
  );
  if (problem) throw notRecorded(passage, problem);
}

function describe({ way, members, backup: saved }: Returning, would: boolean): string {
  const { project, stage, left, to, restores, data } = way;
  const where = members.length === 1 ? members[0]?.name : `${members.length} hosts`;
  const release = `${to.release} (${to.version})`;
  return [
    left.release === to.release
      ? `${project} in ${stage} ${would ? 'would stay' : 'stayed'} at ${release} on ${where}, with its data of then`
      : `${project} in ${stage} ${would ? 'would go' : 'went'} back from ${left.release} (${left.version}) to ${release} on ${where}`,
    ...(left.digest === to.digest
      ? []
      : [
          `  ${left.version} ${would ? 'would be' : 'is'} held: nothing promotes or deploys it until npx sluice unhold ${left.name} ${left.version} --reason "..."`,
        ]),
    ...(data.includes('databases') ? [] : ['  the databases stay as they are']),
    ...(restores === undefined
      ? []
      : [
          `  the ${data.join(' and the ')} ${would ? 'would be' : 'were'} restored from ${restores}; what they replaced is kept${saved ? `, and saved in ${saved}` : ''}`,
        ]),
  ].join('\n');
}
