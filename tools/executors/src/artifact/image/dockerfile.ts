import { errors } from '../../foundation/index.ts';

/** One instruction of a Dockerfile, its continuation lines joined. */
export interface Instruction {
  /** Upper case. */
  keyword: string;
  /** All behind the keyword, without what a here-document holds. */
  rest: string;
  /** Its lines in the file, from 0, both included. */
  first: number;
  last: number;
}

const HEREDOC = /(?:^|\s)\d*<<(-?)(['"]?)([A-Za-z_]\w*)\2(?=[\s;&|>)]|$)/g;

/** The instructions of a Dockerfile by its own rules: escape directive, comments, continuation lines, here-documents. */
export function instructions(text: string): Instruction[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escape = escapeOf(lines);
  const continued = escape === '`' ? /`[ \t]*$/ : /\\[ \t]*$/;
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (isNothing(lines[at] ?? '')) continue;
    const first = at;
    let joined = '';
    for (; at < lines.length; at += 1) {
      const line = lines[at] ?? '';
      // Within an instruction, comments and empty lines are passed over.
      if (joined !== '' && isNothing(line)) continue;
      joined += line.replace(continued, '');
      if (!continued.test(line)) break;
    }
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s*(.*)$/s.exec(joined) ?? [];
    const upper = keyword.toUpperCase();
    if (/^(RUN|COPY|ADD)$/.test(upper)) at = endOfHeredocs(lines, at, rest);
    found.push({ keyword: upper, rest: rest.trim(), first, last: Math.min(at, lines.length - 1) });
  }
  return found;
}

const isNothing = (line: string): boolean => /^\s*(#.*)?$/.test(line);

function escapeOf(lines: string[]): string {
  for (const line of lines) {
    const directive = /^#\s*([A-Za-z]+)\s*=\s*(\S.*?)\s*$/.exec(line);
    if (!directive) return '\\';
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] ?? '\\';
  }
  return '\\';
}

/** The line on which the last here-document of an instruction ends; one that never ends is none. */
function endOfHeredocs(lines: string[], at: number, rest: string): number {
  let end = at;
  for (const [, dash, , name] of rest.matchAll(HEREDOC)) {
    const strip = dash === '-' ? /^\t+/ : /^/;
    const closing = lines.findIndex((line, i) => i > end && line.replace(strip, '') === name);
    if (closing === -1) return end;
    end = closing;
  }
  return end;
}

/** `--flag=value` words in front, and the words behind them. */
export function flagsOf(rest: string): { flags: string[]; words: string[] } {
  const words = rest.split(/\s+/).filter(Boolean);
  const count = words.findIndex((word) => !word.startsWith('--'));
  return count === -1
    ? { flags: words, words: [] }
    : { flags: words.slice(0, count), words: words.slice(count) };
}

/**
 * Takes what an ARG says into the variables that are known: what was given wins over its default. Quotes are taken off, and
 * variables are put in unless they stand in single quotes.
 */
export function takeArgs(
  rest: string,
  known: Map<string, string>,
  given: Readonly<Record<string, string>>,
): void {
  for (const [, name = '', value] of rest.matchAll(/([A-Za-z_]\w*)(?:=("(?:[^"\\]|\\.)*"|'[^']*'|\S*))?/g)) {
    const normal = value?.startsWith("'")
      ? value.slice(1, -1)
      : value && expand(value.replace(/^"(.*)"$/s, '$1'), known);
    const takes = given[name] ?? normal;
    if (takes !== undefined) known.set(name, takes);
  }
}

/** A word with its variables put in, as FROM and ARG allow them: `$X`, `${X}`, `${X:-else}`, `${X:+then}`. */
export function expand(word: string, known: ReadonlyMap<string, string>): string {
  return word.replace(
    /\\(.)|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])((?:[^{}]|\$\{[^{}]*\})*))?\})/g,
    (_, escaped: string | undefined, plain?: string, braced?: string, how?: string, other?: string) => {
      if (escaped !== undefined) return escaped;
      const value = known.get(plain ?? braced ?? '');
      const has = how?.startsWith(':') ? Boolean(value) : value !== undefined;
      if (how?.endsWith('-')) return has ? (value ?? '') : expand(other ?? '', known);
      if (how?.endsWith('+')) return has ? expand(other ?? '', known) : '';
      return value ?? '';
    },
  );
}

export const invalid = (file: string, line: number, problem: string): Error =>
  errors.DOCKERFILE_INVALID({ file, line: line + 1, problem });
