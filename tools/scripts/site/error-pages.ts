import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceError } from '../../executors/src/foundation/errors.ts';
import { errorRooms, ERRORS_INTRODUCTION, type ErrorRoom } from '../docs/errors.ts';
import { onSite } from './addresses.ts';
import { commandsOf } from './commands.ts';
import { placeOf } from './places.ts';

/** A page: its path, and its text. */
export interface Page {
  path: string;
  text: string;
}

const EXIT_CODES = ['done, or nothing to do', 'failed', 'bad input or configuration', 'a gate is closed'];
const CODE_NAME = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g;

/**
 * The pages about errors that only the site has: one for each code, at `reference/errors/<CODE>/`, and their index.
 * @param pages those of the repository, which say more where they speak of a code
 * @param sourceUrl the address of a file of the repository
 */
export async function errorPages(
  workspace: string,
  pages: Page[],
  sourceUrl: (file: string) => string,
): Promise<Page[]> {
  const rooms = await errorRooms(workspace);
  const known = new Set(rooms.flatMap(({ errors }) => errors.map(({ code }) => code)));
  const told = mentions(
    known,
    pages.filter(({ path }) => !path.startsWith('docs/reference/')),
  );
  const raised = mentions(known, sources(workspace));
  const usually = usualCauses(pages.find(({ path }) => path === 'docs/guide/troubleshooting.md')?.text ?? '');
  const more = ({ code }: SluiceError): string[] => [
    ...(usually.get(code) ?? []),
    ...(told.get(code) ?? []).map(
      ({ path, text }) => `- [${titleOf(text)}](../../../${onSite(path)}) speaks of it.`,
    ),
    ...list(
      'In the code: ',
      raised.get(code) ?? [],
      ({ path }) => `[${path}](${sourceUrl(`${SOURCES}/${path}`)})`,
    ),
  ];
  return [
    indexPage(rooms),
    ...rooms.flatMap(({ title, errors }) =>
      errors.map((error) => ({
        path: `reference/errors/${error.code}/index.md`,
        text: errorPage(error, title, more(error)),
      })),
    ),
  ];
}

function errorPage(error: SluiceError, room: string, more: string[]): string {
  const commands = commandsOf(error.next);
  return [
    `---\ndescription: The error ${error.code}, what state things are in then, and what to type.\noutline: false\nprev: false\nnext: false\npageClass: error-page\n---`,
    `# ${error.code}`,
    '## What happened',
    prose(error.message),
    '## What state things are in',
    prose(error.state),
    '## What to type',
    prose(error.next, commands),
    // One block for each: several are often alternatives, and a block is copied as a whole.
    ...commands.map((command) => `\`\`\`sh\n${command}\n\`\`\``),
    '## On the screen',
    '```text\n' + error.format() + '\n```',
    '`<...>` stands for a value.',
    '## More',
    [
      `- Exit code of \`sluice\`: ${error.exit}, ${EXIT_CODES[error.exit]}. Under Nx it is some other number than 0.`,
      `- Comes up in: ${placeOf(room)}.`,
      ...more,
      `- [All errors](../#${anchorOf(room)}) of this part.`,
    ].join('\n'),
  ].join('\n\n');
}

/** The texts of an error are no Markdown, and no template of Vue's. Their first word is a name, or begins a sentence. */
function prose(text: string, commands: string[] = []): string {
  const [first = '', ...others] = text.split('\n').map((line) => line.trim());
  const escaped = (line: string) => line.replaceAll(/[\\`*_[\]<>#|~]/g, '\\$&');
  const sentence = /^[a-z]+(?=[ ,])/.test(first) && commands.every((command) => !first.startsWith(command));
  const paragraph = commands
    .reduce(
      (done, command) => done.replace(escaped(command), () => `\`${command}\``),
      escaped(sentence ? first.charAt(0).toUpperCase() + first.slice(1) : first),
    )
    .replace(/([^.:?!])$/, '$1.');
  const lines = others.filter((line) => line !== '').map((line) => `- ${escaped(line)}`);
  return ['::: v-pre', [paragraph, lines.join('\n')].filter(Boolean).join('\n\n'), ':::'].join('\n');
}

function indexPage(rooms: ErrorRoom[]): Page {
  const data = rooms.map(({ title, errors }) => ({
    title,
    anchor: anchorOf(title),
    errors: errors.map(({ code, exit, message }) => ({
      code,
      exit,
      what: (message.split('\n')[0] ?? '').replace(/:$/, ''),
    })),
  }));
  return {
    path: 'reference/errors/index.md',
    text: [
      // YAML is a superset of JSON.
      `---\nrooms: ${JSON.stringify(data)}\n---`,
      '# Errors',
      ERRORS_INTRODUCTION,
      'The frequent ones have a page: [Troubleshooting](../../guide/troubleshooting.md).',
      '```error-index\n```',
    ].join('\n\n'),
  };
}

export const anchorOf = (room: string): string =>
  room
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
    .replace(/-$/, '');

const SOURCES = 'tools/executors/src';

/** What can raise an error: the sources without tests, fakes, and the catalogue itself. */
function sources(workspace: string): Page[] {
  const cwd = join(workspace, SOURCES);
  return globSync('**/*.{ts,sh}', {
    cwd,
    exclude: ['**/*.test.ts', '**/testing/**', 'foundation/catalogue.ts'],
  })
    .sort()
    .map((path) => {
      const text = readFileSync(join(cwd, path), 'utf8');
      const raises = path.endsWith('.sh') ? /(?:fail|set --) ([A-Z0-9_]+)/g : /errors\.([A-Z0-9_]+)/g;
      return { path, text: [...text.matchAll(raises)].map(([, code]) => code).join(' ') };
    });
}

/** Which of the pages name which code. */
function mentions(known: Set<string>, pages: Page[]): Map<string, Page[]> {
  const found = new Map<string, Page[]>();
  for (const page of pages)
    for (const code of new Set(page.text.match(CODE_NAME)))
      if (known.has(code)) found.set(code, [...(found.get(code) ?? []), page]);
  return found;
}

/** Rows of the tables of the page about troubleshooting: `code | usually means | do`. */
function usualCauses(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, codes = '', means = '', todo = ''] of text.matchAll(/^\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm))
    for (const code of codes.match(CODE_NAME) ?? [])
      found.set(code, [`- Usually: ${outOfGuide(means)}. Do: ${outOfGuide(todo)}.`]);
  return found;
}

/** A cell of a page in guide/, for a page of an error. */
const outOfGuide = (cell: string): string =>
  cell
    .trim()
    .replaceAll('](../', '](../../../')
    .replaceAll(/\]\((?=[a-z][\w-]*\.md)/g, '](../../../guide/');

const list = <T>(begin: string, all: T[], say: (one: T) => string): string[] =>
  all.length > 0 ? [`- ${begin}${all.map(say).join(', ')}`] : [];

const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? '';
