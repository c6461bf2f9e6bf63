import { describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import { Fold } from '../ledger/fold.ts';
import { Rows } from '../ledger/rows.ts';
import type { LedgerRecord, LedgerState } from '../ledger/types.ts';
import type { Presence } from '../registry/types.ts';
import { testStage } from '../testing/stages.ts';
import { assemblePlan, namesToLookUp, type PlanInput, type Request } from './plan.ts';

const common = {
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'packages',
  repository: 'r',
  registry: 'x',
  by: 'unsigned',
  run: '1',
} as const;
const bytes = (id: string) => `sha512-${id}`;
const item = (id: string) => {
  const [project = '', version = ''] = id.split('@');
  return { project, name: `@acme/${project}`, version, integrity: bytes(id) };
};
const published = (id: string, dependencies: Record<string, string> = {}) =>
  ({
    ...common,
    ...item(id),
    type: 'published',
    stage: 'github',
    root: '',
    shasum: `sha1-${id}`,
    size: 7,
    tag: 'latest',
    source: { commit: 'c', dirty: false },
    tools: {},
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([name, range]) => [`@acme/${name}`, { version: range, range }]),
    ),
  }) as LedgerRecord;
const promoted = (id: string, more: object = {}) =>
  ({
    ...common,
    ...item(id),
    type: 'promoted',
    stage: 'test',
    from: 'github',
    tag: 'latest',
    verified: 'bytes',
    planHash: 'h',
    policy: 'p',
    approvals: [],
    gate: [],
    ...more,
  }) as LedgerRecord;
const held = (id: string) =>
  ({ ...common, ...item(id), type: 'held', stage: 'public', reason: 'it loses cents' }) as LedgerRecord;

function fold(records: LedgerRecord[]): LedgerState {
  const rows = new Rows();
  for (const [index, record] of records.entries())
    rows.add([record], { path: `b${index}`, blob: '', commit: '' });
  return new Fold(rows).view('head');
}
/** What `test` holds: "money@1.0.0" with its own bytes, or with others where they are named. */
function holds(
  versions: Record<string, string | { integrity?: string; shasum?: string }>,
  tags: Record<string, string> = {},
) {
  const target = new Map<string, Presence>();
  for (const [id, found] of Object.entries(versions)) {
    const { name, version } = item(id);
    const presence = target.get(name) ?? { exists: true, versions: new Map(), tags: {} };
    presence.versions.set(version, {
      tarball: 't',
      ...(typeof found === 'string' ? { integrity: found || bytes(id) } : found),
    });
    target.set(name, presence);
  }
  for (const [at, version] of Object.entries(tags)) {
    const [project, tag = 'latest'] = at.split(':');
    const presence = target.get(`@acme/${project}`);
    if (presence) presence.tags[tag] = version;
  }
  return target;
}
const wants = (...projects: string[]): Request[] =>
  projects.map((one) => {
    const { project, name, version } = item(one);
    return { project, name, ...(version ? { version } : {}) };
  });
function plan(records: LedgerRecord[], requests: Request[], more: Partial<PlanInput> = {}) {
  return assemblePlan({
    repository: 'r',
    stage: testStage({ name: 'test', index: 1, registry: 'http://127.0.0.1:1' }),
    before: testStage({ name: 'github', registry: 'http://127.0.0.1:2' }),
    requests,
    state: fold(records),
    target: new Map(),
    unknown: new Map(),
    policy: 'p',
    ...more,
  });
}
const said = (made: ReturnType<typeof plan>) =>
  made.items.map(
    ({ project, version, action, problem }) =>
      `${project}@${version} ${action}${problem ? ` ${problem.code}` : ''}`,
  );

