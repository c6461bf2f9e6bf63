import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { NxWorkspace } from '../nx-workspace.ts';
import { Reader } from './reader.ts';
import { STORIES, type Story } from './stories.ts';
import { tell, type Circumstances } from './tell.ts';

/** Packages on the registries of this machine; each page goes on in the workspace that the one before left. */
describe('the docs, told with packages', { timeout: 600_000 }, () => {
  let workspace: NxWorkspace;
  let reader: Reader;
  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
    reader = new Reader(workspace.root, join(workspace.folder, 'desk'), workspace.env);
  });
  afterAll(() => workspace.close());

  const circumstances: Record<string, () => Circumstances> = {
    'README.md': () => ({
      // The plugin is no package of the prepared workspace: to compile it would be most of the time.
      otherwise: (shown) => (shown.startsWith('@sluice/nx@') ? '' : shown.replace(', @sluice/nx@0.1.0', '')),
    }),
    'docs/guide/gates.md': () => {
      copyFileSync(join(workspace.folder, 'rita_ed25519'), join(reader.home, '.ssh/id_ed25519'));
      workspace.git('config', 'gpg.format', 'ssh');
      workspace.git('config', 'user.signingkey', join(reader.home, '.ssh/id_ed25519'));
      return {
        keys: { 'npx sluice approve public': { answers: [{ asked: /\[y\/N\]/, keys: 'y\r' }] } },
      };
    },
    'docs/guide/board.md': () => ({ keys: { 'npx nx board': { until: /http:\/\/127\.0\.0\.1:\d+/ } } }),
    'docs/guide/release.md': () => {
      workspace.change('units', 'feat(units): the gross');
      const publish = { answers: [{ asked: /publish these versions\?/i, keys: 'y\r' }] };
      return {
        keys: { 'npx nx release': publish, 'npx nx release prerelease --preid=beta': publish },
      };
    },
  };

  it.each(STORIES.packages as Story[])('$page $under', (story) => {
    reader.sitIn(workspace.root);
    return tell(story, reader, circumstances[story.page]?.());
  });
});
