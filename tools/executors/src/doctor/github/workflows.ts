import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsOf } from '../../workflows/index.ts';
import { ok, problem, unchecked } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check } from '../types.ts';

/** Whether the workflows are as the stages in nx.json say; asks the generator of `nx sync` itself, which writes to a tree in memory. */
export function workflowsCheck({ context }: Patient): Check {
  return {
    room: 'github',
    title: 'workflows in sync',
    limitMs: 60_000,
    run: async () => {
      if (!settingsOf(context.options))
        return unchecked('nx.json does not turn them on ("workflows")', 'docs/github.md tells how');
      const [{ FsTree }, { default: syncWorkflows }] = await Promise.all([
        import('nx/src/generators/tree.js'),
        import('../../generators/sync-workflows/generator.ts'),
      ]);
      const tree = new FsTree(context.workspaceRoot, false);
      await syncWorkflows(tree);
      const changed: string[] = [];
      for (const { path, type, content } of tree.listChanges()) {
        const before = await readFile(join(context.workspaceRoot, path)).catch(() => undefined);
        if (type === 'DELETE' || !before || !content?.equals(before)) changed.push(path);
      }
      return changed.length === 0
        ? ok('as the stages in nx.json say')
        : problem(
            `not as the stages in nx.json say: ${changed.join(', ')}`,
            'npx nx sync (and commit what it writes)',
          );
    },
  };
}