describe('what becomes of a package', () => {
  const both = [published('money@1.0.0'), promoted('money@1.0.0')];
  const next = [...both, published('money@1.1.0')];
  it.each<[string, LedgerRecord[], Partial<PlanInput>, string]>([
    ['it waits', [published('money@1.0.0')], {}, 'money@1.0.0 promote'],
    [
      'the stage has it, tagged and recorded',
      both,
      { target: holds({ 'money@1.0.0': '' }, { money: '1.0.0' }) },
      'money@1.0.0 nothing',
    ],
    ['its tag was lost', both, { target: holds({ 'money@1.0.0': '' }) }, 'money@1.0.0 promote'],
    [
      'its record was lost',
      [published('money@1.0.0')],
      { target: holds({ 'money@1.0.0': '' }, { money: '1.0.0' }) },
      'money@1.0.0 promote',
    ],
    ['its bytes were lost', both, {}, 'money@1.0.0 promote'],
    [
      'a newer one holds the tag',
      both,
      { target: holds({ 'money@1.0.0': '', 'money@2.0.0': '' }, { money: '2.0.0' }) },
      'money@1.0.0 nothing',
    ],
    [
      'other bytes are there',
      next,
      { target: holds({ 'money@1.1.0': bytes('forged') }) },
      'money@1.1.0 refused OTHER_BYTES',
    ],
    [
      'other bytes are there, by sha1 alone',
      next,
      { target: holds({ 'money@1.1.0': { shasum: 'other' } }) },
      'money@1.1.0 refused OTHER_BYTES',
    ],
    [
      'equal bytes are there, by sha1 alone',
      next,
      { target: holds({ 'money@1.1.0': { shasum: 'sha1-money@1.1.0' } }) },
      'money@1.1.0 promote',
    ],
    [
      'it is held',
      [...next, held('money@1.1.0')],
      { requests: wants('money@1.1.0') },
      'money@1.1.0 held HELD',
    ],
    [
      'the newest is held, so the one before stands',
      [...next, held('money@1.1.0')],
      { target: holds({ 'money@1.0.0': '' }, { money: '1.0.0' }) },
      'money@1.0.0 nothing',
    ],
    ['the stage before has nothing', [], {}, 'money@ refused PREDECESSOR_EMPTY'],
    [
      'the stage before never had this version',
      next,
      { requests: wants('money@9.9.9') },
      'money@9.9.9 refused VERSION_NOT_IN_PREDECESSOR',
    ],
    ['an older version is asked for', next, { requests: wants('money@1.0.0') }, 'money@1.0.0 promote'],
    [
      'the target cannot be asked',
      next,
      { unknown: new Map([['@acme/money', errors.RATE_LIMITED({ stage: 'test', registry: 'x' })]]) },
      'money@1.1.0 refused RATE_LIMITED',
    ],
  ])('%s', (_, records, more, expected) => {
    expect(said(plan(records, wants('money'), more))).toEqual([expected]);
  });

  it('names both hashes of other bytes, and what to type for an empty stage', () => {
    const [other] = plan(next, wants('money'), { target: holds({ 'money@1.1.0': bytes('forged') }) }).items;
    expect(other?.problem?.what).toContain(bytes('forged'));
    expect(other?.problem?.what).toContain(bytes('money@1.1.0'));
    const [empty] = plan([], wants('money'), {
      targets: { 'publish-registry': 'put', promote: 'move' },
    }).items;
    expect(empty?.problem?.next).toBe('npx nx run money:put');
  });
});

describe('the dist-tag', () => {
  it.each<[string, string, Record<string, string>, boolean, string, boolean]>([
    ['a stable version', '1.1.0', { money: '1.0.0' }, false, 'latest', true],
    ['the first one', '1.1.0', {}, false, 'latest', true],
    ['never backwards', '1.1.0', { money: '1.2.0' }, false, 'latest', false],
    ['backwards when asked', '1.1.0', { money: '1.2.0' }, true, 'latest', true],
    [
      'from a prerelease that a registry put there',
      '1.1.0',
      { money: '2.0.0-beta.1' },
      false,
      'latest',
      true,
    ],
    ['a prerelease has its own', '1.1.0-beta.1', { money: '1.0.0' }, false, 'beta', true],
    ['a prerelease without a name', '1.1.0-0', { money: '1.0.0' }, false, 'next', true],
    [
      'a prerelease never backwards either',
      '1.1.0-beta.1',
      { 'money:beta': '1.1.0-beta.2' },
      false,
      'beta',
      false,
    ],
    [
      'of another prerelease does not matter',
      '1.1.0-beta.1',
      { 'money:rc': '1.1.0-rc.1' },
      false,
      'beta',
      true,
    ],
  ])('%s', (_, version, tags, backwards, tag, movesTag) => {
    const target = holds({ 'money@0.0.1': '' }, tags);
    const [item] = plan([published(`money@${version}`)], wants('money'), { target, backwards }).items;
    expect(item).toMatchObject({ action: 'promote', tag, movesTag });
    expect(item?.previous).toBe(tags[tag === 'latest' ? 'money' : `money:${tag}`]);
  });
});

