/** A command in a page, as the shell would split it. */
export interface Written {
  line: number;
  words: string[];
}

const OURS = /(?:npx (?:nx|sluice)|npm run)(?= |$)/;

/** Every `npx nx ...`, `npx sluice ...` and `npm run ...` in shell blocks and code spans of a page of Markdown. */
export function commandsIn(markdown: string): Written[] {
  const found: Written[] = [];
  let fence: string | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const mark = /^\s*```(\w*)/.exec(text);
    if (mark) {
      fence = fence === undefined ? mark[1] : undefined;
      continue;
    }
    const pieces =
      fence === undefined
        ? [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '')
        : fence === 'sh'
          ? [text]
          : [];
    for (const piece of pieces) {
      for (const words of split(piece.replaceAll('\\|', '|')))
        if (OURS.test(words.slice(0, 2).join(' '))) found.push({ line: index + 1, words });
    }
  }
  return found;
}

/** The commands of a line of shell: comments go, `$(...)` and what stands around it are commands of their own. */
export function split(line: string): string[][] {
  const inner: string[] = [];
  const outer = line.replaceAll(/\$\(([^()]*)\)/g, (_, text: string) => {
    inner.push(text);
    return '<output>';
  });
  const commands: string[][] = [[]];
  for (const [word] of outer.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (word.startsWith('#')) break;
    if (['&&', '||', '|', ';'].includes(word)) commands.push([]);
    else commands.at(-1)?.push(word.replace(/[;,)]$/, ''));
  }
  const withoutVariables = commands.map((words) => {
    const first = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
    return first < 0 ? [] : words.slice(first);
  });
  return [...withoutVariables, ...inner.flatMap(split)].filter((words) => words.length > 0);
}

/** Names of the long options among words, as they are typed. */
export function optionsAmong(words: string[]): string[] {
  return words.filter((word) => /^--[a-zA-Z]/.test(word)).map((word) => word.slice(2).split('=')[0] ?? '');
}

/** An option in the one form that Nx, commander and the schemas share. */
export const camel = (option: string): string =>
  option.replace(/^no-/, '').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
