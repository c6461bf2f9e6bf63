import { updateNxJson, type NxJsonConfiguration, type Tree } from '@nx/devkit';
import { applyEdits, modify, parse, type JSONPath } from 'jsonc-parser';
import { isDeepStrictEqual } from 'node:util';
import { asSluiceError, errors } from '../foundation/index.ts';
import { parseOptions } from '../pipeline/index.ts';
import type { SluiceOptions } from '../pipeline/types.ts';

/** What nx.json names: the entry point itself, because Nx does not look for a local plugin's source behind a bare name. */
export const PLUGIN = '@sluice/nx/plugin';
const NAMES = new Set<string>([PLUGIN, '@sluice/nx']);

/** The raw options of our entry in `plugins`; undefined where the plugin is not registered. */
export function registeredOptions(nxJson: NxJsonConfiguration): Record<string, unknown> | undefined {
  for (const entry of nxJson.plugins ?? []) {
    const { plugin, options } = typeof entry === 'string' ? { plugin: entry, options: {} } : entry;
    if (NAMES.has(plugin)) return (options ?? {}) as Record<string, unknown>;
  }
  return undefined;
}

/** nx.json with other options for our plugin, which is added at the end where it is not registered. */
export function withOptions(
  nxJson: NxJsonConfiguration,
  options: Record<string, unknown>,
): NxJsonConfiguration {
  const plugins = [...(nxJson.plugins ?? [])];
  const at = plugins.findIndex((entry) => NAMES.has(typeof entry === 'string' ? entry : entry.plugin));
  const old = plugins[at];
  plugins[at === -1 ? plugins.length : at] = {
    ...(typeof old === 'object' ? old : {}),
    plugin: typeof old === 'object' ? old.plugin : (old ?? PLUGIN),
    options,
  };
  return { ...nxJson, plugins };
}

/**
 * The options as a generator would write them. Where they are wrong, so is what the person said to the generator: nx.json is well.
 * @throws OPTIONS_REFUSED; CONFIG_INVALID where nx.json is wrong already
 */
export function parseWanted(
  wanted: Record<string, unknown>,
  registered?: Record<string, unknown>,
): SluiceOptions {
  if (registered) parseOptions(registered);
  try {
    return parseOptions(wanted);
  } catch (cause) {
    const [, ...problems] = asSluiceError(cause).message.split('\n');
    throw errors.OPTIONS_REFUSED({ problems }, { cause });
  }
}

/** Writes nx.json as it shall be, and leaves what stays the same as somebody wrote it: layout, order and comments. */
export function writeNxJson(tree: Tree, wanted: NxJsonConfiguration): void {
  const text = tree.read('nx.json', 'utf8') ?? '';
  const before = parse(text) as NxJsonConfiguration | undefined;
  // What comes from the extended file is not in this one; and what a program wrote has no layout that somebody meant.
  if (!before || before.extends !== undefined || isPlain(text, before)) return updateNxJson(tree, wanted);
  let edited = text;
  for (const { path, value, insert } of differences(before, JSON.parse(JSON.stringify(wanted)), [])) {
    // Unformatted: the formatter would take the neighbours along. Prettier does it afterwards, where the workspace has it.
    const options = insert ? { isArrayInsertion: true } : {};
    edited = applyEdits(edited, modify(edited, path, value, options));
  }
  tree.write('nx.json', edited);
}

/** Whether a text is as JSON.stringify writes it: where there is no Prettier, what is put into it is laid out the same way. */
const isPlain = (text: string, value: object): boolean =>
  [undefined, 2].some((indent) => text.trim() === JSON.stringify(value, undefined, indent));

interface Difference {
  path: JSONPath;
  /** Undefined where it goes. */
  value: unknown;
  /** Between others of a list. */
  insert?: boolean;
}

/** In an order in which they can be made one after the other. */
function differences(before: unknown, after: unknown, path: JSONPath): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], [...path, name]));
  }
  if (!Array.isArray(before) || !Array.isArray(after)) return [{ path, value: after }];
  if (before.length === after.length)
    return after.flatMap((value, at) => differences(before[at], value, [...path, at]));
  const first = after.findIndex((value, at) => !isDeepStrictEqual(value, before[at]));
  const at = first === -1 ? after.length : first;
  if (isDeepStrictEqual(after.toSpliced(at, 1), before))
    return [{ path: [...path, at], value: after[at], insert: true }];
  if (isDeepStrictEqual(before.toSpliced(at, 1), after)) return [{ path: [...path, at], value: undefined }];
  return [{ path, value: after }];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Nx prints the message of what a generator throws: with the state and the next command, as everywhere. */
export async function explained<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asSluiceError(thrown);
    if (error.code === 'UNEXPECTED') throw thrown;
    throw Object.assign(new Error(error.format(), { cause: thrown }), { code: error.code });
  }
}