describe('dependencies', () => {
  const graph = [
    published('units@1.0.0'),
    published('money@1.0.0', { units: '^1.0.0' }),
    published('invoice@1.0.0', { money: '^1.0.0' }),
  ];

  it('come first, whatever the order of the requests, and are waited for', () => {
    const made = plan(graph, wants('invoice', 'money', 'units'));
    expect(said(made)).toEqual(['units@1.0.0 promote', 'money@1.0.0 promote', 'invoice@1.0.0 promote']);
    expect(made.items.map((one) => one.after)).toEqual([[], ['@acme/units'], ['@acme/money']]);
  });

  it.each<[string, LedgerRecord[], Request[], Partial<PlanInput>, string[]]>([
    [
      'that are missing refuse the dependent',
      graph,
      wants('money'),
      {},
      ['money@1.0.0 refused DEPENDENCY_NOT_IN_STAGE'],
    ],
    [
      'that are there already need not come along',
      graph,
      wants('money'),
      { target: holds({ 'units@1.3.0': '' }) },
      ['money@1.0.0 promote'],
    ],
    [
      'that are there in another range do not help',
      graph,
      wants('money'),
      { target: holds({ 'units@2.0.0': '' }) },
      ['money@1.0.0 refused DEPENDENCY_NOT_IN_STAGE'],
    ],
    [
      'that come along in another range do not help',
      [...graph, published('units@2.0.0')],
      wants('units', 'money'),
      {},
      ['units@2.0.0 promote', 'money@1.0.0 refused DEPENDENCY_NOT_IN_STAGE'],
    ],
    [
      'that are held refuse dependents through all depths',
      [...graph, held('units@1.0.0')],
      wants('units@1.0.0', 'money', 'invoice'),
      {},
      [
        'units@1.0.0 held HELD',
        'money@1.0.0 refused DEPENDENCY_NOT_IN_STAGE',
        'invoice@1.0.0 refused DEPENDENCY_NOT_IN_STAGE',
      ],
    ],
    [
      'that were rolled back in the stage do not count, though they are there',
      [...graph, held('units@1.0.0')],
      wants('money'),
      { target: holds({ 'units@1.0.0': '' }) },
      ['money@1.0.0 refused DEPENDENCY_NOT_IN_STAGE'],
    ],
    [
      'of which one version was rolled back may rest on another',
      [...graph, held('units@1.0.0')],
      wants('money'),
      { target: holds({ 'units@1.0.0': '', 'units@1.0.1': '' }) },
      ['money@1.0.0 promote'],
    ],
    [
      'that cannot be asked about say why',
      graph,
      wants('money'),
      { unknown: new Map([['@acme/units', errors.RATE_LIMITED({ stage: 'test', registry: 'x' })]]) },
      ['money@1.0.0 refused RATE_LIMITED'],
    ],
    [
      'that are prereleases satisfy a range that they are in',
      [published('units@1.1.0-beta.1'), published('money@1.0.0', { units: '^1.1.0-beta.1' })],
      wants('units', 'money'),
      {},
      ['units@1.1.0-beta.1 promote', 'money@1.0.0 promote'],
    ],
  ])('%s', (_, records, requests, more, expected) => {
    expect(said(plan(records, requests, more))).toEqual(expected);
  });

  it('are looked up in the target too', () => {
    expect(namesToLookUp(fold(graph), 'github', wants('money')).toSorted()).toEqual([
      '@acme/money',
      '@acme/units',
    ]);
    expect(namesToLookUp(fold(graph), 'github', wants('units', 'money')).toSorted()).toEqual([
      '@acme/money',
      '@acme/units',
    ]);
  });
});

describe('the hash that an approval signs', () => {
  const two = [published('units@1.0.0'), published('money@1.0.0')];
  const hash = plan(two, wants('units', 'money')).hash;

  it('is the same however the plan was asked for, and whatever else stands in it', () => {
    expect(plan(two, wants('money', 'units')).hash).toBe(hash);
    const more = [...two, published('logger@1.0.0'), promoted('logger@1.0.0')];
    const target = holds({ 'logger@1.0.0': '' }, { logger: '1.0.0' });
    expect(plan(more, wants('units', 'money', 'logger'), { target }).hash).toBe(hash);
  });

  it.each<[string, ReturnType<typeof plan>]>([
    ['other packages', plan(two, wants('units'))],
    ['another version', plan([...two, published('units@1.0.1')], wants('units', 'money'))],
    [
      'another stage',
      plan(two, wants('units', 'money'), {
        stage: testStage({ name: 'public', index: 1, registry: 'http://127.0.0.1:1' }),
      }),
    ],
    [
      'another registry',
      plan(two, wants('units', 'money'), {
        stage: testStage({ index: 1, registry: 'http://127.0.0.1:1', identity: 'elsewhere' }),
      }),
    ],
    ['another repository', plan(two, wants('units', 'money'), { repository: 'other' })],
  ])('is another for %s', (_, made) => {
    expect(made.hash).not.toBe(hash);
  });
});
