import { describe, expect, it } from 'vitest';
import { Fold } from '../ledger/fold.ts';
import { Rows } from '../ledger/rows.ts';
import type { LedgerRecord, LedgerState } from '../ledger/types.ts';
import { parseOptions } from '../pipeline/index.ts';
import { candidates } from './candidates.ts';
import { formatOutcome } from './format.ts';
import { changelogSection, commitList, proofTable } from './notes.ts';
import { placesOf } from './places.ts';
import type { Candidate } from './types.ts';

const DAY = (day: number) => `2026-01-0${day}T12:00:00.000Z`;
const record = (type: string, stage: string, name: string, version: string, more: object = {}) =>
  ({
    type,
    at: DAY(1),
    pipeline: 'packages',
    repository: 'r',
    registry: 'x',
    by: 'ci',
    run: '1',
    stage,
    project: name,
    name: `@acme/${name}`,
    version,
    integrity: `sha512-${version}`,
    ...(type === 'published'
      ? { root: `libs/${name}`, source: { commit: `commit-of-${version}`, dirty: false } }
      : {}),
    ...(type === 'promoted' ? { approvals: [], gate: [] } : {}),
    ...more,
  }) as unknown as LedgerRecord;
/** Through all three stages. */
const through = (name: string, version: string, at = DAY(1), more: object = {}) => [
  record('published', 'github', name, version, { at }),
  record('promoted', 'test', name, version, { at }),
  record('promoted', 'public', name, version, { at, ...more }),
];
function stateOf(...records: LedgerRecord[]): LedgerState {
  const rows = new Rows();
  for (const [index, one] of records.entries()) rows.add([one], { path: `b${index}`, blob: '', commit: '' });
  return new Fold(rows).view('head');
}

describe('the part of a changelog', () => {
  it.each([
    [
      'as nx release writes it',
      '## 1.2.0 (2026-11-21)\n\n### Fixes\n\n- a\n\n## 1.1.0\n\n- b\n',
      '### Fixes\n\n- a',
    ],
    ['a major one, with a higher heading', '# 1.2.0 (2026-11-21)\n\n- a\n\n## 1.1.0\n\n- b\n', '- a'],
    [
      'as changesets and semantic-release write it',
      '# money\n\n## [1.2.0](https://x/compare) (d)\n\n- a\n',
      '- a',
    ],
    ['with its package', '## @acme/money@1.2.0\r\n\r\n- a\r\n', '- a'],
    ['with a v', '# Changelog\n\n## v1.2.0\n- a\n# Appendix\n- z\n', '- a'],
    ['without anything in it', '## 1.2.0\n\n## 1.1.0\n- b\n', ''],
  ])('%s', (_, text, section) => {
    expect(changelogSection(text, '1.2.0')).toBe(section);
  });
  it.each(['', '## 1.2.0-beta.1\n- a', '## 11.2.0\n- a', 'see 1.2.0'])('is not found in %j', (text) => {
    expect(changelogSection(text, '1.2.0')).toBeUndefined();
  });
  it('is made of the commits where there is none', () => {
    expect(commitList([{ hash: 'abcdef0123', message: 'fix: it\n\nbecause' }])).toBe('- fix: it (abcdef0)');
  });
});

describe('which versions are told about', () => {
  const state = stateOf(
    ...through('money', '1.0.0', DAY(1)),
    ...through('money', '1.2.0', DAY(3)),
    ...through('money', '1.1.1', DAY(4)),
    ...through('units', '1.0.0', DAY(2)),
    record('published', 'github', 'waits', '1.0.0'),
  );
  const told = (wanted: Partial<Parameters<typeof candidates>[1]>, of = state) =>
    candidates(of, { stage: 'public', since: new Date(0), ...wanted }).map(
      ({ name, version, before, isNewest }) =>
        `${name}@${version} after ${before?.record.version} ${isNewest}`,
    );

  it('are all that stand in the stage, in the order in which they came, with what each follows', () => {
    // The ledger's order counts, not the clock of whoever recorded.
    expect(told({})).toEqual([
      '@acme/money@1.0.0 after undefined false',
      '@acme/money@1.2.0 after 1.0.0 true',
      '@acme/money@1.1.1 after 1.0.0 false',
      '@acme/units@1.0.0 after undefined true',
    ]);
  });
  it('are those of late', () => {
    expect(told({ since: new Date(DAY(3)) })).toEqual([
      '@acme/money@1.2.0 after 1.0.0 true',
      '@acme/money@1.1.1 after 1.0.0 false',
    ]);
  });
  it('are the newest where they are named, whenever it came', () => {
    expect(told({ since: new Date(DAY(9)), names: ['@acme/money'] })).toEqual([
      '@acme/money@1.2.0 after 1.0.0 true',
    ]);
  });
  it('are none that are held or were rolled back', () => {
    const more = [
      record('rolled-back', 'public', 'money', '1.2.0', {
        tag: 'latest',
        reason: 'r',
        dependents: [],
        deprecated: true,
      }),
      record('held', 'test', 'units', '1.0.0', { reason: 'r' }),
    ];
    expect(
      told(
        {},
        stateOf(
          ...through('money', '1.0.0'),
          ...through('money', '1.2.0'),
          ...through('units', '1.0.0'),
          ...more,
        ),
      ),
    ).toEqual(['@acme/money@1.0.0 after undefined true']);
  });
});

