import { code, heading } from './markdown.ts';
import { flagTable, readSchema, type Schema } from './schema.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Listed {
  schema: string;
  description: string;
  hidden?: boolean;
  aliases?: string[];
}

/** Entries of executors.json or generators.json, with the schema that each names as it stands in the sources. */
export async function listed(
  workspace: string,
  file: string,
  key: string,
): Promise<{ name: string; entry: Listed; schema: Schema }[]> {
  const text = await readFile(join(workspace, 'tools/executors', file), 'utf8');
  const entries = (JSON.parse(text) as Record<string, Record<string, Listed>>)[key] ?? {};
  return Promise.all(
    Object.entries(entries).map(async ([name, entry]) => ({
      name,
      entry,
      schema: await readSchema(workspace, entry.schema.replace('./dist/', 'src/')),
    })),
  );
}

const OF_THE_ROOT = new Set(['registries', 'status', 'board', 'verify', 'doctor', 'approve']);
const OF_SERVICES = new Set(['smoke', 'deploy-vps', 'releases']);

function whose(name: string): string {
  if (OF_THE_ROOT.has(name)) return 'Of the workspace root: run it in the root folder.';
  return OF_SERVICES.has(name) ? 'Of every service.' : 'Of every publishable package and every service.';
}

/** Every executor with its options. */
export async function executorsPage(workspace: string): Promise<string> {
  const executors = await listed(workspace, 'executors.json', 'executors');
  return [
    heading('Executors', 'tools/executors/executors.json and the schema of each executor'),
    'The plugin gives every publishable package the targets `build`, `publish-registry`, `nx-release-publish`, `promote` and `rollback`,',
    'every service (a project with a [`sluice.json`](service.md)) `build`, `publish-registry`, `promote`, `smoke`, `deploy-vps`, `rollback` and `releases`,',
    'and the root of the workspace `registries`, `status`, `board`, `verify`, `doctor` and `approve`. Other names can be given by the option',
    '[`targets`](options.md#targets). A stage is named as the configuration: `-c test`, or `money:promote:test`. Nx keeps the option `--version` for itself:',
    'write it behind `--`, as in `npx nx run api:deploy-vps:staging -- --version=sha-0123456789ab`.',
    'Under Nx every failure ends with an exit code that is not 0; the code of the [error](errors.md) stands in the output. The',
    '[command line](cli.md) has exit codes of its own.',
    ...executors.flatMap(({ name, entry, schema }) => [
      `\n## ${code(`@sluice/nx:${name}`)}\n`,
      schema.description ?? entry.description,
      whose(name),
      `\n${flagTable(schema)}\n`,
    ]),
  ].join('\n');
}
