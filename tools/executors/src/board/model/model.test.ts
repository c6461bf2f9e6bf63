import { describe, expect, it } from 'vitest';
import { Fold } from '../../ledger/fold.ts';
import { Rows } from '../../ledger/rows.ts';
import type { LedgerRecord, LedgerState } from '../../ledger/types.ts';
import { parseOptions } from '../../pipeline/index.ts';
import { newsOf } from './affected.ts';
import { assembleBoard, stageHeads } from './board.ts';
import { word } from './cells.ts';
import { evidenceOf } from './evidence.ts';
import { selectEvents, timelinePage } from './timeline.ts';

const options = parseOptions({
  packages: { stages: [{ name: 'test' }, { name: 'public', gate: { approvals: 1, soak: '24h' } }] },
  services: { images: 'ghcr.io/acme', stages: [{ name: 'production', hosts: ['a', 'b'] }] },
});
const common = {
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'packages',
  repository: 'r',
  registry: 'x',
  by: 'dev',
  run: '1',
  project: 'money',
  name: '@acme/money',
} as const;
const bytes = (version: string) => ({ version, integrity: `sha512-${version}` });
const published = (version: string, more: object = {}) =>
  ({
    ...common,
    ...bytes(version),
    type: 'published',
    stage: 'test',
    root: 'libs/money',
    size: 1,
    tag: 'latest',
    source: { commit: `commit-${version}`, dirty: false },
    tools: { node: '26' },
    dependencies: { '@acme/units': { version: '1.0.0', range: '^1.0.0' } },
    ...more,
  }) as LedgerRecord;
const promoted = (version: string, more: object = {}) =>
  ({
    ...common,
    ...bytes(version),
    type: 'promoted',
    stage: 'public',
    from: 'test',
    tag: 'latest',
    verified: 'bytes',
    planHash: 'h',
    policy: 'p',
    approvals: ['n'],
    gate: [{ condition: 'approvals', detail: '1 of 1' }],
    ...more,
  }) as LedgerRecord;
const approved = {
  ...common,
  type: 'approved',
  stage: 'public',
  by: 'rita',
  planHash: 'h',
  items: [{ project: 'money', name: '@acme/money', ...bytes('1.0.0') }],
  nonce: 'n',
  expires: '2026-01-02T00:00:00.000Z',
  ledgerHead: null,
  policy: 'p',
  comment: 'fine',
} as unknown as LedgerRecord;
const back = {
  ...common,
  ...bytes('1.1.0'),
  type: 'rolled-back',
  stage: 'public',
  tag: 'latest',
  to: '1.0.0',
  deprecated: true,
  reason: 'broken',
  dependents: [],
} as LedgerRecord;
const held = {
  ...common,
  ...bytes('1.1.0'),
  type: 'held',
  stage: 'public',
  reason: 'broken',
} as LedgerRecord;
const service = (type: string, version: string, more: object = {}) =>
  ({
    ...common,
    pipeline: 'services',
    project: 'api',
    name: '@acme/api',
    version,
    integrity: `sha256:${version}`,
    type,
    stage: 'production',
    release: `r-${version}`,
    hosts: ['a', 'b'],
    composeHash: 'c',
    environmentHash: 'e',
    databaseVersion: null,
    reason: 'because',
    ...more,
  }) as unknown as LedgerRecord;

function stateOf(...records: LedgerRecord[]): LedgerState {
  const rows = new Rows();
  // An approval has no name in the ledger.
  const named = records.map((record) => {
    if (record.type !== 'approved') return record;
    const { name: _, project: __, ...rest } = record as typeof record & { name: string; project: string };
    return rest as LedgerRecord;
  });
  named.forEach((record, n) => rows.add([record], { path: `records/${n}.json`, blob: '', commit: '' }));
  return new Fold(rows).view('head');
}

const boardOf = (state: LedgerState, more: Partial<Parameters<typeof assembleBoard>[0]> = {}) =>
  assembleBoard({
    state,
    at: new Date('2026-01-03T00:00:00Z'),
    repository: 'r',
    profile: 'local',
    options,
    places: stageHeads(options, (stage) => `id:${stage}`),
    projects: [],
    changedSince: () => [],
    ...more,
  });
const cells = (state: LedgerState, kind = 0, more = {}) =>
  boardOf(state, more).pipelines[kind]?.projects[0]?.cells ?? [];

