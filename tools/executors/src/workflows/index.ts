import { approve } from './approve.ts';
import { ci } from './ci.ts';
import { deploy } from './deploy.ts';
import { drift } from './drift.ts';
import { release } from './release.ts';
import { rollback } from './rollback.ts';
import { settingsOf } from './settings.ts';
import type { Workflow, WorkflowInput } from './types.ts';
import { writeWorkflow } from './write.ts';

export { environmentsOf, type UsedEnvironment } from './environments.ts';
export { isOurs } from './write.ts';
export { settingsOf, type Settings } from './settings.ts';
export type { Workflow, WorkflowInput } from './types.ts';

/** Folder of the workflows, relative to the repository's root. */
export const FOLDER = '.github/workflows';
/** All files that are ours, whether these options ask for them or not. */
export const FILES = ['ci.yml', 'release.yml', 'deploy.yml', 'rollback.yml', 'drift.yml', 'approve.yml'];

/** The workflows that the options ask for; none where they are not turned on. */
export function workflowsOf(input: WorkflowInput): Workflow[] {
  if (!settingsOf(input.options)) return [];
  return [ci, release, deploy, rollback, drift, approve].flatMap((make) => make(input) ?? []);
}

/**
 * File name -> text, ready to be written.
 * @param before the text that a file has now; its hand-made parts are kept
 * @throws WORKFLOW_MARKS, WORKFLOW_PLACE_GONE
 */
export function workflowFiles(
  input: WorkflowInput,
  before: (file: string) => string | undefined = () => undefined,
): Map<string, string> {
  const runsOn = settingsOf(input.options)?.runsOn ?? '';
  return new Map(
    workflowsOf(input).map((workflow) => [
      workflow.file,
      writeWorkflow(workflow, runsOn, before(workflow.file) ?? ''),
    ]),
  );
}
