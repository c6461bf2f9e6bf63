import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';

/** The workspace's configuration of semantic-release, as far as versions depend on it. */
export interface RootConfig {
  branches?: unknown[];
  repositoryUrl?: string;
  plugins?: (string | [string, object?])[];
}

const DATA = ['.releaserc', '.releaserc.json', '.releaserc.yaml', '.releaserc.yml'];
const CODE = ['release.config', '.releaserc'].flatMap((name) =>
  ['.js', '.mjs', '.cjs', '.ts'].map((ending) => name + ending),
);

/** Reads what stands at the root of the workspace, under one of semantic-release's names; empty where nothing does. */
export async function rootConfig(root: string): Promise<RootConfig> {
  const data = DATA.find((file) => existsSync(join(root, file)));
  if (data) return parse(await readFile(join(root, data), 'utf8')) as RootConfig;
  const code = CODE.find((file) => existsSync(join(root, file)));
  if (code) {
    const { default: config } = (await import(pathToFileURL(join(root, code)).href)) as {
      default: RootConfig;
    };
    return config;
  }
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { release?: RootConfig };
  return manifest.release ?? {};
}

/** Those who decide over versions and notes: ours hands its options on to semantic-release's own two. */
const DECIDE = /^@semantic-release\/(commit-analyzer|release-notes-generator)$|sluice\/nx\/semantic-release$/;

/** Options of the plugins that decide over versions and notes (preset, rules, ...), all in one. */
export function analysisOptions({ plugins = [] }: RootConfig): object {
  const named = plugins.map((entry) => (typeof entry === 'string' ? ([entry, {}] as const) : entry));
  return Object.assign(
    {},
    ...named.filter(([name]) => DECIDE.test(name)).map(([, options]) => options ?? {}),
  );
}
