import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IMAGES, leaseLocalRegistries, type LocalLease } from '../src/registry/local/index.ts';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../src/testing/lab/index.ts';
import { startVerdaccio, type TestVerdaccio } from '../src/testing/verdaccio.ts';
import { blocksIn } from './docs/page.ts';
import { Reader } from './docs/reader.ts';
import { tell, type Circumstances } from './docs/tell.ts';
import { FreshWorkspace, NX } from './fresh-workspace.ts';
import { ownEnvironment, publishFolder, stagePlugin } from './published-plugin.ts';

const PAGE = 'docs/guide/from-nothing.md';
const STAGES = ['github', 'test', 'public'];

/** A service that somebody has already: what the generator finds stays as it is. */
const OLD = {
  'apps/site/Dockerfile':
    'FROM caddy:2.10\nCOPY index.html /site/index.html\nEXPOSE 8080\nCMD ["caddy", "file-server", "--root", "/site", "--listen", ":8080"]\n',
  'apps/site/docker-compose.yml':
    "services:\n  page:\n    build: .\n    ports: ['8080:8080']\n    environment: { API_TOKEN: '${API_TOKEN:-none}' }\n",
  'apps/site/index.html': 'the old page\n',
};

/** The whole way, typed from the page in order; each test stands on the one before. */
describeWithHosts(PAGE, () => {
  let folder: string;
  let lab: Lab;
  let staging: LabHost;
  let production: LabHost;
  let plugin: TestVerdaccio;
  let reader: Reader;
  let lease: LocalLease | undefined;
  const told: string[] = [];

  const root = () => join(folder, 'my-org');
  const text = (file: string) => readFile(join(root(), file), 'utf8');
  const json = async (file: string) => JSON.parse(await text(file));
  const write = async (file: string, content: string) => {
    await mkdir(dirname(join(root(), file)), { recursive: true });
    await writeFile(join(root(), file), content);
  };
  const type = async (line: string): Promise<string> => {
    const { code, out } = await reader.type(line);
    expect(code, `${line}\n${out}`).toBe(0);
    return out;
  };
  const tellUnder = async (heading: string, before: Circumstances['before'] = {}) => {
    told.push(heading);
    const values = {
      'create-nx-workspace': `create-nx-workspace@${NX}`,
      '192.0.2.10': staging.address,
      '192.0.2.20': production.address,
    };
    await tell({ page: PAGE, under: [heading] }, reader, { values, before });
  };
  const packument = async (stage: string, name: string) => {
    const { url, token } = lease?.addresses.get(stage) ?? {};
    const headers = { authorization: `Bearer ${token?.reveal()}` };
    return (await (await fetch(`${url}/@my-org%2f${name}`, { headers })).json()) as {
      'dist-tags': Record<string, string>;
      versions: Record<string, { dist: { integrity: string }; dependencies?: Record<string, string> }>;
    };
  };
  const positions = async (file: string, versions: string[]) => {
    const changelog = await text(file);
    return versions.map((version) => changelog.indexOf(`## ${version}`));
  };
  const status = async () => JSON.parse(await type('npx sluice status --json 2>/dev/null'));

  beforeAll(async () => {
    const offline = await FreshWorkspace.offline();
    if (offline) throw new Error(offline);
    folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-nothing-')));
    lab = await openLab();
    [staging, production, plugin] = await Promise.all([lab.host(), lab.host(), startVerdaccio()]);
    await stagePlugin(join(folder, 'plugin'));
    await publishFolder(join(folder, 'plugin'), plugin);
    const npmrc = join(folder, 'desk/home/.npmrc');
    reader = new Reader(folder, join(folder, 'desk'), {
      ...ownEnvironment(),
      npm_config_userconfig: npmrc,
      npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
      // npx asks a person before it installs.
      npm_config_yes: 'true',
      SLUICE_LOCAL_LINGER_MS: '0',
      DATABASE_ROOT_PASSWORD: 'password-of-root',
      API_TOKEN: 'token-of-the-lab',
    });
    // Nothing is installed yet that it could call; the first folder of the PATH is the reader's own.
    reader.program('npx', 'PATH=${PATH#*:} exec npx "$@"');
    await writeFile(npmrc, `@sluice:registry=${plugin.url}\naudit=false\nfund=false\nloglevel=error\n`);
    await writeFile(
      join(reader.home, '.gitconfig'),
      '[user]\n  name = Ada\n  email = ada@example.com\n[commit]\n  gpgsign = false\n[init]\n  defaultBranch = main\n',
    );
  });
  afterAll(async () => {
    await lease?.release();
    await plugin?.close();
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('a workspace', async () => {
    await tellUnder('1. ');
    expect((await json('libs/money/package.json')).name).toBe('@my-org/money');
    expect(await type('git status --porcelain')).toBe('');
    lease = await leaseLocalRegistries({ workspaceRoot: root(), stages: [...STAGES, IMAGES] });
    // release-it 21.1.2 wants a version of it that not every mirror has.
    await type('npm pkg set overrides.wildcard-match=5.1.4 && git commit --quiet -am "chore: a mirror"');
  });

  it('packages and services that compile, pass their tests, and leave alone what was there', async () => {
    await tellUnder('2. ', {
      'npx nx sync': async () => {
        for (const [file, content] of Object.entries(OLD)) await write(file, content);
        await type('npx nx g @sluice/nx:service stock --database=mariadb');
        await type('npx nx g @sluice/nx:service site --health=/');
        const nxJson = await json('nx.json');
        const { options } = nxJson.plugins.find(
          (one: { plugin?: string }) => one.plugin === '@sluice/nx/plugin',
        );
        expect(options.services.stages).toMatchObject([
          { name: 'staging', hosts: [staging.target] },
          { name: 'production', hosts: [production.target], gate: { approvals: 1 } },
        ]);
        for (const stage of options.services.stages)
          Object.assign(stage, { sshConfig: lab.sshConfig, bake: '1s' });
        await write('nx.json', JSON.stringify(nxJson, null, 2));
      },
    });
    for (const [file, content] of Object.entries(OLD)) expect(await text(file)).toBe(content);
    expect(await json('libs/quotes/package.json')).toMatchObject({
      dependencies: { '@my-org/rates': '^0.1.0' },
    });
    expect(await json('libs/quotes/tsconfig.lib.json')).toMatchObject({
      references: [{ path: '../rates/tsconfig.lib.json' }],
    });
    const changed = (await type('git status --porcelain')).trim().split('\n');
    expect(changed.map((line) => line.trim().split(/\s+/).at(-1))).toEqual([
      '.github/workflows/deploy.yml',
      '.github/workflows/rollback.yml',
      'nx.json',
      'package-lock.json',
      'tsconfig.json',
      'apps/orders/',
      'apps/site/',
      'apps/stock/',
      'libs/quotes/',
      'libs/rates/',
    ]);
  });

  it('generators that change nothing when they run again', async () => {
    await tellUnder('3. ');
    await type('npx nx g @sluice/nx:service orders --database=postgres');
    await type('npx nx g @sluice/nx:package quotes');
    await type('npx nx sync:check');
    expect(await type('git status --porcelain')).toBe('');
  });

  it('a first release, and a change with each of the four tools', async () => {
    for (const heading of ['4. ', '5. ', '6. ', '7. ', '8. ']) await tellUnder(heading);
    expect(await type('git status --porcelain')).toBe('');
    expect(await type('git ls-remote origin main')).toContain((await type('git rev-parse HEAD')).trim());
  });

  it('no version, no tag and no changelog was lost, and every stage holds the same bytes', async () => {
    const rates = ['0.1.0', '0.1.1', '0.2.0', '0.3.0', '0.3.1'];
    const quotes = ['0.1.0', '0.1.1', '0.1.2', '0.1.3', '0.1.4'];
    const tags = (await type('git tag')).trim().split('\n');
    for (const [name, versions] of Object.entries({ rates, quotes })) {
      const [github, ...later] = await Promise.all(STAGES.map((stage) => packument(stage, name)));
      expect(Object.keys(github?.versions ?? {})).toEqual(versions);
      for (const stage of later) {
        expect(Object.keys(stage.versions)).toEqual(versions.slice(1));
        for (const [version, { dist }] of Object.entries(stage.versions))
          expect(dist.integrity).toBe(github?.versions[version]?.dist.integrity);
        expect(stage['dist-tags']['latest']).toBe(versions.at(-1));
      }
      expect(tags).toEqual(expect.arrayContaining(versions.map((version) => `${name}@${version}`)));
      const lock = await json('package-lock.json');
      expect(lock.packages[`libs/${name}`].version).toBe(versions.at(-1));
      const places = await positions(`libs/${name}/CHANGELOG.md`, versions.slice(1).toReversed());
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
    expect((await packument('public', 'quotes')).versions['0.1.4']?.dependencies).toEqual({
      '@my-org/rates': '^0.3.1',
    });
    const changelog = await text('libs/rates/CHANGELOG.md');
    for (const change of ['division by zero', 'weekends', 'Rounds as banks do.', 'the cent'])
      expect(changelog.split(change)).toHaveLength(2);
    const { packages } = await status();
    const money = packages.find((one: { project: string }) => one.project === 'money');
    expect(money.stages).toMatchObject([
      { stage: 'github', version: '1.0.0' },
      { stage: 'test', version: '1.0.0' },
      { stage: 'public', version: '1.0.0', approvedBy: ['rita@example.com'] },
    ]);
  });

  it('a service on its servers, and back', async () => {
    for (const heading of ['9. ', '10. ', '11. ']) await tellUnder(heading);
    const { services } = await status();
    const [images, first, last] = services.find(
      (one: { project: string }) => one.project === 'orders',
    ).stages;
    expect(images).toMatchObject({ stage: 'images', isHeld: true });
    expect(first).toMatchObject({ stage: 'staging', running: { version: last.version, hosts: 1 } });
    expect(last).toMatchObject({
      stage: 'production',
      approvedBy: ['rita@example.com'],
      running: { version: last.version, hosts: 1 },
    });
    for (const [host, { running }] of [
      [staging, first],
      [production, last],
    ] as const) {
      // A release bears the digest that was promoted.
      expect(running.release.split('-')[1]).toBe(last.integrity.slice('sha256:'.length).slice(0, 12));
      const label = `label=com.sluice.release=${running.release}`;
      expect(await host.engine('ps', '--filter', label, '--format', '{{.State}}')).toBe('running');
    }
    const numbered = blocksIn(PAGE).map(({ under }) => under.replace(/(?<=^\d+\. ).*/, ''));
    expect(told).toEqual([...new Set(numbered)]);
  });

  it('the other database, and the service that was there already', async () => {
    await type('npx nx run-many -t publish-registry --projects=stock,site');
    await type('npx nx run-many -t promote -c staging --projects=stock,site');
    await type('npx nx run-many -t deploy-vps -c staging --projects=stock,site --parallel=1');
    const notes = `${staging.url(80)}/stock/notes`;
    const sent = await fetch(notes, { method: 'POST', body: JSON.stringify({ text: 'from stock' }) });
    expect(sent.status).toBe(201);
    expect(await (await fetch(notes)).json()).toMatchObject([{ id: 1, text: 'from stock' }]);
    expect(await (await fetch(staging.url(80))).text()).toBe('the old page\n');
  });
});
