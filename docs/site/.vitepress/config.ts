import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitepress';
import { slug } from '../../../tools/scripts/docs/slug.ts';
import { onSite } from '../../../tools/scripts/site/addresses.ts';
import { chaptersOf } from '../../../tools/scripts/site/contents.ts';
import { picture } from './picture.ts';

const pages = resolve(import.meta.dirname, '../pages');
const chapters = chaptersOf(readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8'));

/** Address of a page of the repository on the site. */
const address = (file: string): string => `/${onSite(file) ?? ''}`.replace(/(index)?\.md$/, '');

const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0d72a5"/><path d="M3 5h10M3 8h7M3 11h4" stroke="#fff" stroke-width="2"/></svg>',
)}`;

export default defineConfig({
  title: 'Sluice',
  description: 'Builds once, and moves exactly those bytes, stage by stage, to the people who use them.',
  lang: 'en',
  head: [['link', { rel: 'icon', href: ICON }]],
  srcDir: pages,
  outDir: resolve(import.meta.dirname, '../dist'),
  cacheDir: resolve(import.meta.dirname, '../cache'),
  ignoreDeadLinks: false,
  // The landing page of the default theme has no main part.
  transformHtml: (html) => html.replace('class="VPContent is-home', 'role="main" class="VPContent is-home'),
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // No page needs HTML: what looks like it is a placeholder, such as <stage>. Nor does one need attributes in braces.
    html: false,
    attrs: { disable: true },
    // Anchors are those of GitHub, so that a link holds there and here.
    anchor: { slugify: slug },
    config: (md) => {
      const { fence } = md.renderer.rules;
      let pictures = 0;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info = '', content = '' } = tokens[index] ?? {};
        if (info === 'mermaid') return picture(content, `picture-${(pictures += 1)}`);
        if (info === 'error-index') return '<ErrorIndex />';
        return fence?.(tokens, index, ...rest) ?? '';
      };
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    externalLinkIcon: true,
    nav: [
      { text: 'Start', link: '/introduction' },
      { text: 'Concepts', link: '/concepts' },
      { text: 'How to', link: '/how-to/add-a-stage' },
      { text: 'Options', link: '/reference/options' },
      { text: 'Errors', link: '/reference/errors/' },
    ],
    // The decisions are listed on the page of all pages: here they would be half of the list.
    sidebar: chapters
      .filter(({ title }) => title !== 'Decisions')
      .map(({ title, pages: listed }) => ({
        text: title,
        items: listed
          .filter(({ file }) => onSite(file) !== undefined)
          .map(({ title: text, file, anchor }) => ({ text, link: `${address(file)}${anchor}` })),
      })),
  },
});
