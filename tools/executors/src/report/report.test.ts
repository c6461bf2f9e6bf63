import { describe, expect, it } from 'vitest';
import { formatApproval, formatPlan } from './plan.ts';
import { formatStatus } from './status.ts';
import { age, table } from './table.ts';
import { planItem as item, planOf as plan } from './testing/plans.ts';
import { formatVerify } from './verify.ts';

const gate = (open: boolean, detail: string) => ({
  open,
  approvals: [],
  policy: 'p',
  results: [
    { condition: 'approvals' as const, open, detail },
    { condition: 'soak' as const, open: true, detail: 'long enough' },
  ],
});

describe('a table', () => {
  it('pads by what is seen, not by colour codes, and leaves no blanks at the end', () => {
    const red = '\u001B[31mab\u001B[39m';
    expect(
      table(
        ['a', 'b'],
        [
          [red, '1'],
          ['abc', ''],
        ],
      ),
    ).toBe(`a    b\n---  -\n${red}   1\nabc`);
    expect(table(['only', 'header'], [])).toBe('only  header\n----  ------');
  });

  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, '1 minute'],
    [3_599, '59 minutes'],
    [3_600, '1 hour'],
    [86_399, '23 hours'],
    [86_400, '1 day'],
    [400 * 86_400, '400 days'],
    [-5, '0 seconds'],
  ])('says %i seconds as %s', (seconds, text) => {
    const from = '2026-01-01T00:00:00.000Z';
    expect(age(from, new Date(Date.parse(from) + seconds * 1000))).toBe(text);
  });
});

describe('a plan in words', () => {
  it('has a row a package, what the gate says once, and every refusal with its next step', () => {
    const text = formatPlan(
      plan(
        item('units', { previous: '1.0.0', gate: gate(false, '0 of 1') }),
        item('money', { movesTag: false, gate: gate(false, '0 of 1') }),
        item('logger', { gate: gate(true, '1 of 1') }),
        item('old', { action: 'nothing' }),
        item('bad', {
          action: 'refused',
          version: '',
          integrity: '',
          problem: { code: 'PREDECESSOR_EMPTY', what: 'nothing there', state: 's', next: 'publish it' },
        }),
      ),
    );
    expect(text.split('\n')).toEqual([
      'test -> public (default), plan 0123456789ab',
      '',
      expect.stringMatching(/^package +in public +version +what happens +bytes$/),
      expect.stringMatching(/^-+/),
      expect.stringMatching(/^@acme\/units +1\.0\.0 +1\.1\.0 +gate closed +sha512-a{15}$/),
      expect.stringMatching(/^@acme\/money +- +1\.1\.0 +gate closed /),
      expect.stringMatching(/^@acme\/logger +- +1\.1\.0 +promote, tag latest /),
      expect.stringMatching(/^@acme\/old +- +1\.1\.0 +nothing to do /),
      expect.stringMatching(/^@acme\/bad +- +- +refused +-$/),
      '',
      'gate:',
      '  closed approvals: 0 of 1 (units, money)',
      '  open   soak: long enough',
      '  open   approvals: 1 of 1 (logger)',
      '',
      'PREDECESSOR_EMPTY: nothing there',
      '  next: publish it',
    ]);
  });

  it('says where a tag stays', () => {
    expect(formatPlan(plan(item('money', { movesTag: false })))).toMatch(/promote, latest stays/);
  });
});

describe('an approval in words', () => {
  const approved = { plan: plan(item('money')), by: 'rita', open: ['@acme/money@1.1.0'], closed: [] };
  it.each<[string, Parameters<typeof formatApproval>[0], RegExp]>([
    [
      'with what is open now',
      approved,
      /^approved by rita: plan 0123456789ab for public\nopen: @acme\/money@1\.1\.0\nnext: npx nx run-many -t promote -c public$/,
    ],
    [
      'with what is missing',
      { ...approved, open: [], closed: [{ id: 'a@1', missing: ['soak: an hour'] }] },
      /^approved by rita.*\nstill missing:\n {2}a@1: soak: an hour$/,
    ],
    [
      'that was not given',
      { plan: approved.plan, open: [], closed: [{ id: 'a@1', missing: ['x'] }] },
      /^not approved: plan 0123456789ab for public\nstill missing:/,
    ],
    ['of nothing', { plan: approved.plan, open: [], closed: [] }, /^nothing waits for public$/],
  ])('%s', (_, given, text) => {
    expect(formatApproval(given)).toMatch(text);
  });
});

describe('a proof in words', () => {
  const report = {
    schemaVersion: 1 as const,
    ok: true,
    proved: 3,
    bytes: 2048,
    history: { records: 4, problems: 0 },
    findings: [],
  };
  it('is short where all is well', () => {
    expect(formatVerify(report)).toBe(
      '3 downloads (2.0 kB) hold the bytes that the ledger names\n4 records in the ledger: history and signatures are sound\nverified',
    );
  });
  it('names every problem, and sets notes apart', () => {
    const text = formatVerify({
      ...report,
      ok: false,
      history: { records: 4, problems: 1 },
      findings: [
        { kind: 'history', what: 'it was edited' },
        { kind: 'artifact', what: 'built again' },
      ],
    });
    expect(text.split('\n').slice(1)).toEqual([
      '4 records in the ledger: 1 problems',
      'PROBLEM history: it was edited',
      'note: built again',
      expect.stringMatching(/^1 problems; nothing was changed\. Next: /),
    ]);
  });
});

describe('a status in words', () => {
  it.each([
    ['no package', [], /npx nx g @sluice\/nx:package/],
    [
      'nothing published',
      [{ project: 'money', name: '@acme/money', stages: [{ stage: 'github', approvedBy: [] }] }],
      /^money +-$[^]*npx nx run-many -t publish-registry/m,
    ],
  ])('says what to type where there is %s yet', (_, packages, said) => {
    const status = {
      schemaVersion: 1,
      profile: 'local',
      ledgerHead: null,
      records: 0,
      packages,
      services: [],
    } as const;
    expect(formatStatus({ ...status, services: [], packages: [...packages] }, new Date())).toMatch(said);
  });
});
