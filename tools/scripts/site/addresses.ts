import { posix } from 'node:path';

const MOVED: Record<string, string> = {
  'README.md': 'introduction.md',
  'CONTRIBUTING.md': 'contributing.md',
  'docs/README.md': 'contents.md',
  'docs/reference/errors.md': 'reference/errors/index.md',
};

/** Where a page of the repository stands on the site; undefined where the site does not have it. */
export function onSite(file: string): string | undefined {
  return MOVED[file] ?? /^docs\/(?!site\/)(.+\.md)$/.exec(file)?.[1];
}

/** The file of the repository that a page links to. */
export const linkedFile = (page: string, path: string): string =>
  posix.join(posix.dirname(page), decodeURI(path));

/**
 * The text of a page with its links as they are on the site. What the site does not have is the file in the repository, and each error has a page.
 * @param sourceUrl the address of a file of the repository
 */
export function withSiteLinks(page: string, text: string, sourceUrl: (file: string) => string): string {
  const from = posix.dirname(onSite(page) ?? page);
  return text.replaceAll(/\]\(([^)#:\s]+)(#[^)\s]*)?\)/g, (_, path: string, anchor = '') => {
    const file = linkedFile(page, path);
    const place = onSite(file);
    if (place === undefined) return `](${sourceUrl(file)}${anchor})`;
    const code = file === 'docs/reference/errors.md' ? anchor.slice(1).toUpperCase() : '';
    if (code !== '') return `](${posix.relative(from, `reference/errors/${code}`)}/)`;
    return `](${posix.relative(from, place)}${anchor})`;
  });
}
