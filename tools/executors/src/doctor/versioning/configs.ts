import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse as parseJson } from 'jsonc-parser';
import { parse as parseYaml } from 'yaml';

/** What stands in a tool's configuration: data, `code` (which is not run to look at it), or nothing. */
export type Read =
  { file: string; config: Record<string, unknown> } | { file: string; code: true } | undefined;

const ENDINGS = ['', '.json', '.yaml', '.yml', '.js', '.mjs', '.cjs', '.ts', '.toml'];
const isData = (file: string): boolean => !/\.(m?js|cjs|ts|toml)$/.test(file);

/**
 * The configuration that a tool would find in a folder: a file of one of these names, or a field of its package.json.
 * @param names without their endings: `.releaserc`
 */
export async function readConfig(folder: string, names: readonly string[], field: string): Promise<Read> {
  for (const file of names.flatMap((name) => ENDINGS.map((ending) => name + ending))) {
    if (!existsSync(join(folder, file))) continue;
    if (!isData(file)) return { file, code: true };
    return { file, config: asObject(parseYaml(await readFile(join(folder, file), 'utf8'))) };
  }
  const manifest = await readJson(join(folder, 'package.json'));
  const own = manifest?.[field];
  return own === undefined ? undefined : { file: 'package.json', config: asObject(own) };
}

/** A JSON file, with comments or without; undefined where there is none. */
export async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : asObject(parseJson(text));
}

export const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
