import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../../src/testing/lab/index.ts';
import { NxWorkspace } from '../nx-workspace.ts';
import { WORKSPACE } from './page.ts';
import { Reader } from './reader.ts';
import { STORIES, type Story } from './stories.ts';
import { tell, type Circumstances } from './tell.ts';

const HOST = 'deploy@www1.example.com';
const API = 'api/production';

/** One service, one stage and one host, whatever names the pages have for them: each deployment more would be ten seconds. */
describeWithHosts('the docs, told with a service and its host', () => {
  let lab: Lab;
  let host: LabHost;
  let workspace: NxWorkspace;
  let reader: Reader;
  let onTheHost: Reader;
  const published: string[] = [];

  beforeAll(async () => {
    lab = await openLab();
    host = await lab.host();
    workspace = new NxWorkspace();
    copyFileSync(join(WORKSPACE, 'apps/api/sluice.json'), join(workspace.root, 'apps/api/sluice.json'));
    workspace.json('apps/api/sluice.json', ({ stages, ...service }) => ({
      ...service,
      stages: { production: stages.staging },
    }));
    workspace.json('nx.json', (nx) => {
      for (const { options } of nx['plugins'])
        if (options?.services)
          options.services = {
            ...options.services,
            stages: [{ name: 'production', hosts: [HOST], bake: '1s' }],
          };
      return nx;
    });
    workspace.commit('chore: one stage with one host');
    workspace.addRemote();
    workspace.git('push', '--quiet', '--set-upstream', 'origin', 'main');

    const config = join(workspace.folder, 'ssh_config');
    writeFileSync(config, `Host www1.example.com\n  HostName ${host.address}\nInclude ${lab.sshConfig}\n`);
    const desk = join(workspace.folder, 'desk');
    reader = new Reader(workspace.root, desk, {
      ...workspace.env,
      DATABASE_PASSWORD: 'password-of-the-lab',
      DATABASE_ROOT_PASSWORD: 'password-of-root',
    });
    reader.program('ssh', `exec /usr/bin/ssh -F '${config}' "$@"`);
    onTheHost = new Reader(
      '.',
      join(workspace.folder, 'other-desk'),
      workspace.env,
      `ssh -F '${config}' ${HOST}`,
    );
  });
  afterAll(async () => {
    await lab?.close();
    await workspace?.close();
  });

  const version = () => `sha-${workspace.git('rev-parse', 'HEAD').slice(0, 12)}`;
  const onDisk = async (command: string) => (await host.ssh(`cd .sluice/${API} && ${command}`)).stdout.trim();
  const current = () => onDisk('cat current');
  const backup = () => onDisk('basename "$(ls backups/*.tar.gz | tail -n 1)" .tar.gz');
  const must = async (line: string) => {
    const { code, out } = await reader.type(line);
    if (code !== 0) throw new Error(out);
  };
  /** Promoted again, so that the stage's tag names it too. */
  const letInAgain = async (held: string | undefined) => {
    await must(`npx sluice unhold api ${held} --reason 'the story goes on'`);
    await must(`npx sluice promote production api --version ${held}`);
  };
  const change = () => {
    appendFileSync(join(workspace.root, 'apps/api/src/main.ts'), '// Once more.\n');
    workspace.commit('feat(api): once more');
    published.push(version());
  };
  const names = (text: string) =>
    text
      .replaceAll('staging.example.com', 'www1.example.com')
      .replaceAll('192.0.2.10', 'www1.example.com')
      .replaceAll('STAGING', 'PRODUCTION')
      .replaceAll('staging', 'production');

  const circumstances: Record<string, () => Circumstances> = {
    'docs/guide/services.md': () => {
      if (published.length === 0) published.push(version());
      return {
        values: {
          'DATABASE_PASSWORD=... DATABASE_ROOT_PASSWORD=...':
            'DATABASE_PASSWORD=password-of-the-lab DATABASE_ROOT_PASSWORD=password-of-root',
        },
      };
    },
    'docs/guide/ci.md': () => ({ before: { 'changed=$(npx sluice changed staging)': change } }),
    'docs/guide/deploying.md': () => ({
      before: {
        'npx nx run api:deploy-vps:staging -- --version=sha-238f7356f799': () => letInAgain(published[1]),
      },
      values: { 'sha-238f7356f799': () => published[1] ?? '', 'canaryFor=10m': 'canaryFor=2s' },
    }),
    'docs/guide/rollback-services.md': () => ({
      before: {
        'npx nx run api:rollback:production --restore-database --confirm=api --dryRun': () =>
          must('npx nx run api:deploy-vps:production --force'),
      },
      values: {
        // The data of a backup below the release that serves: else each would need a deployment before it.
        '=backup_production_20261121T014854Z.tar.gz --confirm=api': async () =>
          `=${await backup()}.tar.gz --confirm=api --to=${await current()}`,
        '--restore-volumes --confirm=api': '--restore-volumes --confirm=api --to=<current>',
        '--to=<current> --to=<current>': '--to=<current>',
        '<current>': current,
        '20261121T014705-1aa6ebf8b194': current,
        backup_production_20261121T014854Z: backup,
        'sha-238f7356f799': () => published[1] ?? '',
      },
      // A deployment that failed, and the backup of it that is pinned, are no part of this story.
      otherwise: (shown) => (/failed|pinned/.test(shown) ? '' : shown),
    }),
    'docs/how-to/lose-a-host.md': () => ({
      before: {
        'npx nx g @sluice/nx:stage production --pipeline=services --hosts=deploy@www1.example.com': () => {
          const file = join(workspace.root, 'nx.json');
          const text = readFileSync(file, 'utf8');
          writeFileSync(file, text.replace(`"${HOST}"`, `"${HOST}", "deploy@www2.example.com"`));
          workspace.commit('ops: there were two');
        },
      },
    }),
  };

  it.each(STORIES.services as Story[])('$page $under', async (story) => {
    const who = story.under?.[0] === 'By hand' ? onTheHost : reader;
    if (who === reader) reader.sitIn(workspace.root);
    const { otherwise = (shown: string) => shown, ...more } = circumstances[story.page]?.() ?? {};
    await tell(story, who, { ...more, typed: names, otherwise: (shown) => names(otherwise(shown)) });
  });
});
