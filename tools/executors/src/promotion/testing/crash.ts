import { cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PackageResult } from '../carry.ts';
import { proveAll, type VerifyReport } from '../prove.ts';
import { start, type Command } from './child.ts';
import { STAGES, type Flow, type StageName, type World } from './flow.ts';
import { gitCalls, trapGit, type GitCall } from './git-trap.ts';

/** A moment at which the process is killed: around the nth request of its kind, or around a call of git. */
export type Point = { when: 'before' | 'after'; kind: string } & (
  { stage: StageName; method: string; path: string; nth: number } | { git: GitCall }
);

/** All that is left when a command has ended. */
export interface EndState {
  worlds: World[];
  records: string[];
  findings: VerifyReport['findings'];
  /** Changes in the work tree. */
  status: string;
}

/** One command on one state of the world, to be interrupted again and again. */
export interface Scene {
  /** A workspace as it is before the command; never changed. */
  base: Flow;
  /** The stage that the command changes. */
  stage: StageName;
  command: Command;
  /** The same command in this process. */
  again(flow: Flow): Promise<{ results: PackageResult[] }>;
}

/** The state of the registries' disks, kept to be put back. */
export async function keepStorage(flow: Flow, name: string): Promise<void> {
  for (const stage of STAGES) {
    await rm(kept(flow, stage, name), { recursive: true, force: true });
    await cp(join(flow.storage(stage), '@acme'), kept(flow, stage, name), { recursive: true }).catch(
      () => undefined,
    );
  }
}
async function putBack(flow: Flow, stage: StageName, name: string): Promise<void> {
  await rm(join(flow.storage(stage), '@acme'), { recursive: true, force: true });
  await cp(kept(flow, stage, name), join(flow.storage(stage), '@acme'), { recursive: true }).catch(
    () => undefined,
  );
}
const kept = (flow: Flow, stage: StageName, name: string) =>
  join(flow.storage(stage), `../kept-${name}-${stage}`);

/** Runs the command undisturbed: what it leaves, and every moment at which it could have been killed. */
export async function undisturbed(scene: Scene, keptAs: string): Promise<{ end: EndState; points: Point[] }> {
  await putBack(scene.base, scene.stage, keptAs);
  const flow = await scene.base.copy();
  const folder = await trapGit(join(dirname(flow.root), 'bin'));
  const proxy = flow.proxy(scene.stage);
  const from = proxy.requests.length;
  const ended = await start(flow, scene.command, environment(flow, folder)).ended;
  if (ended.code !== 0) throw new Error(`the undisturbed run failed: ${JSON.stringify(ended)}`);
  const requests = proxy.requests.slice(from).map(({ method, path }) => ({ method, path }));
  const end = await endState(flow);
  const points = [...requestPoints(scene.stage, requests), ...gitPoints(await gitCalls(folder))];
  await rm(dirname(flow.root), { recursive: true, force: true });
  return { end, points };
}

function requestPoints(stage: StageName, requests: { method: string; path: string }[]): Point[] {
  const seen = new Map<string, number>();
  return requests.flatMap(({ method, path }) => {
    const nth = (seen.get(method + path) ?? 0) + 1;
    seen.set(method + path, nth);
    const place = path.includes('/dist-tags/') ? 'tag' : path.endsWith('.tgz') ? 'tarball' : 'packument';
    const kind = `${method} ${place}${nth > 1 ? ` (${nth})` : ''}`;
    return (['before', 'after'] as const).map((when) => ({ when, kind, stage, method, path, nth }));
  });
}

function gitPoints(calls: GitCall[]): Point[] {
  return calls.flatMap((git) =>
    (['before', 'after'] as const).map((when) => ({ when, kind: `git ${git.kind} (${git.nth})`, git })),
  );
}

/**
 * Kills the command at a point, runs it again, and returns the end state.
 * Throws where the point was not met, or the second run did not succeed.
 */
export async function crashAt(scene: Scene, keptAs: string, point: Point): Promise<EndState> {
  await putBack(scene.base, scene.stage, keptAs);
  const flow = await scene.base.copy();
  try {
    await kill(flow, scene, point);
    const { results } = await scene.again(flow);
    const failed = results.filter((result) => !result.success);
    if (failed.length > 0) throw new Error(failed.map((result) => result.line).join('\n'));
    return await endState(flow);
  } finally {
    await rm(dirname(flow.root), { recursive: true, force: true });
  }
}

async function kill(flow: Flow, scene: Scene, point: Point): Promise<void> {
  const at = 'git' in point ? { ...point.git, when: point.when } : undefined;
  const folder = await trapGit(join(dirname(flow.root), 'bin'), at);
  const child = start(flow, scene.command, environment(flow, folder));
  const { rules } = flow.proxy(scene.stage);
  if ('path' in point) {
    const spring = async () => {
      child.process.kill('SIGKILL');
      await child.ended;
    };
    rules.push({
      method: point.method,
      path: new RegExp(`^${RegExp.escape(point.path)}$`),
      after: point.nth - 1,
      fault: { do: 'trap', when: point.when, spring },
    });
  }
  const ended = await child.ended;
  rules.length = 0;
  if (ended.signal !== 'SIGKILL') throw new Error(`was not killed there: ${JSON.stringify(ended)}`);
}

/** The trapped git first, and a folder for temporary files that goes with the copy. */
const environment = (flow: Flow, folder: string) => ({
  PATH: `${folder}:${flow.env['PATH']}`,
  TMPDIR: folder,
});

export async function endState(flow: Flow): Promise<EndState> {
  const { findings } = await flow.with((context) => proveAll(context, {}));
  return {
    worlds: await Promise.all(STAGES.map((stage) => flow.world(stage))),
    records: (await flow.records()).toSorted(),
    findings,
    status: flow.git('status', '--porcelain'),
  };
}

/**
 * One point of every kind, the same for the same seed. Before and after are two kinds where something is changed; a
 * read that is lost is the same either way.
 */
export function sample(points: Point[], seed: number): Point[] {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const kinds = Map.groupBy(points, ({ kind, when }) =>
    /^(GET|git fetch)/.test(kind) ? kind : `${kind} ${when}`,
  );
  return [...kinds.values()].map((all) => all[Math.floor(random() * all.length)] as Point);
}

/** Names a point in a failure's message. */
export const describe = (point: Point) =>
  `${point.when} ${'git' in point ? point.kind : `${point.method} ${point.path} (${point.nth})`}`;