it('a release says what it is, which way it came, and who let it in', () => {
  const state = stateOf(
    record('approved', 'public', 'money', '', {
      nonce: 'n1',
      by: 'ada@acme.example',
      items: [],
      planHash: 'h',
    }),
    ...through('money', '1.2.0', DAY(2), {
      approvals: ['n1'],
      environment: { name: 'Production', approvals: [{ login: 'grace' }] },
    }),
  );
  const [candidate] = candidates(state, { stage: 'public', since: new Date(0) }) as [Candidate];
  expect(proofTable(candidate, ['github', 'test', 'public'], state)).toBe(
    [
      '| | |',
      '|---|---|',
      '| Integrity | `sha512-1.2.0` |',
      '| Built from | commit-of-1.2.0 |',
      '| Way | github (2026-01-02 12:00 UTC) → test (2026-01-02 12:00 UTC) → public (2026-01-02 12:00 UTC) |',
      '| Approved by | ada@acme.example, grace |',
      `| Ledger | \`${state.head}\` |`,
    ].join('\n'),
  );
});

describe('what is where', () => {
  const options = parseOptions({
    packages: {
      stages: [{ name: 'github' }, { name: 'test' }, { name: 'public', gate: { environment: 'Production' } }],
    },
    services: {
      images: 'ghcr.io/acme',
      stages: [
        { name: 'staging', hosts: ['a'] },
        { name: 'production', hosts: ['b'], gate: { environment: 'asks' } },
      ],
    },
  });
  const env = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/platform',
    GITHUB_RUN_ID: '7',
  };

  it('of packages is their position, in the environment of the gate', () => {
    const state = stateOf(...through('money', '1.0.0', DAY(1)), ...through('money', '1.1.0', DAY(2)));
    const wanted = { stage: 'public', pipeline: 'packages' as const, since: new Date(0), env };
    expect(placesOf(state, options, wanted)).toEqual([
      {
        project: 'money',
        name: '@acme/money',
        version: '1.1.0',
        digest: 'sha512-1.1.0',
        commit: 'commit-of-1.1.0',
        environment: 'Production',
        isProduction: true,
        payload: { stage: 'public', pipeline: 'packages', record: 'promoted', ledger: state.head },
        log: 'https://github.com/acme/platform/actions/runs/7',
      },
    ]);
    expect(placesOf(state, options, { ...wanted, stage: 'test', env: {} })).toMatchObject([
      { environment: 'test', isProduction: false },
    ]);
    expect(placesOf(state, options, { ...wanted, since: new Date(DAY(3)) })).toEqual([]);
    expect(
      placesOf(state, options, { ...wanted, since: new Date(DAY(3)), names: ['@acme/money'] }),
    ).toHaveLength(1);
  });

  it('of services is what serves, after a return too', () => {
    const service = (type: string, stage: string, version: string, more: object = {}) =>
      record(type, stage, 'api', version, { pipeline: 'services', integrity: `sha256:${version}`, ...more });
    const ran = {
      release: 'r1',
      hosts: ['a', 'b'],
      composeHash: 'c',
      environmentHash: 'e',
      databaseVersion: null,
    };
    const state = stateOf(
      service('published', 'images', 'sha-1'),
      service('published', 'images', 'sha-2'),
      service('deployed', 'production', 'sha-1', ran),
      service('deployed', 'production', 'sha-2', ran),
      service('deploy-failed', 'production', 'sha-3', {
        ...ran,
        code: 'C',
        reason: 'r',
        outcome: 'restored',
      }),
      service('returned', 'production', 'sha-1', { ...ran, reason: 'r' }),
    );
    expect(
      placesOf(state, options, { stage: 'production', pipeline: 'services', since: new Date(0), env: {} }),
    ).toEqual([
      {
        project: 'api',
        name: '@acme/api',
        version: 'sha-1',
        digest: 'sha256:sha-1',
        commit: 'commit-of-sha-1',
        environment: 'production',
        isProduction: true,
        payload: {
          stage: 'production',
          pipeline: 'services',
          record: 'returned',
          ledger: state.head,
          release: 'r1',
          hosts: 2,
        },
      },
    ]);
  });
});

it('an outcome is a line, with what is missing, and how to go on', () => {
  const one = { what: 'release' as const, project: 'money', name: '@acme/money', version: '1.0.0' };
  expect(formatOutcome({ ...one, status: 'made', url: 'https://x', notes: ['no SBOM'] })).toBe(
    'release @acme/money@1.0.0: made (https://x)\n  no SBOM',
  );
  expect(
    formatOutcome({
      ...one,
      status: 'failed',
      notes: [],
      problem: { code: 'C', what: 'w', state: 's', next: 'n' },
    }),
  ).toBe('release @acme/money@1.0.0: failed\n  C: w\n  now:  s\n  next: n');
});
