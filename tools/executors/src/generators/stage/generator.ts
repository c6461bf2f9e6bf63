import type { Tree } from '@nx/devkit';
import { formatFiles, logger, readNxJson, updateNxJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { parseOptions, targetConfigurations } from '../../pipeline/index.ts';
import { explained, registeredOptions, withOptions } from '../nx-json.ts';
import { withStage, type StageSchema } from './change.ts';

/** Adds or changes a stage. nx.json is written only when all of its options are right. */
export default async function stage(
  tree: Tree,
  schema: StageSchema & { skipFormat?: boolean },
): Promise<void> {
  await explained(async () => {
    const nxJson = readNxJson(tree) ?? {};
    const registered = registeredOptions(nxJson);
    if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
    const options = withStage(registered, schema);
    const names = targetConfigurations(parseOptions(options));
    updateNxJson(tree, withOptions(nxJson, options));
    if (!schema.skipFormat) await formatFiles(tree);
    logger.info(
      `Sluice: stages ${names.join(' -> ')}. A gate counts as nx.json stands on the default branch.`,
    );
  });
}
