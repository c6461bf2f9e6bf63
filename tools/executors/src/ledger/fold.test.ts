import { describe, expect, it } from 'vitest';
import { Fold } from './fold.ts';
import { Rows } from './rows.ts';
import type { LedgerRecord, LedgerState } from './types.ts';

const common = {
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'packages',
  repository: 'r',
  registry: 'x',
  by: 'unsigned',
  run: '1',
} as const;
const item = (version: string, name = 'money') => ({
  project: name,
  name,
  version,
  integrity: `sha512-${version}`,
});

const published = (version: string, more: object = {}) =>
  ({
    ...common,
    ...item(version),
    type: 'published',
    stage: 'github',
    root: 'libs/money',
    shasum: 'a',
    size: 1,
    tag: 'latest',
    source: { commit: 'c', dirty: false },
    tools: {},
    dependencies: {},
    ...more,
  }) as LedgerRecord;
const promoted = (version: string, more: object = {}) =>
  ({
    ...common,
    ...item(version),
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
const back = (version: string, to?: string, more: object = {}) =>
  ({
    ...common,
    ...item(version),
    type: 'rolled-back',
    stage: 'test',
    tag: 'latest',
    to,
    deprecated: true,
    reason: 'broken',
    dependents: [],
    ...more,
  }) as LedgerRecord;
const held = (version: string, more: object = {}) =>
  ({ ...common, ...item(version), type: 'held', stage: 'test', reason: 'broken', ...more }) as LedgerRecord;
const released = (version: string, more: object = {}) =>
  ({
    ...common,
    ...item(version),
    type: 'released',
    stage: 'test',
    reason: 'fixed',
    ...more,
  }) as LedgerRecord;
const approved = (nonce: string, stage = 'test') =>
  ({
    ...common,
    type: 'approved',
    stage,
    planHash: 'h',
    items: [item('1.0.0')],
    nonce,
    expires: '2026-02-01T00:00:00Z',
    ledgerHead: null,
    policy: 'p',
  }) as LedgerRecord;
const override = (until: string, stage = 'test') =>
  ({ ...common, type: 'freeze-overridden', stage, reason: 'hotfix', until }) as LedgerRecord;

function fold(...records: LedgerRecord[]): LedgerState {
  const rows = new Rows();
  for (const [index, record] of records.entries()) {
    rows.add([record], { path: `b${index}`, blob: '', commit: '' });
  }
  return new Fold(rows).view('head');
}

describe('position', () => {
  it.each<[string, LedgerRecord[], string | undefined]>([
    ['nothing entered', [published('1.0.0')], undefined],
    ['the newest entry', [promoted('1.0.0'), promoted('1.1.0')], '1.1.0'],
    ['an older line that entered last', [promoted('2.0.0'), promoted('1.2.5')], '1.2.5'],
    ['a prerelease', [promoted('1.0.0'), promoted('2.0.0-beta.1', { tag: 'beta' })], '2.0.0-beta.1'],
    ['another stage does not count', [promoted('1.0.0'), promoted('1.1.0', { stage: 'public' })], '1.0.0'],
    ['another package does not count', [promoted('1.0.0'), promoted('9.0.0', { name: 'units' })], '1.0.0'],
    ['after a rollback', [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0')], '1.0.0'],
    ['rolled back with nothing before', [promoted('1.0.0'), back('1.0.0')], undefined],
    [
      'rolled back in another stage',
      [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0', { stage: 'public' })],
      '1.1.0',
    ],
    [
      'rolled back over a version in between',
      [promoted('1.0.0'), promoted('1.1.0'), promoted('1.2.0'), back('1.2.0', '1.0.0')],
      '1.0.0',
    ],
    [
      'a rollback of latest leaves a prerelease with its own tag where it was',
      [
        promoted('1.0.0'),
        promoted('2.0.0-beta.1', { tag: 'beta' }),
        promoted('1.1.0'),
        back('1.1.0', '1.0.0'),
      ],
      '2.0.0-beta.1',
    ],
    [
      'rolled back forth and back again',
      [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0'), back('1.0.0', '1.1.0')],
      '1.1.0',
    ],
    ['held', [promoted('1.0.0'), promoted('1.1.0'), held('1.1.0')], '1.0.0'],
    [
      'held in another stage is held in all',
      [promoted('1.0.0'), held('1.0.0', { stage: 'public' })],
      undefined,
    ],
    ['released without a rollback', [promoted('1.0.0'), held('1.0.0'), released('1.0.0')], '1.0.0'],
    [
      'released after a rollback, not yet entered again',
      [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0'), held('1.1.0'), released('1.1.0')],
      '1.0.0',
    ],
    [
      'entered again after the release',
      [
        promoted('1.0.0'),
        promoted('1.1.0'),
        back('1.1.0', '1.0.0'),
        held('1.1.0'),
        released('1.1.0'),
        promoted('1.1.0'),
      ],
      '1.1.0',
    ],
    [
      'a version entered after the rollback',
      [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0'), promoted('1.2.0')],
      '1.2.0',
    ],
  ])('%s', (_, records, version) => {
    expect(fold(...records).position('test', 'money')?.record.version).toBe(version);
  });

  it('counts the first stage by what was published into it', () => {
    expect(fold(published('1.0.0')).position('github', 'money')?.record.type).toBe('published');
  });
});

describe('newest', () => {
  it.each<[string, LedgerRecord[], string | undefined]>([
    ['nothing entered', [published('1.0.0')], undefined],
    [
      'held elsewhere, and still what people get here',
      [promoted('1.0.0'), promoted('1.1.0'), held('1.1.0')],
      '1.1.0',
    ],
    ['rolled back', [promoted('1.0.0'), promoted('1.1.0'), back('1.1.0', '1.0.0'), held('1.1.0')], '1.0.0'],
    [
      'rolled back over a version in between',
      [promoted('1.0.0'), promoted('1.1.0'), promoted('1.2.0'), back('1.2.0', '1.0.0')],
      '1.0.0',
    ],
  ])('%s', (_, records, version) => {
    expect(fold(...records).newest('test', 'money')?.record.version).toBe(version);
  });
});

describe('standing', () => {
  it.each<[string, LedgerRecord[], boolean]>([
    ['entered', [promoted('1.0.0')], true],
    ['never entered', [promoted('1.1.0')], false],
    ['rolled back', [promoted('1.0.0'), back('1.0.0')], false],
    ['rolled back, and entered again', [promoted('1.0.0'), back('1.0.0'), promoted('1.0.0')], true],
    ['overtaken by a newer one', [promoted('1.0.0'), promoted('1.1.0')], true],
  ])('%s', (_, records, stands) => {
    expect(fold(...records).standing('test', 'money', '1.0.0') !== undefined).toBe(stands);
  });
});

describe('hold', () => {
  it.each<[string, LedgerRecord[], string | undefined]>([
    ['never held', [promoted('1.0.0')], undefined],
    ['held', [held('1.0.0')], 'broken'],
    ['released', [held('1.0.0'), released('1.0.0')], undefined],
    ['held again', [held('1.0.0'), released('1.0.0'), held('1.0.0', { reason: 'again' })], 'again'],
    [
      'another digest was released',
      [held('1.0.0'), released('1.0.0', { integrity: 'sha512-other' })],
      'broken',
    ],
    ['another version was held', [held('1.1.0')], undefined],
  ])('%s', (_, records, reason) => {
    expect(fold(...records).hold('money', '1.0.0')?.record.reason).toBe(reason);
  });
});

describe('approvals, freezes, names', () => {
  it('gives approvals of the stage, newest first, and what they were used for', () => {
    const state = fold(
      approved('n1'),
      approved('n2', 'public'),
      approved('n3'),
      promoted('1.0.0', { approvals: ['n1'] }),
      promoted('1.0.0', { name: 'units', approvals: ['n1', 'n3'] }),
    );
    expect(state.approvals('test').map(({ record }) => record.nonce)).toEqual(['n3', 'n1']);
    expect([...state.spent('n1')]).toEqual(['money@1.0.0', 'units@1.0.0']);
    expect([...state.spent('n3')]).toEqual(['units@1.0.0']);
    expect([...state.spent('n2')]).toEqual([]);
  });

  it('forgets overrides that ended', () => {
    const state = fold(
      override('2026-03-01T00:00:00Z'),
      override('2026-03-03T00:00:00Z'),
      override('2026-03-03T00:00:00Z', 'public'),
    );
    const found = state.overrides('test', new Date('2026-03-02T00:00:00Z'));
    expect(found.map(({ record }) => record.until)).toEqual(['2026-03-03T00:00:00Z']);
  });

  it('names packages, projects and where an artifact came from', () => {
    const state = fold(
      published('1.0.0'),
      published('1.0.0', { integrity: 'sha512-forged', project: 'renamed' }),
      promoted('9.0.0', { name: 'never-published' }),
      published('1.0.0', { name: 'a' }),
    );
    expect(state.packages()).toEqual(['a', 'money']);
    expect(state.project('money')).toBe('renamed');
    expect(state.published('money', '1.0.0')?.record.integrity).toBe('sha512-1.0.0');
    expect(state.published('money', '2.0.0')).toBeUndefined();
  });

  it('lists a stage from the oldest on, and takes the newest entry of a version', () => {
    const state = fold(promoted('1.0.0'), promoted('1.1.0'), promoted('1.0.0', { planHash: 'second' }));
    expect(state.history('test', 'money').map(({ record }) => record.version)).toEqual([
      '1.0.0',
      '1.1.0',
      '1.0.0',
    ]);
    expect(state.entered('test', 'money', '1.0.0')).toMatchObject({
      record: { planHash: 'second' },
      batch: 'b2',
      order: 2,
    });
    expect(state.entered('test', 'money', '3.0.0')).toBeUndefined();
  });

  it('keeps a view as it was taken while the ledger grows', () => {
    const rows = new Rows();
    const all = new Fold(rows);
    const add = (record: LedgerRecord) =>
      rows.add([record], { path: `b${rows.length}`, blob: '', commit: '' });
    add(published('1.0.0'));
    add(promoted('1.0.0', { approvals: ['n'] }));
    const before = all.view('a');
    add(published('1.0.0', { name: 'units' }));
    add(promoted('1.1.0', { approvals: ['n'] }));
    add(held('1.0.0'));
    const after = all.view('b');
    expect([before.count, before.packages(), before.position('test', 'money')?.record.version]).toEqual([
      2,
      ['money'],
      '1.0.0',
    ]);
    expect([before.hold('money', '1.0.0'), before.spent('n').size]).toEqual([undefined, 1]);
    expect([after.count, after.packages(), after.position('test', 'money')?.record.version]).toEqual([
      5,
      ['money', 'units'],
      '1.1.0',
    ]);
    expect([after.hold('money', '1.0.0')?.order, after.spent('n').size]).toEqual([4, 2]);
  });
});

describe('records', () => {
  it('are those that are kept by their columns, in order, and parsed only where somebody looks', () => {
    const looked: number[] = [];
    const all = [published('1.0.0'), promoted('1.0.0'), published('1.1.0'), back('1.0.0')];
    const rows = new Rows();
    all.forEach((record, n) => rows.add([record], { path: `${n}`, blob: '', commit: '' }));
    const parse = rows.record.bind(rows);
    rows.record = (row) => (looked.push(row), parse(row));
    const state = new Fold(rows).view('h');
    const found = state.records((row) => row.type === 'published' && row.name === 'money');
    expect([found.length, state.records().length, looked]).toEqual([2, 4, []]);
    expect(found.at(1)).toEqual({ record: all[2], batch: '2', order: 2 });
    expect(found.at(2)).toBeUndefined();
    expect(looked).toEqual([2]);
    const late = state.records((_, record) => record().by === 'unsigned' && 'to' in record());
    expect(late.at(0)?.order).toBe(3);
  });
});
