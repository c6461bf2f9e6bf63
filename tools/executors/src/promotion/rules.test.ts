import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesFromBuffer } from '../registry/bytes.ts';
import { makeTarball, type TarballRecipe } from '../testing/npm-packages.ts';
import type { PromoteOptions } from './promote.ts';
import { proveAll } from './prove.ts';
import { putByHand, tagByHand } from './testing/by-hand.ts';
import { Flow, type StageName } from './testing/flow.ts';

/** One pipeline, with packages of its own for each test. */
const packages = {
  units: [],
  money: ['units'],
  invoice: ['money'],
  pre: [],
  onlypre: [],
  older: [],
  returned: [],
  lost: [],
  named: [],
  secret: [],
  forged: [],
  broken: [],
  token: [],
  first: [],
  rewritten: [],
  kept: [],
  gone: [],
  other: [],
  absent: [],
  orphan: ['absent'],
  unsound: [],
  resting: ['unsound'],
};
let flow: Flow;

beforeAll(async () => {
  flow = await Flow.start({ packages, stages: { public: { verify: 'install' } } });
  await flow.build();
});
afterAll(() => flow?.close());
beforeEach(() => {
  for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
});

const of = async (project: string, stage: StageName = 'test') => (await flow.world(stage))[project];
const into = async (
  stage: StageName,
  project: string,
  version?: string,
  more: Partial<PromoteOptions> = {},
) => {
  const requests = [{ project, name: `@acme/${project}`, ...(version ? { version } : {}) }];
  return (await flow.promote(stage, undefined, { requests, ...more })).results[0];
};
async function published(version: string, ...projects: string[]) {
  await flow.release(version, projects);
  await flow.build(projects);
  const { results } = await flow.publish(projects);
  expect(results.flatMap((result) => result.error?.format() ?? [])).toEqual([]);
}
const recordsOf = async (project: string) =>
  (await flow.records()).filter((line) => line.includes(` ${project}@`));

