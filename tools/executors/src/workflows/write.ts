import { Document, isScalar, Scalar, visit, type Node, type Pair } from 'yaml';
import { slot, keptParts, withKept } from './kept.ts';
import type { Action, Job, Step, Workflow } from './types.ts';

const HEAD = `Written by \`npx nx sync\` from the stages in nx.json. Yours to change are the parts between "# sluice:yours <place>" and
"# sluice:end"; they survive. Places: "<job>/before" (steps before ours), "<job>/after" (steps after ours), "jobs" (whole jobs).`;

/** Whether a file was written by us; others are never touched. */
export const isOurs = (text: string): boolean => text.startsWith('# Written by `npx nx sync`');

/**
 * The text of a workflow, in the form in which prettier leaves it.
 * @param runsOn label of the runner
 * @param before the file as it stands; its hand-made parts are kept
 * @throws WORKFLOW_MARKS, WORKFLOW_PLACE_GONE
 */
export function writeWorkflow(workflow: Workflow, runsOn: string, before = ''): string {
  const { file, name, on, env, concurrency, jobs } = workflow;
  const document = new Document(
    {
      name,
      on,
      permissions: {},
      ...(concurrency ? { concurrency } : {}),
      ...(env ? { env } : {}),
      jobs: {
        ...Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, jobOf(id, job, runsOn)])),
        [slot('jobs')]: null,
      },
    },
    // An anchor would be shorter, and GitHub's own tools do not all read it.
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = comment(`${HEAD}\n\n${workflow.about}`);
  spaced(document);
  for (const [event, audit] of Object.entries(workflow.ignore ?? {})) {
    const pair = pairAt(document, ['on', event]);
    if (pair) (pair.key as Node).commentBefore = ` zizmor: ignore[${audit}]`;
  }
  for (const [id, { about }] of Object.entries(jobs)) {
    const pair = pairAt(document, ['jobs', id]);
    if (about && pair) (pair.key as Node).commentBefore = comment(about);
  }
  visit(document, {
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === 'uses' && isScalar(pair.value)) pinned(pair.value);
      if (isScalar(pair.value) && typeof pair.value.value === 'string' && pair.value.value.includes('\n'))
        pair.value.type = Scalar.BLOCK_LITERAL;
    },
  });
  const text = document.toString({ lineWidth: 0, singleQuote: true, indentSeq: true });
  return `${withKept(file, text, keptParts(file, before)).trimEnd()}\n`;
}

function jobOf(id: string, job: Job, runsOn: string): Record<string, unknown> {
  const { needs, environment, permissions, concurrency, timeout, outputs, env, steps } = job;
  return {
    name: job.name,
    ...(needs ? { needs } : {}),
    ...(job.if ? { if: expression(job.if) } : {}),
    'runs-on': runsOn,
    ...(environment === undefined ? {} : { environment }),
    permissions,
    ...(concurrency ? { concurrency } : {}),
    ...(timeout === undefined ? {} : { 'timeout-minutes': timeout }),
    ...(outputs ? { outputs } : {}),
    ...(env ? { env } : {}),
    steps: [...withSlot(steps.map(stepOf), id)],
  };
}

/** Steps of one's own come when the workspace is installed, and after everything of ours. */
function withSlot(steps: Record<string, unknown>[], id: string): unknown[] {
  const installed = steps.findIndex(({ run }) => run === 'npm ci') + 1;
  return [...steps.slice(0, installed), slot(`${id}/before`), ...steps.slice(installed), slot(`${id}/after`)];
}

function stepOf(step: Step): Record<string, unknown> {
  const { name, id, if: when, uses, with: inputs, run, shell, env } = step;
  return {
    ...(name ? { name } : {}),
    ...(id ? { id } : {}),
    ...(when ? { if: expression(when) } : {}),
    ...(step['continue-on-error'] ? { 'continue-on-error': true } : {}),
    ...(uses ? { uses: reference(uses) } : {}),
    ...(inputs ? { with: inputs } : {}),
    ...(shell ? { shell } : {}),
    ...(run === undefined ? {} : { run: run.includes('\n') ? `${run}\n` : run }),
    ...(env && Object.keys(env).length > 0 ? { env } : {}),
  };
}

/** A condition that begins with `!` would be a tag of YAML. */
const expression = (text: string): string => (text.startsWith('!') ? `\${{ ${text} }}` : text);

const reference = ({ name, commit, version }: Action): string => `${name}@${commit} # ${version}`;

/** The version stands in a comment, where tools that keep actions up to date look for it. */
function pinned(value: Scalar): void {
  const [used = '', version] = String(value.value).split(' # ');
  value.value = used;
  if (version) value.comment = ` ${version}`;
}

const comment = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : ` ${line}`))
    .join('\n');

/** A blank line above each part of the file, and above each job. */
function spaced(document: Document): void {
  for (const path of [[], ['jobs']]) {
    const map = document.getIn(path, true) as { items?: Pair[] } | undefined;
    map?.items?.forEach((pair, i) => {
      if (i > 0 || path.length === 0) (pair.key as Node).spaceBefore = i > 0;
    });
  }
}

function pairAt(document: Document, [parent, key]: [string, string]): Pair | undefined {
  const map = document.get(parent, true) as { items?: Pair[] } | undefined;
  return map?.items?.find((pair) => isScalar(pair.key) && pair.key.value === key);
}
