import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeTemplate } from '../src/generators/preset/collect.ts';
import type { TestVerdaccio } from '../src/testing/verdaccio.ts';

const HERE = join(import.meta.dirname, '..');
const TSC = join(HERE, '../../node_modules/typescript/bin/tsc');

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
}

/** What a person's own shell would not have: what npm, vitest and Nx tell their children, and this repository's tools. */
const OURS =
  /^(npm_(?!config_)|npm_config_(local_prefix|workspace|include_workspace)|NX_|SLUICE_|VITEST|NODE_(ENV|OPTIONS|PATH)$)/;
const PATH = [
  dirname(process.execPath),
  ...(process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules')),
].join(delimiter);

/** A person's own environment. Nx neither keeps a daemon nor draws. */
export function ownEnvironment(): Record<string, string | undefined> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
  return { ...inherited, PATH, NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: '0', CI: 'true' };
}

/** Runs a command to its end; its exit code is the caller's to judge. */
export async function run(file: string, args: string[], { cwd, env = {} }: RunOptions): Promise<Ran> {
  return promisify(execFile)(file, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 4 * 60_000,
    env: { ...ownEnvironment(), ...env },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Partial<Ran> & { message: string }) => ({
      code: typeof error.code === 'number' ? error.code : 1,
      stdout: error.stdout ?? '',
      stderr: error.stderr ?? error.message,
    }),
  );
}

/** The same, where anything but success is an error that shows the output. */
export async function must(file: string, args: string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * The plugin as it is published, in a folder of its own: compiled by its own tsconfig (types are checked elsewhere), with
 * the files that package.json names. The checkout's `dist` is not touched.
 */
export async function stagePlugin(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const emit = [
    '--noCheck',
    '--composite',
    'false',
    '--incremental',
    'false',
    '--outDir',
    join(folder, 'dist'),
  ];
  await must(
    process.execPath,
    [TSC, '-p', join(HERE, 'tsconfig.lib.json'), '--tsBuildInfoFile', 'null', ...emit],
    { cwd: HERE },
  );
  const page = join(folder, 'board/dist');
  await must(process.execPath, [join(HERE, '../scripts/board.ts'), page], { cwd: HERE });
  for (const part of [
    'bin',
    'templates',
    'src/host/phases',
    'package.json',
    'executors.json',
    'generators.json',
    'migrations.json',
    'README.md',
    'LICENSE',
  ]) {
    await cp(join(HERE, part), join(folder, part), { recursive: true });
  }
  writeTemplate(join(HERE, '../..'), join(folder, 'templates/workspace.json'));
}

/** Publishes a staged folder with npm itself. */
export async function publishFolder(folder: string, registry: TestVerdaccio): Promise<void> {
  const npmrc = join(folder, '..', 'publish.npmrc');
  await writeFile(npmrc, `//${new URL(registry.url).host}/:_authToken=${await registry.token()}\n`);
  await must(
    'npm',
    ['publish', folder, '--registry', registry.url, '--userconfig', npmrc, '--loglevel=error'],
    { cwd: folder },
  );
}