describe('dependents', () => {
  it('are not published without what they need, whether that was not asked for or has no artifact', async () => {
    const alone = await flow.publish(['orphan']);
    expect(alone.results).toMatchObject([{ error: { code: 'DEPENDENCY_NOT_IN_STAGE' } }]);
    await rm(flow.artifact('absent'), { recursive: true });
    const both = await flow.publish(['absent', 'orphan']);
    expect(both.results.map(({ error }) => error?.code)).toEqual([
      'ARTIFACT_MISSING',
      'DEPENDENCY_NOT_IN_STAGE',
    ]);
    expect(await of('orphan', 'github')).toBeUndefined();
    await flow.build(['absent']);
    await flow.publish(['absent']);
    expect((await flow.publish(['orphan'])).results).toMatchObject([{ status: 'done' }]);
  });

  it('do not get their tag where what they depend on arrived, and turned out to be other bytes', async () => {
    await flow.publish(['unsound', 'resting']);
    const swapped = { path: /^\/@acme\/unsound\/-\/.*tgz$/, times: 99, fault: { do: 'corrupt' } } as const;
    flow.proxy('test').rules.push(swapped);
    const { results } = await flow.promote('test', ['unsound', 'resting']);
    expect(results.map(({ project, status, error }) => `${project} ${status} ${error?.code}`)).toEqual([
      'unsound failed SERVES_OTHER_BYTES',
      'resting blocked DEPENDENCY_FAILED',
    ]);
    expect(results[1]?.error?.state).toMatch(/put there, and is not recorded/);
    expect(await recordsOf('resting')).toEqual(['published github resting@1.0.0']);
    flow.proxy('test').rules.splice(0);
    const again = await flow.promote('test', ['unsound', 'resting']);
    expect(again.results.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('are put when what they depend on can be seen, and fetched long before', async () => {
    await flow.publish(['units', 'money', 'invoice']);
    const hidden = { do: 'hide', version: '1.0.0' } as const;
    const looks = flow.proxy('test').requests;
    flow
      .proxy('test')
      .rules.push({ method: 'GET', path: /^\/@acme\/units$/, after: 1, times: 3, fault: hidden });
    const order: string[] = [];
    const fetched = flow.proxy('github').requests.length;
    const { results } = await flow.promote('test', ['invoice', 'money', 'units'], {
      onEvent: (event) =>
        void (event.event === 'done' && order.push(`${event.row}: ${event.subject.slice(6)}`)),
    });
    expect(results.map((result) => result.status)).toEqual(['done', 'done', 'done']);
    const said = looks.map(({ method, path, fault }) => `${method} ${path}${fault ? ` ${fault}` : ''}`);
    const puts = ['units', 'money', 'invoice'].map((name) => said.indexOf(`PUT /@acme/${name}`));
    expect(puts).toEqual(puts.toSorted((a, b) => a - b));
    expect(said.lastIndexOf('GET /@acme/units hide')).toBeLessThan(puts[1]!);
    expect(said.slice(0, puts[1]).filter((one) => /^GET \/@acme\/units( hide)?$/.test(one))).toHaveLength(5);
    expect(flow.proxy('github').requests.length).toBeGreaterThan(fetched);
    expect(order.indexOf('fetch and check: invoice')).toBeLessThan(
      order.indexOf('wait until visible: units'),
    );
  });
});

describe('dist-tags', () => {
  it('of prereleases are their own, in every stage', async () => {
    await flow.publish(['pre']);
    await into('test', 'pre');
    await into('public', 'pre');
    await published('1.1.0-beta.1', 'pre');
    expect(await into('test', 'pre')).toMatchObject({ status: 'done', version: '1.1.0-beta.1' });
    expect(await into('public', 'pre')).toMatchObject({ status: 'done' });
    for (const stage of ['github', 'test', 'public'] as const)
      expect((await of('pre', stage))?.tags).toMatchObject({ latest: '1.0.0', beta: '1.1.0-beta.1' });
  });

  it('are taken from a prerelease that the registry made latest by itself, by the first stable version', async () => {
    await published('2.0.0-beta.1', 'onlypre');
    await into('test', 'onlypre');
    expect((await of('onlypre'))?.tags).toMatchObject({ latest: '2.0.0-beta.1', beta: '2.0.0-beta.1' });
    await published('1.9.0', 'onlypre');
    await into('test', 'onlypre');
    for (const stage of ['github', 'test'] as const)
      expect((await of('onlypre', stage))?.tags).toMatchObject({ latest: '1.9.0', beta: '2.0.0-beta.1' });
  });

  it('never go backwards, unless asked', async () => {
    await published('1.1.0', 'older');
    await published('1.2.0', 'older');
    await into('test', 'older');
    expect(await into('test', 'older', '1.1.0')).toMatchObject({ status: 'done' });
    expect((await of('older'))?.tags['latest']).toBe('1.2.0');
    expect(Object.keys((await of('older'))?.versions ?? {})).toEqual(['1.2.0', '1.1.0']);
    expect(await into('test', 'older', '1.1.0')).toMatchObject({ status: 'nothing' });
    expect(await into('test', 'older', '1.1.0', { backwards: true })).toMatchObject({ status: 'done' });
    expect((await of('older'))?.tags['latest']).toBe('1.1.0');
    expect((await recordsOf('older')).filter((line) => line.startsWith('promoted'))).toEqual([
      'promoted test older@1.2.0',
      'promoted test older@1.1.0',
    ]);
  });

  it('that went back when asked are on record, once', async () => {
    await published('1.1.0', 'returned');
    await into('test', 'returned');
    await published('1.2.0', 'returned');
    await into('test', 'returned');
    expect(await into('test', 'returned', '1.1.0', { backwards: true })).toMatchObject({ status: 'done' });
    expect((await of('returned'))?.tags['latest']).toBe('1.1.0');
    expect(await into('test', 'returned', '1.1.0', { backwards: true })).toMatchObject({ status: 'nothing' });
    expect((await recordsOf('returned')).filter((line) => line.startsWith('promoted'))).toEqual([
      'promoted test returned@1.1.0',
      'promoted test returned@1.2.0',
      'promoted test returned@1.1.0',
    ]);
    const { findings } = await flow.with((context) => proveAll(context, { stages: ['test'] }));
    expect(findings.filter(({ name }) => name === '@acme/returned')).toEqual([]);
  });

  it('that were lost are set again, without a second record', async () => {
    await flow.publish(['lost']);
    await into('test', 'lost');
    await published('1.1.0', 'lost');
    await into('test', 'lost');
    const records = await recordsOf('lost');
    await tagByHand(flow, 'test', '@acme/lost', 'latest', '1.0.0');
    expect(await into('test', 'lost')).toMatchObject({ status: 'done', version: '1.1.0' });
    expect((await of('lost'))?.tags['latest']).toBe('1.1.0');
    expect(await recordsOf('lost')).toEqual(records);
  });
});

describe('stages', () => {
  it.each<[string, string, string]>([
    ['that nobody knows', 'tset', 'STAGE_UNKNOWN'],
    ['that come first', 'github', 'FIRST_STAGE'],
  ])('%s cannot be promoted into, and no registry is asked', async (_, stage, code) => {
    const asked = STAGE_NAMES.map((name) => flow.proxy(name).requests.length);
    await expect(flow.promote(stage as StageName)).rejects.toMatchObject({ code, exit: 2 });
    expect(STAGE_NAMES.map((name) => flow.proxy(name).requests.length)).toEqual(asked);
  });

  it('are passed one after the other', async () => {
    await flow.publish(['first']);
    expect(await into('public', 'first')).toMatchObject({ error: { code: 'PREDECESSOR_EMPTY' } });
    expect(await into('public', 'first', '1.0.0')).toMatchObject({
      error: { code: 'VERSION_NOT_IN_PREDECESSOR' },
    });
    expect(await of('first', 'public')).toBeUndefined();
  });

  it('without their token take nothing, and the variable is named', async () => {
    await flow.publish(['token']);
    const name = 'SLUICE_TEST_TOKEN';
    const token = flow.env[name];
    try {
      delete flow.env[name];
      const missing = await into('test', 'token');
      expect(missing?.error?.code).toBe('TOKEN_MISSING');
      expect(missing?.line).toContain(name);
      flow.env[name] = 'not-the-token-of-anybody';
      const wrong = await into('test', 'token');
      expect(wrong?.error?.code).toMatch(/^TOKEN_REFUSED$|^SCOPE_REFUSED$/);
      expect(wrong?.line).not.toContain('not-the-token');
    } finally {
      flow.env[name] = token;
    }
    expect(await of('token')).toBeUndefined();
    expect(await into('test', 'token')).toMatchObject({ status: 'done' });
  });
});
const STAGE_NAMES = ['github', 'test', 'public'] as const;

/** Puts another tarball into the build folder of a project, with an artifact.json that vouches for it. */
async function swap(project: string, recipe: Partial<TarballRecipe>) {
  const tarball = await makeTarball({ name: `@acme/${project}`, version: '1.0.0', ...recipe });
  const file = join(flow.artifact(project), 'artifact.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { tarball?: string };
  const { readdir } = await import('node:fs/promises');
  const name = (await readdir(flow.artifact(project))).find((one) => one.endsWith('.tgz')) as string;
  const { integrity, shasum, size } = bytesFromBuffer(tarball.buffer);
  await writeFile(join(flow.artifact(project), name), tarball.buffer);
  await writeFile(file, JSON.stringify({ ...manifest, integrity, shasum, size }));
  return tarball;
}

describe('a tarball', () => {
  it.each<[string, Partial<TarballRecipe>, string]>([
    ['of another package', { name: '@acme/other' }, 'TARBALL_NAME_MISMATCH'],
    ['of another version', { version: '9.9.9' }, 'TARBALL_NAME_MISMATCH'],
    ['that is private', { manifest: { private: true } }, 'PACKAGE_PRIVATE'],
  ])('%s is not published', async (_, recipe, code) => {
    await swap('named', recipe);
    const { results } = await flow.publish(['named']);
    expect(results).toMatchObject([{ success: false, error: { code } }]);
    expect(await of('named', 'github')).toBeUndefined();
    expect(await recordsOf('named')).toEqual([]);
  });

  it('that lies about its name goes no further, though the ledger vouches for its bytes', async () => {
    const tarball = await makeTarball({ name: '@acme/other', version: '6.6.6' });
    const forged = { name: '@acme/forged', version: '1.0.0' };
    await putByHand(flow, 'github', tarball.buffer, forged, 'latest');
    await flow.with(async (context) => {
      const { integrity, shasum, size } = tarball;
      const body = {
        type: 'published',
        pipeline: 'packages',
        stage: 'github',
        registry: 'r',
        project: 'forged',
        root: 'libs/forged',
        ...forged,
        integrity,
        shasum,
        size,
        tag: 'latest',
        source: { commit: flow.git('rev-parse', 'HEAD'), dirty: false },
        tools: {},
        dependencies: {},
      } as const;
      await (await context.ledger()).append(() => [body], { run: 'forger' });
    });
    expect(await into('test', 'forged')).toMatchObject({ error: { code: 'TARBALL_NAME_MISMATCH' } });
    expect(await of('forged')).toBeUndefined();
  });

  it('that was swapped after the build is not published', async () => {
    const [name] = (await import('node:fs'))
      .readdirSync(flow.artifact('secret'))
      .filter((one) => one.endsWith('.tgz'));
    await writeFile(join(flow.artifact('secret'), name!), 'something else');
    expect((await flow.publish(['secret'])).results).toMatchObject([{ error: { code: 'ARTIFACT_CHANGED' } }]);
    await rm(flow.artifact('secret'), { recursive: true });
    expect((await flow.publish(['secret'])).results).toMatchObject([{ error: { code: 'ARTIFACT_MISSING' } }]);
    expect(await of('secret', 'github')).toBeUndefined();
  });

  it('with other bytes than were published under its version is refused, naming both', async () => {
    await flow.publish(['other']);
    const before = await of('other', 'github');
    const { integrity } = await swap('other', { files: { 'index.js': 'export const other = 1;' } });
    const { results } = await flow.publish(['other']);
    expect(results).toMatchObject([{ error: { code: 'OTHER_BYTES' } }]);
    expect(results[0]?.line).toContain(integrity);
    expect(results[0]?.line).toContain(before?.versions['1.0.0']);
    expect(await of('other', 'github')).toEqual(before);
    expect(await recordsOf('other')).toHaveLength(1);
  });
});

describe('an install', () => {
  it('that cannot be imported moves no tag and writes no record', async () => {
    await flow.publish(['broken']);
    await into('test', 'broken');
    expect(await into('public', 'broken')).toMatchObject({
      status: 'done',
      reached: expect.arrayContaining(['verified']),
    });
    await flow.release('1.1.0', ['broken'], `throw new Error('no config');`);
    await flow.build(['broken']);
    await flow.publish(['broken']);
    await into('test', 'broken');
    const result = await into('public', 'broken');
    expect(result).toMatchObject({ error: { code: 'IMPORT_FAILED' } });
    expect(result?.line).toMatch(/no config/);
    expect((await of('broken', 'public'))?.tags['latest']).toBe('1.0.0');
    expect(await recordsOf('broken')).not.toContain('promoted public broken@1.1.0');
  });
});

describe('a first stage that serves other bytes than it was given', () => {
  const tarballs = (project: string) =>
    ({
      method: 'GET',
      path: new RegExp(`^/@acme/${project}/-/`),
      times: 99,
      fault: { do: 'corrupt' },
    }) as const;

  it('is no source, where nobody keeps the true ones', async () => {
    flow.proxy('github').rules.push(tarballs('rewritten'));
    const { results } = await flow.publish(['rewritten']);
    expect(results).toMatchObject([{ error: { code: 'SERVES_OTHER_BYTES' } }]);
    expect(await recordsOf('rewritten')).toEqual([]);
    expect(await into('test', 'rewritten')).toMatchObject({ error: { code: 'PREDECESSOR_EMPTY' } });
  });

  it('is passed by, where a store keeps them', async () => {
    const nxJson = JSON.parse(await readFile(join(flow.root, 'nx.json'), 'utf8'));
    nxJson.plugins[0].options.packages.store = { path: '.sluice/store' };
    await flow.write({
      'nx.json': JSON.stringify(nxJson),
      '.gitignore': 'home\ndist\n.sluice/local\n.sluice/store\n',
    });
    flow.git('commit', '--quiet', '--all', '--message', 'a store');
    flow.proxy('github').rules.push(tarballs('kept'), tarballs('gone'));
    const { results } = await flow.publish(['kept', 'gone']);
    expect(results).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect((await flow.publish(['kept'])).results).toMatchObject([{ status: 'nothing' }]);
    const asked = flow.proxy('github').requests.length;
    expect(await into('test', 'kept')).toMatchObject({ status: 'done' });
    const built = JSON.parse(await readFile(join(flow.artifact('kept'), 'artifact.json'), 'utf8'));
    expect((await of('kept'))?.versions).toEqual({ '1.0.0': built.integrity });
    expect(
      flow
        .proxy('github')
        .requests.slice(asked)
        .filter(({ path }) => path.endsWith('.tgz')),
    ).toEqual([]);

    await rm(join(flow.root, '.sluice/store'), { recursive: true });
    expect(await into('test', 'gone')).toMatchObject({ error: { code: 'STORE_MISSES' } });
    expect(await of('gone')).toBeUndefined();
  });
});