describe('the board', () => {
  it('has a column for every stage, with what its gate asks for', () => {
    const [packages, services] = boardOf(stateOf()).pipelines;
    expect(packages?.stages).toEqual([
      { name: 'test', registry: 'id:test', gate: [], hosts: [] },
      { name: 'public', registry: 'id:public', gate: ['1 approval', '24h in the stage before'], hosts: [] },
    ]);
    expect(services?.stages.map((stage) => [stage.name, stage.hosts.length])).toEqual([
      ['images', 0],
      ['production', 2],
    ]);
  });

  it('shows what waits, with what the gate says once it was asked, and what to type', () => {
    const state = stateOf(published('1.0.0'));
    expect(cells(state)[1]).toEqual({
      approvedBy: [],
      waiting: { version: '1.0.0', digest: 'sha512-1.0.0', since: common.at, gated: true },
      commands: [{ label: 'Promote to public', command: 'npx nx run money:promote:public' }],
    });
    const gate = { open: false, conditions: [{ name: 'approvals', open: false, detail: '0 of 1' }] };
    const judged = new Map([['public', new Map([['@acme/money@1.0.0', { gate }]])]]);
    const asked = cells(state, 0, { judged })[1];
    expect(asked?.waiting?.gate).toEqual(gate);
    expect(asked?.commands.map(({ command }) => command)).toEqual([
      'npx nx approve -c public',
      'npx nx run money:promote:public',
    ]);
  });

  it('names who approved, by signature or as reviewer of the environment', () => {
    const environment = { approvals: [{ login: 'lee' }] };
    expect(cells(stateOf(published('1.0.0'), approved, promoted('1.0.0', { environment })))[1]).toMatchObject(
      {
        version: '1.0.0',
        approvedBy: ['rita', '@lee'],
      },
    );
  });

  it('shows what went back and is held, and how it may move again', () => {
    const state = stateOf(
      published('1.0.0'),
      promoted('1.0.0'),
      published('1.1.0'),
      promoted('1.1.0'),
      back,
      held,
    );
    const [first, last] = cells(state);
    expect(first).toMatchObject({ version: '1.1.0', isHeld: true, held: ['1.1.0'] });
    expect(last).toMatchObject({
      version: '1.0.0',
      held: ['1.1.0'],
      wentBack: { from: '1.1.0', to: '1.0.0', reason: 'broken' },
    });
    expect(last?.waiting).toBeUndefined();
    expect(last?.commands.map(({ command }) => command)).toContain(
      'npx sluice unhold @acme/money 1.1.0 --reason "..."',
    );
    const again = stateOf(published('1.0.0'), promoted('1.0.0'), back, published('1.2.0'), promoted('1.2.0'));
    expect(cells(again)[1]?.wentBack).toBeUndefined();
  });

  it('keeps what only the ledger knows, and shows what was never published', () => {
    const projects = [
      {
        name: '@acme/new',
        project: 'new',
        pipeline: 'packages' as const,
        root: 'libs/new',
        needs: ['@acme/money'],
      },
    ];
    const [packages] = boardOf(stateOf(published('1.0.0')), { projects }).pipelines;
    expect(packages?.projects.map(({ name, needs, news }) => [name, needs, news])).toEqual([
      ['@acme/money', [], undefined],
      ['@acme/new', ['@acme/money'], 'changed'],
    ]);
    expect(packages?.projects[1]?.cells[0]?.commands[0]?.command).toBe('npx nx run new:publish-registry');
  });
});

describe('hosts', () => {
  const deployed = [
    service('published', '1', {
      stage: 'images',
      root: 'apps/api',
      source: { commit: 'c', dirty: false },
      tools: {},
      dependencies: {},
      size: 0,
      tag: '1',
    }),
    service('promoted', '1', { from: 'images', approvals: [], gate: [] }),
    service('deployed', '1'),
  ];
  const production = (...more: LedgerRecord[]) => cells(stateOf(...deployed, ...more), 1)[1];
  const health = (cell: ReturnType<typeof production>) => cell?.running?.hosts.map((host) => host.health);

  it('serve what was verified there', () => {
    expect(production()?.running).toMatchObject({ version: '1', release: 'r-1', by: 'dev' });
    expect(health(production())).toEqual(['serves', 'serves']);
  });
  it.each([
    ['restored', ['serves', 'restored']],
    ['unchanged', ['serves', 'serves']],
    ['broken', ['serves', 'unknown']],
  ])('after a failure that left them %s: %j', (outcome, expected) => {
    const cell = production(service('deploy-failed', '2', { hosts: ['b'], outcome, code: 'X' }));
    expect(health(cell)).toEqual(expected);
    expect(cell?.failed).toMatchObject({ version: '2', outcome, code: 'X', reason: 'because' });
  });
  it('are back where somebody returned', () => {
    const cell = production(
      service('returned', '0', { left: { release: 'r-1', version: '1', integrity: 'x' } }),
    );
    expect(cell?.wentBack).toEqual({ from: '1', to: '0', at: common.at, by: 'dev', reason: 'because' });
    expect(cell?.commands.map(({ command }) => command)).toEqual([
      'npx nx run api:deploy-vps:production',
      'npx nx run api:rollback:production --reason="..."',
    ]);
  });
});

