import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { slug } from './slug.ts';

export interface Link {
  /** As it is written, without the anchor; empty for one on the same page. */
  path: string;
  /** Without `#`; undefined where there is none. */
  anchor: string | undefined;
}

const FENCE = /^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2 *$/gm;

/** Links of a page of Markdown to files and headings; not those to other sites, nor what stands in code. */
export function linksOf(text: string): Link[] {
  const prose = text.replaceAll(FENCE, '').replaceAll(/`[^`\n]*`/g, '`');
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
  const reference = [...prose.matchAll(/^ {0,3}\[[^\]]+\]: +<?([^\s>]+)>?/gm)];
  return [...inline, ...reference].flatMap(([, to = '']) => {
    if (/^[a-z][a-z+.-]*:/i.test(to)) return [];
    const [path = '', anchor] = to.split('#', 2);
    return [{ path, anchor }];
  });
}

/** Anchors of the headings of a page of Markdown. */
export function anchorsOf(text: string): Set<string> {
  const taken = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(FENCE, '').matchAll(/^ {0,3}#{1,6} +(.+?)(?: +#+)? *$/gm)) {
    const name = slug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''));
    const times = taken.get(name) ?? 0;
    taken.set(name, times + 1);
    found.add(times === 0 ? name : `${name}-${times}`);
  }
  return found;
}

/** What the pages (paths in the workspace) link to that is not there: `page: link`. */
export function deadLinks(workspace: string, pages: string[]): string[] {
  const anchors = new Map<string, Set<string>>();
  const of = (file: string): Set<string> => {
    const known = anchors.get(file) ?? anchorsOf(readFileSync(file, 'utf8'));
    anchors.set(file, known);
    return known;
  };
  return pages.flatMap((page) => {
    const from = join(workspace, page);
    return linksOf(readFileSync(from, 'utf8')).flatMap(({ path, anchor }) => {
      const file = path === '' ? from : resolve(dirname(from), decodeURI(path));
      const outside = relative(workspace, file).startsWith('..');
      const heading = anchor !== undefined && file.endsWith('.md');
      if (!outside && existsSync(file) && (!heading || of(file).has(anchor))) return [];
      return [`${page}: ${path}${anchor === undefined ? '' : `#${anchor}`}`];
    });
  });
}
