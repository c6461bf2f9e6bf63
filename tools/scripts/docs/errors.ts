import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../executors/src/foundation/catalogue.ts';
import { asSluiceError, type SluiceError } from '../../executors/src/foundation/errors.ts';
import { sampleOf } from './error-samples.ts';
import { code, heading, sentence } from './markdown.ts';

/** The errors of one room of the catalogue, with the names of their parameters where values would stand. */
export interface ErrorRoom {
  title: string;
  errors: SluiceError[];
}

/** Every error that `sluice` can end with, in the order of the catalogue. */
export async function errorRooms(workspace: string): Promise<ErrorRoom[]> {
  const source = await readFile(join(workspace, 'tools/executors/src/foundation/catalogue.ts'), 'utf8');
  const made = new Map(
    Object.entries(errors).map(([name, make]) => [
      name,
      (make as (p: unknown) => SluiceError)(sampleOf(name)),
    ]),
  );
  return [
    ...sectionsOf(source).map(({ title, codes }) => ({
      title: sentence(title),
      errors: codes.flatMap((name) => made.get(name) ?? []),
    })),
    { title: 'Anything else', errors: [asSluiceError(new Error('<message>'))] },
  ];
}

/** The page of the repository: every error with its exit code and its text. On the site each has a page of its own. */
export async function errorsPage(workspace: string): Promise<string> {
  return [
    heading('Errors', 'tools/executors/src/foundation/catalogue.ts'),
    ERRORS_INTRODUCTION,
    'The frequent ones have a page: [Troubleshooting](../guide/troubleshooting.md).',
    ...(await errorRooms(workspace)).flatMap(({ title, errors: entries }) => [
      `## ${title}`,
      ...entries.flatMap(entry),
    ]),
  ].join('\n\n');
}

export const ERRORS_INTRODUCTION = [
  'Every error has a code, says what happened, what state things are in now, and what to type next. `<...>` stands for a value.',
  'The exit code is that of `sluice`; under Nx it is some other number than 0. What nobody foresaw keeps its own message, as `UNEXPECTED`.',
].join('\n');

function entry(error: SluiceError): string[] {
  return [`### ${code(error.code)}`, `Exit code ${error.exit}.`, '```text\n' + error.format() + '\n```'];
}

/** Rooms of the catalogue, which it parts by a line of comment, with their codes. */
function sectionsOf(source: string): { title: string; codes: string[] }[] {
  const found: { title: string; codes: string[] }[] = [];
  for (const line of source.split('\n')) {
    const title = /^ {2}\/\/ ── (.+?) ─+$/.exec(line)?.[1];
    const name = /^ {2}([A-Z0-9_]+): \{$/.exec(line)?.[1];
    const last = found.findLast((one) => title === undefined || one.title === title);
    if (title !== undefined && !last) found.push({ title, codes: [] });
    if (name !== undefined) last?.codes.push(name);
  }
  return found;
}
