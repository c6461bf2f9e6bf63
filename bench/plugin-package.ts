import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, ROOT } from './commands.ts';

const PLUGIN = join(ROOT, 'tools', 'executors');
/** Besides `dist`, what the package's own `files` name. */
const SHIPPED = ['package.json', 'executors.json', 'generators.json', 'bin', 'templates'];

let made: string | undefined;

/** A folder with the plugin as it is published (compiled JavaScript, no sources); made once, removed at the end. */
export async function pluginPackage(): Promise<string> {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-plugin-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const compile = [
    '-p',
    join(PLUGIN, 'tsconfig.lib.json'),
    '--outDir',
    join(folder, 'dist'),
    '--incremental',
    'false',
  ];
  const { exit, output } = await runCommand(
    [
      process.execPath,
      join(ROOT, 'node_modules', '.bin', 'tsc'),
      ...compile,
      '--composite',
      'false',
      '--tsBuildInfoFile',
      'null',
    ],
    { cwd: ROOT, env: process.env, budgetMs: 120_000 },
  );
  if (exit !== 0) throw new Error(`the plugin does not compile:\n${output}`);
  copyData(join(PLUGIN, 'src'), join(folder, 'dist'));
  for (const entry of SHIPPED) {
    if (existsSync(join(PLUGIN, entry)))
      cpSync(join(PLUGIN, entry), join(folder, entry), { recursive: true });
  }
  return (made = folder);
}

/** What stands beside the sources and is read at run time: schemas. */
function copyData(from: string, to: string): void {
  for (const path of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.json')) cpSync(join(from, path), join(to, path));
  }
}
