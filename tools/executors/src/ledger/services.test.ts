import { describe, expect, it } from 'vitest';
import { Fold } from './fold.ts';
import { Rows } from './rows.ts';
import type { LedgerRecord, LedgerState } from './types.ts';
import { recordProblem } from './validate.ts';

const digest = (version: string) => `sha256:${version.repeat(64).slice(0, 64)}`;
const service = (version: string, more: object) => ({
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'services',
  repository: 'r',
  registry: 'x',
  by: 'unsigned',
  run: '1',
  stage: 'staging',
  project: 'api',
  name: '@acme/api',
  version,
  integrity: digest(version),
  ...more,
});
const image = {
  repository: 'api',
  mediaType: 'm',
  images: { api: digest('a') },
  builder: 'buildkit',
  attachments: [],
};
const published = (version: string, more: object = {}) =>
  service(version, {
    type: 'published',
    stage: 'images',
    root: 'apps/api',
    size: 1,
    tag: version,
    image,
    source: { commit: 'c', dirty: false },
    tools: {},
    dependencies: {},
    ...more,
  });
const promoted = (version: string, more: object = {}) =>
  service(version, {
    type: 'promoted',
    from: 'images',
    tag: 'staging',
    tags: ['staging'],
    verified: 'bytes',
    planHash: 'h',
    policy: 'p',
    approvals: [],
    gate: [],
    ...more,
  });
const ran = {
  release: '20260101T000000-aaaaaaaaaaaa',
  hosts: ['deploy@h'],
  composeHash: 'c',
  environmentHash: 'e',
  databaseVersion: null,
};
const deployed = (version: string, more: object = {}) =>
  service(version, { type: 'deployed', ...ran, ...more });
const failed = (version: string, more: object = {}) =>
  deployed(version, { type: 'deploy-failed', code: 'X', reason: 'r', outcome: 'restored', ...more });
const returned = (version: string, more: object = {}) =>
  deployed(version, { type: 'returned', reason: 'r', ...more });
const npm = {
  ...published('1.0.0', { stage: 'github', shasum: 'a' }),
  pipeline: 'packages',
  name: '@acme/money',
};

function stateOf(...records: object[]): LedgerState {
  const rows = new Rows();
  const fold = new Fold(rows);
  records.forEach((record, i) =>
    rows.add([record as LedgerRecord], { path: `records/2026/01/01/${i}.json`, blob: 'b', commit: 'c' }),
  );
  return fold.view('head');
}

describe('the fold of services', () => {
  it('lists packages and services apart, also from a snapshot', () => {
    const rows = new Rows();
    for (const record of [npm, published('b')])
      rows.add([record as LedgerRecord], { path: 'p', blob: 'b', commit: 'c' });
    for (const state of [new Fold(rows), new Fold(new Rows(rows.pack()))].map((fold) => fold.view('head'))) {
      expect(state.packages()).toEqual(['@acme/money']);
      expect(state.services()).toEqual(['@acme/api']);
      expect(state.project('@acme/api')).toBe('api');
    }
  });

  it('goes by order: a version that was promoted again is the position, whatever its name', () => {
    const state = stateOf(published('b'), promoted('b'), published('a'), promoted('a'), promoted('b'));
    expect(state.position('staging', '@acme/api')?.record.version).toBe('b');
    expect(state.position('images', '@acme/api')?.record.version).toBe('a');
  });

  it('knows what runs, and what ran; failures do not count', () => {
    const state = stateOf(deployed('a'), deployed('b'), failed('c'), returned('a'), failed('d'));
    expect(state.running('staging', '@acme/api')).toMatchObject({
      order: 3,
      record: { type: 'returned', version: 'a' },
    });
    expect(state.deployed('staging', '@acme/api', 'a')?.order).toBe(3);
    expect(state.deployed('staging', '@acme/api', 'b')?.order).toBe(1);
    expect(state.deployed('staging', '@acme/api', 'c')).toBeUndefined();
    expect(state.running('production', '@acme/api')).toBeUndefined();
    expect(state.deployments('staging', '@acme/api').map(({ record }) => record.type)).toEqual([
      'deployed',
      'deployed',
      'deploy-failed',
      'returned',
      'deploy-failed',
    ]);
  });

  it('does not take a deployment for an entry into the stage', () => {
    const state = stateOf(published('a'), deployed('a'));
    expect(state.entered('staging', '@acme/api', 'a')).toBeUndefined();
    expect(state.position('staging', '@acme/api')).toBeUndefined();
  });

  it('says of earlier rows what it said before', () => {
    const rows = new Rows();
    const fold = new Fold(rows);
    const add = (record: object) => rows.add([record as LedgerRecord], { path: 'p', blob: 'b', commit: 'c' });
    add(deployed('a'));
    const before = fold.view('one');
    add(deployed('b'));
    fold.view('two');
    expect(before.running('staging', '@acme/api')?.record.version).toBe('a');
    expect(before.deployed('staging', '@acme/api', 'b')).toBeUndefined();
  });
});

describe('the records of services', () => {
  it.each([
    ['published', published('a')],
    ['promoted', promoted('a')],
    ['deployed', deployed('a', { backup: 'backup_x.tar.gz', previous: 'r0', migrations: ['001.sql'] })],
    ['deploy-failed', failed('a')],
    [
      'returned',
      returned('a', { left: { release: 'r', version: 'b', integrity: digest('b') }, restored: 'f' }),
    ],
    ['published, of a package', npm],
  ])('%s', (_, record) => {
    expect(recordProblem(record)).toBeUndefined();
  });

  it.each<[string, object, string]>([
    ['an image without its digest', published('a', { integrity: 'sha512-x' }), 'integrity'],
    ['an image without what it is', published('a', { image: undefined }), 'image'],
    [
      'an image in it without a digest',
      published('a', { image: { ...image, images: { api: 'latest' } } }),
      'image',
    ],
    ['a package without its shasum', { ...npm, shasum: undefined }, 'shasum'],
    ['a promotion without a digest', promoted('a', { integrity: 'sha512-x' }), 'integrity'],
    ['a deployment of a package', deployed('a', { pipeline: 'packages' }), 'pipeline'],
    ['a deployment to nowhere', deployed('a', { hosts: undefined }), 'hosts'],
    ['a failure that ended in no known way', failed('a', { outcome: 'fine' }), 'outcome'],
    ['a return from half a release', returned('a', { left: { release: 'r' } }), 'left'],
  ])('refuses %s', (_, record, field) => {
    expect(recordProblem(record)).toBe(`its field "${field}" is missing or wrong`);
  });
});
