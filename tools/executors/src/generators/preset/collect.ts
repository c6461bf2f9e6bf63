import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Path -> text. */
export type Files = Record<string, string>;

const TAKEN = [
  'libs',
  'apps',
  '.editorconfig',
  '.gitignore',
  '.npmrc',
  '.prettierrc.json',
  '.prettierignore',
  '.sluice/allowed_signers',
  'LICENSE',
  'nx.json',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
];

/** The template's own files, without the plugin's sources and what is about these. */
export function collected(root: string): Files {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...TAKEN],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const files = listed.split('\0').filter(Boolean).sort();
  return Object.fromEntries(
    files.map((file) => [file, withoutPlugin(file, readFileSync(join(root, file), 'utf8'))]),
  );
}

/** For the package of the plugin, which holds the files as one. */
export function writeTemplate(root: string, to: string): void {
  writeFileSync(to, `${JSON.stringify(collected(root))}\n`);
}

type Json = Record<string, any>;
const SCHEMA = 'tools/executors/src/service/service.schema.json';

/** A file as it is where the plugin is installed, and not a project beside the others. */
function withoutPlugin(file: string, text: string): string {
  const change = (edit: (json: Json) => Json) =>
    `${JSON.stringify(edit(JSON.parse(text) as Json), null, 2)}\n`;
  if (file === 'package.json') return change(rootManifest);
  if (file === 'tsconfig.json')
    return change((json) => ({
      ...json,
      references: json['references'].filter((one: { path: string }) => !one.path.startsWith('./tools/')),
    }));
  if (file === 'tsconfig.base.json')
    return change(({ compilerOptions: { customConditions: _, ...compilerOptions }, ...json }) => ({
      ...json,
      compilerOptions,
    }));
  if (file.endsWith('ignore')) return text.replaceAll(/^(tools|bench)\/.*\n/gm, '');
  // The guide is not part of a workspace, and stands in the plugin's repository.
  if (file.endsWith('.md')) return text.replaceAll(/\[([^\]]+)\]\((?:\.\.\/)+docs\/[^)]*\)/g, '$1');
  return text.replaceAll(SCHEMA, 'node_modules/@sluice/nx/dist/service/service.schema.json');
}

const TOOLS = ['@nx/devkit', '@nx/js', '@types/node', 'nx', 'prettier', 'typescript', 'verdaccio', 'vitest'];

function rootManifest({ devDependencies, optionalDependencies, overrides, allowScripts }: Json): Json {
  return {
    name: 'workspace',
    version: '0.0.0',
    private: true,
    type: 'module',
    workspaces: ['libs/*', 'apps/*'],
    scripts: {
      test: 'vitest run',
      typecheck: 'nx run-many -t typecheck api-check',
      format: 'prettier --write .',
      'format:check': 'prettier --check .',
    },
    devDependencies: Object.fromEntries(TOOLS.map((name) => [name, devDependencies[name]])),
    optionalDependencies,
    overrides,
    allowScripts,
  };
}
