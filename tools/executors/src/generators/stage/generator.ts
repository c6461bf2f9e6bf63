import type { Tree } from '@nx/devkit';
import { formatFiles, logger, readNxJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { targetConfigurations } from '../../pipeline/index.ts';
import { explained, parseWanted, registeredOptions, withOptions, writeNxJson } from '../nx-json.ts';
import syncWorkflows from '../sync-workflows/generator.ts';
import { pipelineOf, withStage, type StageSchema } from './change.ts';
import { knowsLedger, renameInFiles, tellRenamed } from './rename.ts';

/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  /** Whether there is a ledger of that name. */
  hasLedger(branch: string): Promise<boolean>;
}

/**
 * Adds, changes, renames or moves a stage: in nx.json, in what services say about it, and in the workflows. Nothing is written
 * unless all options are right.
 */
export default async function stage(
  tree: Tree,
  schema: StageSchema & { force?: boolean; skipFormat?: boolean },
  around: Surroundings = { hasLedger: (branch) => knowsLedger(tree.root, branch) },
): Promise<void> {
  await explained(async () => {
    const nxJson = readNxJson(tree) ?? {};
    const registered = registeredOptions(nxJson);
    if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
    const options = withStage(registered, schema);
    const parsed = parseWanted(options, registered);
    const { name, rename: to } = schema;
    const renames = to !== undefined && to !== name;
    if (renames && !schema.force && (await around.hasLedger(parsed.ledger.branch)))
      throw errors.STAGE_IN_USE({ stage: name, to });
    writeNxJson(tree, withOptions(nxJson, options));
    if (renames) renameInFiles(tree, name, to);
    await syncWorkflows(tree);
    if (!schema.skipFormat) await formatFiles(tree);
    if (renames) tellRenamed(pipelineOf(registered, schema), name, to);
    logger.info(
      `Sluice: stages ${targetConfigurations(parsed).join(' -> ')}. A gate counts as nx.json stands on the default branch.`,
    );
    if (schema.environment !== undefined || schema.reviewers !== undefined || schema.wait !== undefined)
      logger.info('Sluice: npx nx g @sluice/nx:environments creates or corrects the environments on GitHub.');
  });
}
