import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../../src/registry/local/oci/index.ts';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../../src/testing/lab/index.ts';
import { toolForTests } from './tools.ts';
import type { Ran } from './runner.ts';
import { Workshop } from './workshop.ts';

const act = toolForTests('act-v0.2.82');
const SITE = {
  'apps/site/package.json': JSON.stringify({
    name: '@acme/site',
    version: '1.0.0',
    private: true,
    nx: { name: 'site' },
  }),
  'apps/site/Dockerfile':
    'FROM caddy:2.10\nCOPY index.html /site/index.html\nCMD ["caddy", "file-server", "--root", "/site", "--listen", ":8080"]\n',
  'apps/site/compose.yaml':
    'services:\n  site:\n    build: .\n    ports: ["8080:8080"]\n    environment: { TOKEN: "${TOKEN:?}" }\n',
  'apps/site/sluice.json': JSON.stringify({
    images: { site: {} },
    http: { site: { port: 8080, health: { path: '/', status: 200 } } },
    secrets: ['TOKEN'],
    smoke: { checks: [{ service: 'site', path: '/', status: 200 }] },
  }),
  'apps/site/index.html': 'one\n',
};

/** One service goes through its releases in order; each test stands on the one before. */
(act === undefined ? describe.skip : describeWithHosts)('deploy.yml, run', () => {
  let lab: Lab;
  let staging: LabHost;
  let production: LabHost;
  let images: OciRegistry;
  let shop: Workshop;
  let ran: Ran;

  beforeAll(async () => {
    shop = new Workshop(act as string).withoutServices();
    lab = await openLab();
    [staging, production] = await Promise.all([lab.host(), lab.host()]);
    images = await startOciRegistry({ folder: join(shop.folder, 'images') });
    shop.write(SITE);
    const key = /IdentityFile (.*)/.exec(readFileSync(lab.sshConfig, 'utf8'))?.[1] ?? '';
    Object.assign(shop.secrets, {
      SSH_PRIVATE_KEY: readFileSync(key, 'utf8'),
      SSH_KNOWN_HOSTS: readFileSync(lab.knownHosts, 'utf8'),
      TOKEN: 'secret-of-the-service',
    });
    await shop.begin([{ name: 'inner' }], [], {
      services: {
        images: `${images.host}/acme`,
        stages: [
          { name: 'staging', hosts: [staging.target], bake: '2s' },
          {
            name: 'production',
            hosts: [production.target],
            bake: '2s',
            gate: { approvals: { count: 1, from: ['github:rita'] } },
          },
        ],
      },
    });
    shop.git('checkout', '--quiet', '-b', 'develop');
    shop.push('develop');
  });
  afterAll(async () => {
    await lab?.close();
    await images?.close();
    await shop?.close();
  });

  const moving = ({ jobs }: Ran) =>
    Object.fromEntries(Object.entries(jobs).filter(([id]) => !id.startsWith('announce-')));
  const page = async (host: LabHost) => (await (await fetch(host.url(80))).text()).trim();
  const develop = { ref: 'refs/heads/develop' };
  function change(text: string): void {
    shop.write({ 'apps/site/index.html': `${text}\n` });
    shop.commit(`feat(site): ${text}`);
    shop.push('develop');
  }
  const evidence = (name: string) => JSON.parse(readFileSync(join(shop.artifacts(), name), 'utf8'));

  it('builds on a push to develop, tries the images and deploys them to staging', async () => {
    ran = await shop.act('deploy.yml', 'push', develop);
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual({ build: 'success', 'deploy-staging': 'success' });
    expect(await page(staging)).toBe('one');
    expect(shop.files(join(shop.artifacts(), 'deployment-staging'))).toEqual([
      'staging.json',
      'staging.log',
      'verify.txt',
    ]);
    expect(ran.out).not.toContain('secret-of-the-service');
  });

  it('asks on a push to main, and deploys to production what staging has once it was approved', async () => {
    shop.git('push', '--quiet', 'origin', 'develop:main');
    ran = await shop.act('deploy.yml', 'push');
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual({ 'request-production-approval': 'success' });
    expect(ran.out).toMatch(/::warning title=site sha-\w+ waits for an approval to enter production/);
    const [, hash = ''] = /<code>\/approve production ([0-9a-f]{64})<\/code>/.exec(ran.out) ?? [];
    const words = `/approve production ${hash} $(touch "$HOME/pwned")`;
    ran = await shop.act('approve.yml', 'issue_comment', shop.github.comment('rita', words));
    expect(ran.code, ran.out).toBe(0);
    expect(shop.github.api.state.comments.at(-1)?.body).toMatch(/^Recorded: rita approves for production/);
    const inputs = { stage: 'production' };
    ran = await shop.act('deploy.yml', 'workflow_dispatch', { inputs });
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual({ 'request-production-approval': 'success', 'deploy-production': 'success' });
    expect(await page(production)).toBe('one');
  });

  it('takes back what it deployed where something fails afterwards, and keeps the evidence', async () => {
    shop.write({
      '.github/workflows/deploy.yml': `${readFileSync(join(shop.root, '.github/workflows/deploy.yml'), 'utf8')}
      # sluice:yours deploy-staging/after
      - name: Somebody looks at it
        run: test ! -e apps/site/bad
      # sluice:end
`,
      'apps/site/bad': '',
    });
    expect((await shop.run('nx', 'sync')).code).toBe(0);
    change('two');
    ran = await shop.act('deploy.yml', 'push', develop);
    expect(ran.code).not.toBe(0);
    expect(moving(ran)).toEqual({
      build: 'success',
      'deploy-staging': 'failure',
      'rollback-staging': 'success',
    });
    expect(ran.out).toMatch(/^\[deploy-staging\].*serves on/m);
    expect(await page(staging)).toBe('one');
    expect(shop.files(join(shop.artifacts(), 'rollback-staging'))).toEqual([
      'releases-after.json',
      'releases-after.txt',
      'releases-before.json',
      'releases-before.txt',
      'rollback.log',
      'verify-after.txt',
    ]);
    const serving = (when: string) =>
      evidence(`rollback-staging/releases-${when}.json`)[0].hosts[0].truth.serving as string;
    expect(serving('after')).not.toBe(serving('before'));
  });

  it('leaves it at that where the deployment has put itself back', async () => {
    shop.git('rm', '--quiet', 'apps/site/bad');
    shop.write({ 'apps/site/Dockerfile': `${SITE['apps/site/Dockerfile']}ENV SICK=1\n` });
    shop.json('apps/site/sluice.json', (config) => ({
      ...config,
      http: { site: { port: 8080, health: { path: '/nowhere', status: 200 }, healthWithin: '5s' } },
    }));
    change('three');
    ran = await shop.act('deploy.yml', 'push', develop);
    expect(moving(ran)).toEqual({
      build: 'success',
      'deploy-staging': 'failure',
      'rollback-staging': 'success',
    });
    expect(ran.out).toMatch(/\[rollback-staging\].*nothing that serves in staging was deployed by/);
    expect(ran.out).toMatch(/::error title=/);
    expect(await page(staging)).toBe('one');
    expect(shop.files(join(shop.artifacts(), 'deployment-staging'))).toContain('staging.log');
  });

  it('goes back by hand, with a reason', async () => {
    shop.git('checkout', '--quiet', 'develop~1', '--', 'apps/site');
    shop.git('rm', '--quiet', '--force', '--ignore-unmatch', 'apps/site/bad');
    change('four');
    ran = await shop.act('deploy.yml', 'push', develop);
    expect(ran.code, ran.out).toBe(0);
    expect(await page(staging)).toBe('four');
    const inputs = { stage: 'staging', project: 'site', to: '', reason: '$(touch "$HOME/pwned") is wrong' };
    ran = await shop.act('rollback.yml', 'workflow_dispatch', { ref: 'refs/heads/develop', inputs });
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual({ 'rollback-staging': 'success' });
    expect(await page(staging)).toBe('one');
    expect(shop.files(join(shop.folder, 'home'))).not.toContain('pwned');
  });

  it('finds what was changed behind its back, and opens an issue', async () => {
    const asked = shop.program('gh');
    shop.git('push', '--quiet', '--force', 'origin', 'develop:main');
    await staging
      .engine('ps', '-q', '--filter', 'label=com.sluice.service=site')
      .then((ids) => staging.engine('rm', '--force', ...ids.split('\n')));
    ran = await shop.act('drift.yml', 'schedule');
    expect(ran.jobs).toMatchObject({
      'verify-staging': 'failure',
      'verify-production': 'success',
      report: 'success',
    });
    expect(asked().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'issue list',
      'issue create',
    ]);
  });
});