describe('newsOf', () => {
  const node = (name: string, needs: string[], files?: string[]) => ({
    name,
    root: `libs/${name}`,
    needs,
    ...(files ? { files } : {}),
  });
  it('finds what changed, and what hangs on it, also in a circle', () => {
    const nodes = [
      node('a', ['c'], ['libs/a/x']),
      node('b', ['a'], []),
      node('c', ['b'], ['libs/cc/x']),
      node('d', [], ['README.md']),
      node('e', ['d']),
    ];
    expect([...newsOf(nodes)].sort()).toEqual([
      ['a', 'changed'],
      ['b', 'affected'],
      ['c', 'affected'],
      ['e', 'changed'],
    ]);
  });
});

describe('the timeline', () => {
  const state = stateOf(published('1.0.0'), approved, promoted('1.0.0'), published('1.1.0'), held);
  const types = (query: Parameters<typeof selectEvents>[1], from = 0, count = 10) =>
    timelinePage(selectEvents(state, query), from, count).events.map((event) => event.type);

  it('is newest first, in windows', () => {
    expect(types({})).toEqual(['held', 'published', 'promoted', 'approved', 'published']);
    expect(types({}, 1, 2)).toEqual(['published', 'promoted']);
    expect(types({}, 9)).toEqual([]);
  });
  it('is narrowed by words, kind, stage and project, approvals by what they are for', () => {
    expect(types({ text: 'MONEY 1.1' })).toEqual(['held', 'published']);
    expect(types({ types: ['held', 'approved'] })).toEqual(['held', 'approved']);
    expect(types({ stage: 'test' })).toEqual(['published', 'published']);
    expect(types({ name: '@acme/money', types: ['approved'] })).toEqual(['approved']);
    expect(types({ name: '@acme/units' })).toEqual([]);
  });
  it('says of each what its other fields do not', () => {
    const all = [
      published('1.0.0', { source: { commit: 'c0ffee', dirty: true } }),
      approved,
      back,
      service('deployed', '1'),
      service('deploy-failed', '1', { code: 'X', outcome: 'broken' }),
      service('returned', '1', { left: { version: '2' } }),
      { ...held, type: 'released', reason: 'was fine' } as LedgerRecord,
      { ...approved, type: 'freeze-overridden', until: 'noon', reason: 'urgent' } as unknown as LedgerRecord,
    ];
    const events = timelinePage(selectEvents(stateOf(...all), {}), 0, 99).events;
    expect(events.map((event) => event.text).toReversed()).toEqual([
      'built from c0ffee with changes that were not committed',
      '@acme/money@1.0.0: fine',
      'back to 1.0.0: broken',
      'release r-1 on a, b',
      'X on a, b, broken: because',
      'release r-1 on a, b instead of 2: because',
      'was fine',
      'until noon: urgent',
    ]);
  });
});

describe('the evidence of an artifact', () => {
  const reading = (batch: string) => `show ${batch}`;
  it('is where it came from, who let it in, and its hash in every stage', () => {
    const state = stateOf(published('1.0.0'), approved, promoted('1.0.0'));
    expect(
      evidenceOf(state, { name: '@acme/money', version: '1.0.0' }, ['test', 'public'], reading),
    ).toMatchObject({
      project: 'money',
      digest: 'sha512-1.0.0',
      builtFrom: { commit: 'commit-1.0.0', root: 'libs/money', by: 'dev' },
      dependencies: [{ name: '@acme/units', version: '1.0.0', range: '^1.0.0' }],
      stages: [
        { stage: 'test', entered: { same: true, batch: 'records/0.json' } },
        {
          stage: 'public',
          entered: {
            same: true,
            verified: 'bytes',
            conditions: [{ name: 'approvals', detail: '1 of 1' }],
            approvals: [{ by: 'rita', comment: 'fine' }],
            batch: 'records/2.json',
          },
        },
      ],
      events: [],
      commands: [{ command: 'npx nx verify' }, { command: 'show records/0.json' }],
    });
  });
  it('says where other bytes are, what is gone, and what is held', () => {
    const state = stateOf(
      published('1.0.0'),
      promoted('1.0.0'),
      published('1.1.0'),
      promoted('1.1.0', { integrity: 'sha512-other' }),
      back,
      held,
    );
    const sheet = evidenceOf(
      state,
      { name: '@acme/money', version: '1.1.0' },
      ['test', 'public', 'far'],
      reading,
    );
    expect(sheet?.held?.reason).toBe('broken');
    expect(sheet?.stages.map(({ entered, gone }) => [entered?.same, gone])).toEqual([
      [true, undefined],
      [false, true],
      [undefined, undefined],
    ]);
    expect(sheet?.events.map((event) => event.type)).toEqual(['held', 'rolled-back']);
  });
  it('is nothing for what was never published', () => {
    expect(evidenceOf(stateOf(), { name: 'x', version: '1' }, [], reading)).toBeUndefined();
  });
});

it('a word of a command is taken literally by a shell', () => {
  expect(['@acme/money', 'a b', "it's $(x)"].map(word)).toEqual([
    '@acme/money',
    "'a b'",
    String.raw`'it'\''s $(x)'`,
  ]);
});
