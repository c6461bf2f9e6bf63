export interface Chapter {
  title: string;
  pages: { title: string; page: string }[];
}

/** The chapters of docs/README.md, with the pages that each links to: what the site shows at its side, in this order. */
export function chaptersOf(readme: string): Chapter[] {
  return readme
    .split(/^## /m)
    .slice(1)
    .map((chapter) => ({
      title: /^.*/.exec(chapter)?.[0].trim() ?? '',
      pages: [...chapter.matchAll(/\[([^\]]+)\]\(([\w/-][\w./-]*\.md)\)/g)].map(
        ([, title = '', page = '']) => ({ title: sentence(title.replaceAll('`', '')), page }),
      ),
    }))
    .filter(({ pages }) => pages.length > 0);
}

// A name that is written small keeps its letter: `sluice.json`.
const sentence = (text: string): string =>
  /^\w+\.\w/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
