import { afterAll, beforeAll, describe, it } from 'vitest';
import { Platform } from './platform.ts';
import { STORIES, type Story } from './stories.ts';
import { tell, type Circumstances } from './tell.ts';

const PUBLISH = { answers: [{ asked: /publish these versions\?/i, keys: 'y\r' }] };

/** A repository on GitHub, as far as one machine can be it; each page goes on where the one before ended. */
describe('the docs, told in the live profile', { timeout: 600_000 }, () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(() => platform?.close());

  const circumstances: Record<string, () => Circumstances> = {
    'docs/github.md': () => ({
      before: {
        'npx nx sync': () => platform.setUp(),
        'SLUICE_PROFILE=live npx nx doctor': () => platform.refresh(),
      },
    }),
    'README.md': () => ({
      before: { 'npx nx run-many -t promote -c test': () => platform.approve('test') },
      keys: { 'npx nx release && git push': PUBLISH },
    }),
    'docs/how-to/first-publish.md': () => ({
      before: {
        'NPM_TOKEN=… SLUICE_PROFILE=live npx sluice promote public units logger money': () =>
          platform.approve('public'),
      },
      values: { 'NPM_TOKEN=… ': '' },
    }),
    'docs/trusted-publishing.md': () => ({ values: { 'NPM_TOKEN=… ': '' } }),
    'docs/guide/ci.md': () => ({
      before: {
        'npx nx release --yes && git push': () => platform.change(),
        'npx nx affected -t promote -c test --base=$(npx sluice base test)': () => platform.approve('test'),
        'npx nx affected -t promote -c public --base=$(npx sluice base public)': () =>
          platform.approve('public'),
      },
    }),
    'docs/github-releases.md': () => {
      platform.refresh();
      return { values: { ' GITHUB_TOKEN=...': '' } };
    },
    'docs/guide/ledger.md': () => ({
      before: {
        'git log --stat sluice/ledger': () => platform.reader.type('npx nx run logger:publish-registry'),
      },
    }),
    'docs/how-to/rotate-keys.md': () => ({
      keys: {
        'ssh-keygen -t ed25519 -C rita@example.com -f ~/.ssh/sluice_2027': {
          answers: [
            { asked: /passphrase.*:/i, keys: '\r' },
            { asked: /same passphrase.*:/i, keys: '\r' },
          ],
        },
      },
      values: { 'old.pub': `${platform.key('rita@example.com')}.pub` },
    }),
  };

  it.each(STORIES.live as Story[])('$page $under', (story) => {
    if (story !== STORIES.live[0]) platform.reader.sitIn(platform.root);
    return tell(story, platform.reader, circumstances[story.page]?.());
  });
});
