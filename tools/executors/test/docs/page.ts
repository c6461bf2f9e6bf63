import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const WORKSPACE = join(import.meta.dirname, '../../../..');

/** A `sh` block of a page. */
export interface Block {
  /** The heading above it, of whatever level. */
  under: string;
  commands: Command[];
  /** Lines of the `text` block that shows its output; empty where there is none. */
  shows: string[];
}

/** One line to type; an `if` or a loop is one, too. */
export interface Command {
  line: number;
  /** Without the comment behind it. */
  text: string;
  /** How the page says that it ends: an exit code, the code of an error, or neither. */
  ends?: number | string;
}

const FENCE = /^\s*```(\w*)/;
const COMMENT = /(?:^|\s+)#\s+(.*)$/;
const ERROR = /\b[A-Z]+(?:_[A-Z]+)+\b/;

export const blocksIn = (page: string): Block[] => blocksOf(readFileSync(join(WORKSPACE, page), 'utf8'));

/** The `sh` blocks of Markdown in order, each with the output that is shown behind it, before another block or heading. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let under = '';
  let fence: string | undefined;
  let last: Block | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const mark = FENCE.exec(text);
    if (mark && fence !== undefined) {
      if (fence !== 'sh') last = undefined;
      fence = undefined;
    } else if (mark) {
      fence = mark[1] ?? '';
      if (fence === 'sh') blocks.push((last = { under, commands: [], shows: [] }));
    } else if (fence === 'sh') {
      const command = commandOf(text.trim(), index + 1);
      const before = last?.commands.at(-1);
      if (command && before && isOpen(before.text)) before.text += `\n${command.text}`;
      else if (command) last?.commands.push(command);
    } else if (fence === 'text') last?.shows.push(text);
    else if (fence === undefined && /^#+ /.test(text)) {
      under = text.replace(/^#+ /, '');
      last = undefined;
    }
  }
  return blocks;
}

/** An `if` or a loop that goes on in the next line, as everything does behind a backslash. */
const isOpen = (text: string): boolean =>
  text.endsWith('\\') || (/^(?:if|for|while) /.test(text) && !/(?:^|[\n;] *)(?:fi|done)$/.test(text));

function commandOf(typed: string, line: number): Command | undefined {
  const remark = COMMENT.exec(typed)?.[1] ?? '';
  const text = typed.replace(COMMENT, '').trim();
  if (text === '') return undefined;
  const code = /exit code (\d+)/.exec(remark)?.[1];
  const error = ERROR.exec(remark)?.[0];
  return { line, text, ...(code ? { ends: Number(code) } : error ? { ends: error } : {}) };
}

/**
 * A line that a page shows as output, as a pattern: what differs from run to run (times, hashes, identifiers, sizes, counts) may be
 * anything of its kind, and versions are as they stand there. Undefined for lines that leave something out.
 */
export function patternOf(shown: string): RegExp | undefined {
  const line = shown.trim().replace(/\s+/g, ' ');
  if (line === '' || /^(?:\.\.\.|…)$|^[- ]+$/.test(line)) return undefined;
  const source = line.replaceAll(VARYING, (part) => `\0${kindOf(part)}\0`).split('\0');
  // Each second piece is a pattern already.
  return new RegExp(source.map((piece, at) => (at % 2 ? piece : literal(piece))).join(''));
}

const VARYING =
  /\.\.\.|…|sha512-[\w+/]+|\b(?:sha-)?[0-9a-f]{12,}\b|(?<![0-9a-z])\d{8}T\d{6}Z?(?:-[0-9a-f]+)?|\b\d+\.\d+\.\d+\b|\(?\b\d+ (?:second|minute|hour|day)s?\b|\b\d+(?:\.\d+)? k?[BMs]+\b|\b\d+\b/g;

function kindOf(part: string): string {
  if (/^\d+\.\d+\.\d+$/.test(part)) return literal(part);
  if (part === '...' || part === '…') return '.*';
  if (part.startsWith('sha512-')) return String.raw`sha512-[\w+/=]+`;
  if (part.startsWith('sha-')) return String.raw`sha-[0-9a-f]+`;
  if (/^\d{8}T/.test(part)) return String.raw`\d{8}T\d{6}Z?(?:-[0-9a-f]+)?`;
  if (/^[0-9a-f]{12,}$/.test(part)) return '[0-9a-f]+';
  if (/ (?:second|minute|hour|day)/.test(part)) return String.raw`\(?\d+ \w+`;
  if (/[Bs]$/.test(part)) return String.raw`[\d.]+ \w+`;
  return String.raw`\d+`;
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
