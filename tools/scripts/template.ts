// npm run template: what `create-nx-workspace --preset=@sluice/nx` writes, from this very workspace, for the package of the plugin.
import { join } from 'node:path';
import { writeTemplate } from '../executors/src/generators/preset/collect.ts';

const root = join(import.meta.dirname, '../..');
writeTemplate(root, join(root, 'tools/executors/templates/workspace.json'));
