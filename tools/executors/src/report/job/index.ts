import { appendFile } from 'node:fs/promises';
import { redact, type SluiceError } from '../../foundation/index.ts';
import type { PromotionPlan } from '../../promotion/types.ts';
import { annotation } from '../notifications/github.ts';

export { planMarkdown, statusMarkdown } from './markdown.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Adds Markdown to the summary of the job; nothing outside of GitHub Actions. */
export async function toSummary(env: Env, markdown: string): Promise<void> {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file) await appendFile(file, redact(markdown));
}

/** Hands values to the jobs behind this one. A value is one line. */
export async function toOutputs(env: Env, values: Record<string, string>): Promise<void> {
  const file = env['GITHUB_OUTPUT'];
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value.replaceAll(/\s+/g, ' ')}\n`);
  if (file) await appendFile(file, redact(lines.join('')));
}

/** An error where GitHub shows it: on top of the run, and beside the job; undefined outside of GitHub Actions. */
export function annotationOf(
  env: Env,
  error: SluiceError | { code: string; text: string },
): string | undefined {
  if (env['GITHUB_ACTIONS'] !== 'true') return undefined;
  const text = 'text' in error ? error.text : error.format();
  return redact(annotation('error', error.code, text));
}

/** What the plan would move, each with its bytes: what people are shown, and what may be done once they have agreed. */
export function itemsOf({ items }: PromotionPlan): string[] {
  return items
    .filter(({ action }) => action === 'promote')
    .map(({ name, version, integrity }) => `${name}@${version}=${integrity}`);
}

/** What workflows ask of a plan. */
export function planOutputs(plan: PromotionPlan): { waiting: string; open: string; items: string } {
  const moving = plan.items.filter(({ action }) => action === 'promote');
  return {
    waiting: String(moving.length > 0),
    open: String(moving.every(({ gate }) => gate?.open !== false)),
    items: itemsOf(plan).join(' '),
  };
}
