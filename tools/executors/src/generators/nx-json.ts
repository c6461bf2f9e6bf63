import type { NxJsonConfiguration } from '@nx/devkit';
import { asSluiceError } from '../foundation/index.ts';

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
