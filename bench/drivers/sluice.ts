import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, runCommand, toolEnv } from '../commands.ts';
import type { Outcome } from '../commands.ts';
import { NX, startDaemon, stopDaemon } from '../daemon.ts';
import { pluginPackage } from '../plugin-package.ts';
import { placeModule } from '../workspace.ts';
import { commandDriver } from './command.ts';
import type { Driver, Operation, Run } from './types.ts';

const RUN_MANY = [...NX, 'run-many'];
const STAGES = [
  { name: 'first', kind: 'verdaccio' },
  { name: 'second', kind: 'verdaccio' },
];
const FILES = {
  'nx.json': `${JSON.stringify({
    neverConnectToCloud: true,
    analytics: false,
    plugins: [{ plugin: '@sluice/nx/plugin', options: { packages: { stages: STAGES } } }],
  })}\n`,
};

/** The stages' addresses and tokens. Publishing goes into the first stage, promoting from there into the second. */
function stageEnv({ source, target }: Run): Record<string, string> {
  return {
    SLUICE_FIRST_REGISTRY: source.url,
    SLUICE_FIRST_TOKEN: source.token,
    SLUICE_SECOND_REGISTRY: target.url,
    SLUICE_SECOND_TOKEN: target.token,
  };
}

/** An empty ledger, every artifact built, and for a promotion all of them published into the first stage. */
async function prepare(run: Run, operation: Operation): Promise<void> {
  const { tree } = run.workspace;
  placeModule(run.workspace, '@sluice/nx', await pluginPackage());
  rmSync(join(tree, '.sluice'), { recursive: true, force: true });
  await mustRun([...RUN_MANY, '-t', 'build'], tree, toolEnv(run.home, stageEnv(run)));
  if (operation === 'promote') await runEngine(run, 'publish');
}

/** The artifacts that were built here: their bytes are what has to arrive. */
async function built({
  workspace,
  packages,
}: Run): Promise<{ name: string; version: string; integrity: string }[]> {
  return packages.map(({ name, version }) => {
    const file = join(workspace.tree, 'dist', 'artifacts', name, 'artifact.json');
    return {
      name,
      version,
      integrity: (JSON.parse(readFileSync(file, 'utf8')) as { integrity: string }).integrity,
    };
  });
}

/** The engine in a process of its own, which measures itself: everything that the executor does, without Nx around it. */
async function runEngine(run: Run, operation: Operation): Promise<Outcome> {
  const outcome = await runCommand(
    ['node', join(import.meta.dirname, 'engine-process.ts'), operation, ...run.packages.map((p) => p.name)],
    {
      cwd: run.workspace.tree,
      env: toolEnv(run.home, stageEnv(run)),
      budgetMs: run.budgetMs,
      ...(run.onStart ? { onStart: run.onStart } : {}),
    },
  );
  const measured = /^engine: (\d+(?:\.\d+)?) ms$/m.exec(outcome.output)?.[1];
  if (outcome.exit === 0 && measured === undefined)
    throw new Error(`the engine told no time:\n${outcome.output}`);
  return measured === undefined ? outcome : { ...outcome, ms: Number(measured) };
}

const common = (
  operation: Operation,
): Pick<Driver, 'operation' | 'files' | 'ownSource' | 'prepare' | 'expected'> => ({
  operation,
  files: FILES,
  ownSource: true,
  prepare: (run) => prepare(run, operation),
  expected: built,
});

function engine(operation: Operation): Driver {
  return {
    ...common(operation),
    id: 'engine',
    title: `sluice's engine, ${operation}, without Nx`,
    role: 'engine',
    again: true,
    run: (run) => runEngine(run, operation),
  };
}

const whole = (operation: Operation, ...args: string[]): Driver =>
  commandDriver({
    ...common(operation),
    id: 'us',
    title: `nx run-many ${args.join(' ')}`,
    role: 'us',
    argv: () => [...RUN_MANY, ...args],
    env: stageEnv,
  });

/** The other tools pack while they publish; this is our time with that work in it. */
const unbuilt = commandDriver({
  ...common('publish'),
  id: 'us-unbuilt',
  title: 'nx run-many -t publish-registry, nothing built yet',
  role: 'variant',
  again: false,
  prepare: async (run) => {
    await prepare(run, 'publish');
    for (const path of ['dist', '.nx/cache'])
      rmSync(join(run.workspace.tree, path), { recursive: true, force: true });
  },
  argv: () => [...RUN_MANY, '-t', 'publish-registry', '--skip-nx-cache'],
  env: stageEnv,
});

/** With Nx's daemon running, as on a developer's machine. */
const withDaemon = (operation: Operation, ...args: string[]): Driver =>
  commandDriver({
    ...common(operation),
    id: 'us-daemon',
    title: `nx run-many ${args.join(' ')}, daemon on`,
    role: 'variant',
    prepare: async (run) => {
      await prepare(run, operation);
      await startDaemon(run.workspace.tree, toolEnv(run.home, stageEnv(run)));
    },
    argv: () => [...RUN_MANY, ...args],
    env: (run) => ({ ...stageEnv(run), NX_DAEMON: 'true' }),
    finish: (run) => stopDaemon(run.workspace.tree),
  });

export const sluice: Driver[] = [
  engine('publish'),
  engine('promote'),
  whole('publish', '-t', 'publish-registry'),
  whole('promote', '-t', 'promote', '-c', 'second'),
  withDaemon('publish', '-t', 'publish-registry'),
  withDaemon('promote', '-t', 'promote', '-c', 'second'),
  unbuilt,
];
