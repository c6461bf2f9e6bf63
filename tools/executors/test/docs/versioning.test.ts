import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { NxWorkspace } from '../nx-workspace.ts';
import { Reader } from './reader.ts';
import { STORIES, type Story } from './stories.ts';
import { tell, type Circumstances } from './tell.ts';

const DOWN = '\u001b[B';

/** The versioning tools, one after the other, in one workspace with a remote; its stages have no gates. */
describe('the docs, told with versioning tools', { timeout: 600_000 }, () => {
  let workspace: NxWorkspace;
  let reader: Reader;
  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
    reader = new Reader(workspace.root, join(workspace.folder, 'desk'), {
      ...workspace.env,
      // From source there is no compiled plugin.
      NODE_OPTIONS: '--conditions=@sluice/source',
    });
    workspace.addRemote();
    workspace.openGates();
    write('libs/units/.releaserc.json', {
      branches: ['main'],
      tagFormat: `units@\${version}`,
      plugins: ['@sluice/nx/semantic-release'],
    });
    write('libs/units/.release-it.json', { plugins: { '@sluice/nx/release-it': {} } });
    workspace.commit('chore: stages without gates');
    workspace.change('units', 'feat(units): dozens');
  });
  afterAll(() => workspace.close());

  const write = (file: string, content: object) =>
    writeFileSync(join(workspace.root, file), JSON.stringify(content));
  const use = (versioning: string) => {
    workspace.json('nx.json', (nx) => {
      for (const { options } of nx['plugins']) if (options?.packages) options.versioning = versioning;
      return nx;
    });
    workspace.commit(`chore: ${versioning} says the versions`);
    workspace.git('push', '--quiet', '--follow-tags', 'origin', 'HEAD');
  };
  const addChangeset = (project: string) => {
    const text = `---\n'@acme/${project}': patch\n---\n\nMore of it\n`;
    writeFileSync(join(workspace.root, `.changeset/more-${project}.md`), text);
    workspace.commit('docs: a changeset');
  };

  const circumstances: Record<string, () => Circumstances> = {
    Switching: () => ({}),
    changesets: () => ({
      keys: {
        'npx changeset': {
          answers: [
            // The first lines name groups.
            { asked: /Which packages were affected/, keys: `${DOWN}${DOWN} \r` },
            { asked: /major .* bump/, keys: '\r' },
            { asked: /minor .* bump/, keys: ' \r' },
            { asked: /summary for this change/, keys: 'Levels have names\r' },
          ],
        },
      },
      before: {
        'npx changeset': () => workspace.commit('chore: changesets say the versions'),
        'npx sluice release': () => workspace.commit('docs: a changeset'),
        'npx changeset version && git commit -am "Version Packages" && npx sluice release': () =>
          addChangeset('logger'),
      },
    }),
    'docs/how-to/from-changesets.md': () => {
      addChangeset('invoice');
      return {};
    },
    'semantic-release': () => {
      use('semantic-release');
      return {};
    },
    'release-it': () => {
      use('release-it');
      workspace.change('units', 'fix(units): once more');
      return {
        keys: {
          'npx release-it': {
            answers: [
              { asked: /Select increment/, keys: '\r' },
              { asked: /into the first stage\? \(Y\/n\)/, keys: 'y\r' },
              { asked: /Push the commit and the tag\? \(Y\/n\)/, keys: 'y\r' },
            ],
          },
        },
        before: { 'npx release-it minor --ci': () => workspace.change('units', 'feat(units): more') },
      };
    },
  };

  it.each(STORIES.versioning as Story[])('$page $under', (story) => {
    reader.sitIn(workspace.root);
    return tell(story, reader, circumstances[story.under?.[0] ?? story.page]?.());
  });
});
