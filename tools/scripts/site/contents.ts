import { linkedFile } from './addresses.ts';

export interface Chapter {
  title: string;
  /** Paths in the repository. */
  pages: { title: string; file: string; anchor: string }[];
}

/** The chapters of docs/README.md, with the pages that each links to: what the site shows at its side, in this order. */
export function chaptersOf(readme: string): Chapter[] {
  return readme
    .split(/^## /m)
    .slice(1)
    .map((chapter) => ({
      title: /^.*/.exec(chapter)?.[0].trim() ?? '',
      pages: [...chapter.matchAll(/\[([^\]]+)\]\(([^)#:\s]+\.md)(#[^)\s]+)?\)/g)].map(
        ([, title = '', path = '', anchor = '']) => ({
          title: sentence(title.replaceAll('`', '')),
          file: linkedFile('docs/README.md', path),
          anchor,
        }),
      ),
    }));
}

// A name that is written small keeps its letter: `sluice.json`.
const sentence = (text: string): string =>
  /^\w+\.\w/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
