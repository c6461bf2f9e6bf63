import type { Tree } from '@nx/devkit';
import { formatFiles, getProjects, readNxJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { parseOptions } from '../../pipeline/index.ts';
import { SERVICE_FILE } from '../../service/types.ts';
import {
  FILES,
  FOLDER,
  isOurs,
  settingsOf,
  workflowFiles,
  type WorkflowInput,
} from '../../workflows/index.ts';
import { explained, registeredOptions } from '../nx-json.ts';

/** What Nx takes from a sync generator; shown by `nx sync:check`. */
export interface Synced {
  outOfSyncMessage: string;
}

/** Writes `.github/workflows` from the options; what they do not ask for any more is deleted, where it is ours. */
export default async function syncWorkflows(tree: Tree): Promise<Synced | void> {
  return explained(async () => {
    const registered = registeredOptions(readNxJson(tree) ?? {});
    const options = registered && parseOptions(registered);
    if (!options || !settingsOf(options)) return undefined;
    const text = (file: string) => tree.read(`${FOLDER}/${file}`, 'utf8') ?? undefined;
    const files = workflowFiles({ options, services: servicesOf(tree) }, text);
    for (const file of FILES) {
      const path = `${FOLDER}/${file}`;
      const [before, after] = [text(file), files.get(file)];
      const foreign = before !== undefined && !isOurs(before);
      if (foreign && after !== undefined) throw errors.WORKFLOW_TAKEN({ file: path });
      if (after !== undefined) tree.write(path, after);
      else if (before !== undefined && !foreign) tree.delete(path);
    }
    await formatFiles(tree);
    return { outOfSyncMessage: 'The workflows are not as the stages in nx.json say.' };
  });
}

/** Services with the names of their secrets. What is wrong in a `sluice.json` is for its own commands to say. */
function servicesOf(tree: Tree): WorkflowInput['services'] {
  return [...getProjects(tree)]
    .flatMap(([project, { root }]) => {
      const file = root === '.' ? SERVICE_FILE : `${root}/${SERVICE_FILE}`;
      return tree.exists(file) ? [{ project, secrets: secretsIn(tree.read(file, 'utf8') ?? '') }] : [];
    })
    .sort((a, b) => (a.project < b.project ? -1 : 1));
}

function secretsIn(text: string): string[] {
  try {
    const { secrets } = JSON.parse(text) as { secrets?: unknown };
    const names = Array.isArray(secrets) ? secrets : [];
    return names.filter(
      (name): name is string => typeof name === 'string' && /^[A-Z_][A-Z0-9_]*$/i.test(name),
    );
  } catch {
    return [];
  }
}
