import { getProjects, logger, readJson, writeJson, type Tree } from '@nx/devkit';
import { openRepository } from '../../git/index.ts';
import { SERVICE_FILE } from '../../service/index.ts';
import { FILES, FOLDER, isOurs } from '../../workflows/index.ts';

/** The other name of a stage in what the services say about it, and in the places of hand-made parts of workflows. */
export function renameInFiles(tree: Tree, from: string, to: string): void {
  for (const { root } of getProjects(tree).values())
    renameInService(tree, `${root}/${SERVICE_FILE}`, from, to);
  for (const name of FILES) {
    const file = `${FOLDER}/${name}`;
    const text = tree.read(file, 'utf8');
    if (text !== null && isOurs(text)) tree.write(file, renamedPlaces(text, from, to));
  }
}

function renameInService(tree: Tree, file: string, from: string, to: string): void {
  if (!tree.exists(file)) return;
  const config = readJson<{ stages?: Record<string, unknown> }>(tree, file);
  if (!config.stages || !Object.hasOwn(config.stages, from)) return;
  const stages = Object.entries(config.stages).map(([name, one]) => [name === from ? to : name, one]);
  writeJson(tree, file, { ...config, stages: Object.fromEntries(stages) as Record<string, unknown> });
}

/** Jobs are named after stages: `deploy-staging/after`. The parts go with their job. */
export function renamedPlaces(text: string, from: string, to: string): string {
  const inJob = new RegExp(`(^|-)${from}(?=-|$)`, 'g');
  return text.replaceAll(
    /^(\s*# sluice:yours )([^\s/]+)(\S*)/gm,
    (_, mark: string, job: string, rest: string) => `${mark}${job.replaceAll(inJob, `$1${to}`)}${rest}`,
  );
}

/** Whether this clone knows a ledger: then something may stand in the stage under its name. */
export async function knowsLedger(root: string, branch: string): Promise<boolean> {
  const refs = await openRepository(root)
    .then((repository) => repository.run(['for-each-ref', '--format=%(refname)']))
    .catch(() => '');
  return refs.split('\n').some((ref) => ref.startsWith('refs/') && ref.endsWith(`/${branch}`));
}

/** What goes on under the old name, where it was used. */
export function tellRenamed(pipeline: 'packages' | 'services', from: string, to: string): void {
  logger.warn(
    pipeline === 'services'
      ? `Sluice: hosts keep what was deployed to "${from}", its containers and volumes too, under that name; "${to}" begins empty there, and in the ledger`
      : `Sluice: the ledger keeps what entered "${from}" under that name; publish or promote into "${to}" once more: equal bytes are recorded and not sent again`,
  );
}
