import type { NxJsonConfiguration, Tree } from '@nx/devkit';
import { formatFiles, logger, readNxJson } from '@nx/devkit';
import { PLUGIN, registeredOptions, withOptions, writeNxJson } from '../generators/nx-json.ts';
import { parseOptions } from '../pipeline/index.ts';

/** In the first schema there were packages alone, so `stages` and `store` stood at the top. */
const OF_PACKAGES = ['stages', 'store'] as const;
const SYNC = '@sluice/nx:sync-workflows';

type Raw = Record<string, unknown>;

/** The worked example of a migration: the options of the first schema as those of the second. What is of the second already stays. */
export default async function migrate(tree: Tree): Promise<void> {
  const before = readNxJson(tree);
  const options = before && registeredOptions(before);
  if (!before || !options) return;
  const after = migrated(before, options);
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  writeNxJson(tree, after);
  await formatFiles(tree);
  logger.info(
    'Sluice: nx.json has the options of the second schema now; look at the difference, and commit it.',
  );
}

/** nx.json as the second schema has it. @throws CONFIG_INVALID where the options were wrong before */
export function migrated(nxJson: NxJsonConfiguration, options: Raw): NxJsonConfiguration {
  const second = secondOptions(options);
  parseOptions(second);
  const named = {
    ...nxJson,
    // A bare name has no entry that Nx could load.
    plugins: (nxJson.plugins ?? []).map((entry) =>
      typeof entry === 'string'
        ? entry === '@sluice/nx'
          ? PLUGIN
          : entry
        : { ...entry, plugin: entry.plugin === '@sluice/nx' ? PLUGIN : entry.plugin },
    ),
  };
  const registered = withOptions(named, second);
  const sync = registered.sync?.globalGenerators ?? [];
  return second['workflows'] && !sync.includes(SYNC)
    ? { ...registered, sync: { ...registered.sync, globalGenerators: [...sync, SYNC] } }
    : registered;
}

function secondOptions(options: Raw): Raw {
  const moved = OF_PACKAGES.filter((key) => options[key] !== undefined);
  if (moved.length === 0) return options;
  const rest = Object.fromEntries(Object.entries(options).filter(([key]) => !moved.includes(key as never)));
  const packages = Object.fromEntries(moved.map((key) => [key, options[key]]));
  // Who began to write the second schema by hand meant that.
  return { ...rest, packages: { ...packages, ...(rest['packages'] as Raw | undefined) } };
}
