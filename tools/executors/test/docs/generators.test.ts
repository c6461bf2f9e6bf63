import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { NxWorkspace } from '../nx-workspace.ts';
import { Reader } from './reader.ts';
import { STORIES, type Story } from './stories.ts';
import { tell, type Circumstances } from './tell.ts';

/** A copy of this repository in which nothing was released yet; no registry is asked. */
describe('the docs, told with generators', { timeout: 600_000 }, () => {
  let workspace: NxWorkspace;
  let reader: Reader;
  beforeAll(() => {
    workspace = new NxWorkspace();
    reader = new Reader(workspace.root, join(workspace.folder, 'desk'), workspace.env);
    reader.program('npm', `[ "$1" = install ] || PATH=\${PATH#*:} exec npm "$@"`);
  });
  afterAll(() => workspace.close());

  const circumstances: Record<string, () => Circumstances> = {
    'docs/guide/generators.md': () => {
      const shop = join(workspace.root, 'services/shop');
      mkdirSync(shop, { recursive: true });
      writeFileSync(join(shop, 'Dockerfile'), 'FROM node:26\nEXPOSE 8080\nCMD ["node", "shop.js"]\n');
      return {
        before: {
          'npx nx run money:api-check': async () => {
            // The copy's services are gone, and its workflows do not know.
            await reader.type('npx nx sync');
            const file = join(workspace.root, 'libs/money/src/currency.ts');
            const text = readFileSync(file, 'utf8');
            writeFileSync(
              file,
              text.replace(
                'minorDigits(currency: string)',
                'minorDigits(currency: string, country?: string)',
              ),
            );
          },
        },
        values: {
          // This one's driver is installed here already; from-nothing.hosts.test.ts compiles the other.
          '=postgres': '=mariadb',
          'package money': 'package rates',
        },
      };
    },
    'docs/guide/starting.md': () => {
      workspace.git('clean', '--quiet', '-d', '--force');
      workspace.git('checkout', '--quiet', '.');
      return {};
    },
  };

  it.each(STORIES.generators as Story[])('$page $under', (story) => {
    reader.sitIn(workspace.root);
    return tell(story, reader, circumstances[story.page]?.());
  });
});
