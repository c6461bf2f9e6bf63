import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { NxWorkspace } from '../nx-workspace.ts';
import { Reader } from './reader.ts';
import { STORIES } from './stories.ts';
import { tell } from './tell.ts';

/** Packages on the registries of this machine; each page goes on in the workspace that the one before left. */
describe('the docs, told with packages', { timeout: 240_000 }, () => {
  let workspace: NxWorkspace;
  let reader: Reader;
  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
    reader = new Reader(workspace.root, join(workspace.folder, 'desk'), workspace.env);
  });
  afterAll(() => workspace.close());

  it.each(STORIES.packages)('$page', (story) => tell(story, reader));
});
