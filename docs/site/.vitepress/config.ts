import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitepress';

const pages = resolve(import.meta.dirname, '../pages');

const sections: [title: string, folder: string, names: string][] = [
  ['Begin', '', 'concepts github workflows trusted-publishing doctor comparison'],
  [
    'Guide',
    'guide/',
    'stages gates release versioning rollback services deploying rollback-services ledger board ci how-it-works troubleshooting',
  ],
  [
    'How to',
    'how-to/',
    'add-a-stage adopt-a-repository first-publish roll-back-a-package roll-back-a-service lose-a-host rotate-keys from-changesets leave',
  ],
  ['Reference', 'reference/', 'options service executors generators cli errors'],
  ['Contributing', '', 'architecture releasing-sluice benchmarks'],
];

export default defineConfig({
  title: 'Sluice',
  description: 'Builds once, and moves exactly those bytes, stage by stage, to the people who use them.',
  srcDir: pages,
  outDir: resolve(import.meta.dirname, '../dist'),
  cacheDir: resolve(import.meta.dirname, '../cache'),
  rewrites: { 'README.md': 'index.md' },
  ignoreDeadLinks: false,
  // No page needs HTML: what looks like it is a placeholder, such as <stage>. Nor does one need Vue's braces.
  markdown: { html: false, attrs: { disable: true } },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: sections.map(([text, folder, names]) => ({
      text,
      items: names
        .split(' ')
        .filter((name) => existsSync(join(pages, `${folder}${name}.md`)))
        .map((name) => ({ text: name.replaceAll('-', ' '), link: `/${folder}${name}` })),
    })),
  },
});
