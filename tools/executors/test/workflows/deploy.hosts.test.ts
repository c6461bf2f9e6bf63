import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../../src/registry/local/oci/index.ts';
import { describeWithHosts, IMAGES, openLab, type Lab, type LabHost } from '../../src/testing/lab/index.ts';
import { toolForTests } from './tools.ts';
import type { Ran } from './runner.ts';
import { Workshop } from './workshop.ts';

const act = toolForTests('act-v0.2.82');
/** The smallest server that there is on every Debian: most of the time of a large image goes into packing it. */
const SITE = {
  'apps/site/package.json': JSON.stringify({
    name: '@acme/site',
    version: '1.0.0',
    private: true,
    nx: { name: 'site' },
  }),
  'apps/site/Dockerfile': `FROM ${IMAGES.debian} AS whole
RUN mkdir /small && cp --parents --recursive --dereference /usr/bin/perl /usr/lib/*/perl-base $(ldd /usr/bin/perl | grep -o '/[^ ]*') /small
FROM scratch
COPY --from=whole /small /
COPY serve.pl index.html /site/
CMD ["/usr/bin/perl", "/site/serve.pl"]
`,
  'apps/site/serve.pl': `use IO::Socket::INET;
$SIG{TERM} = sub { exit };
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) {
  my ($path) = (<$client> // '') =~ m{^\\S+ (\\S+)};
  while (<$client>) { last if /^\\r?\\n$/ }
  open my $page, '<', '/site/index.html';
  my ($status, $body) = $path eq '/' ? ('200 OK', join '', <$page>) : ('404 Not Found', '');
  print $client "HTTP/1.1 $status\\r\\nContent-Length: @{[length $body]}\\r\\nConnection: close\\r\\n\\r\\n$body";
  close $client;
}
`,
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
    await shop.begin([{ name: 'inner' }], ['production-approval'], {
      workflows: { deploy: { pullRequests: true } },
      services: {
        images: `${images.host}/acme`,
        stages: [
          { name: 'staging', hosts: [staging.target], bake: '1s' },
          {
            name: 'production',
            hosts: [production.target],
            bake: '1s',
            gate: { environment: 'production-approval' },
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
  function change(text: string, branch = 'develop'): void {
    shop.write({ 'apps/site/index.html': `${text}\n` });
    shop.commit(`feat(site): ${text}`);
    shop.push(branch);
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

  it('asks on a push to main, and behind the environment takes to production what staging has', async () => {
    shop.git('push', '--quiet', 'origin', 'develop:main');
    shop.github.reviewers.delete('production-approval');
    ran = await shop.act('deploy.yml', 'push');
    expect(moving(ran)).toEqual({
      'request-production-approval': 'success',
      'approve-production': 'failure',
    });
    expect(ran.out).toMatch(/::error title=GATE_CLOSED::.*nobody approved run/);
    shop.github.reviewers.set('production-approval', 'rita');
    ran = await shop.act('deploy.yml', 'push');
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual({
      'request-production-approval': 'success',
      'approve-production': 'success',
      'deploy-production': 'success',
    });
    expect(ran.out).toMatch(/::warning title=site sha-\w+ waits for an approval to enter production/);
    expect(await page(production)).toBe('one');
  });

  it('deploys a pull request, takes that back where something fails afterwards, and keeps the evidence', async () => {
    const base = { ref: 'main', sha: shop.git('rev-parse', 'HEAD') };
    shop.git('checkout', '--quiet', '-b', 'topic');
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
    change('two', 'topic');
    const head = { ref: 'topic', sha: shop.git('rev-parse', 'HEAD'), repo: { full_name: 'acme/platform' } };
    const opened = { number: 7, pull_request: { number: 7, head, base } };
    ran = await shop.act('deploy.yml', 'pull_request', { ref: 'refs/pull/7/merge', ...opened });
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
    shop.git('checkout', '--quiet', 'develop');
    shop.git('merge', '--quiet', '--ff-only', 'topic');
    shop.git('rm', '--quiet', 'apps/site/bad');
    shop.json('apps/site/sluice.json', (config) => ({
      ...config,
      http: { site: { port: 8080, health: { path: '/nowhere', status: 200 }, healthWithin: '3s' } },
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

  it('builds what is not there yet, whichever run was to bring it', async () => {
    shop.git('checkout', '--quiet', 'develop~1', '--', 'apps/site');
    shop.git('rm', '--quiet', '--force', '--ignore-unmatch', 'apps/site/bad');
    change('four');
    const before = shop.git('rev-parse', 'HEAD');
    // That push had no run that came to anything, and this one touches no service.
    shop.write({ 'NOTES.md': 'notes\n' });
    shop.commit('docs: notes');
    shop.push('develop');
    ran = await shop.act('deploy.yml', 'push', { ...develop, before });
    expect(ran.code, ran.out).toBe(0);
    expect(await page(staging)).toBe('four');
  });

  it('goes back by hand, with a reason', async () => {
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
