import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errors } from '../../foundation/index.ts';
import type { Status } from '../../promotion/status.ts';
import type { PlanItem } from '../../promotion/types.ts';
import { planItem, planOf as plan } from '../testing/plans.ts';
import { annotationOf, planMarkdown, planOutputs, statusMarkdown, toOutputs, toSummary } from './index.ts';

const item = (project: string, more: Partial<PlanItem> = {}) =>
  planItem(project, { integrity: 'sha512-abc==', ...more });
const closed = {
  open: false,
  approvals: [],
  policy: 'p',
  results: [{ condition: 'approvals' as const, open: false, detail: '0 of 1 | <b>' }],
};

describe('a plan in the summary', () => {
  it('shows what would move, what the gate says, and the hash', () => {
    const text = planMarkdown(plan(item('a', { gate: closed }), item('b', { action: 'nothing' })));
    expect(text).toContain('### test → public');
    expect(text).toContain('| @acme/a | \\- | 1.1.0 | waits at the gate | sha512\\-abc== |');
    expect(text).toContain('- ⏳ approvals: 0 of 1 \\| &lt;b>');
    expect(text).toContain('<code>/approve public 0123456789abcdef</code>');
    expect(planMarkdown(plan(item('a')))).toContain('Plan <code>0123456789abcdef</code>');
    expect(text).toContain('comment: <code>/approve public 0123456789abcdef</code>');
  });

  it('is one line where nothing waits', () => {
    expect(planMarkdown(plan(item('a', { action: 'nothing' })))).toBe(
      '### test → public\n\nNothing waits.\n\n',
    );
  });
});

describe('what the jobs behind are told', () => {
  it.each([
    [plan(), { waiting: 'false', open: 'true', items: '' }],
    [plan(item('a', { action: 'nothing' })), { waiting: 'false', open: 'true', items: '' }],
    [
      plan(item('a'), item('b', { gate: closed })),
      { waiting: 'true', open: 'false', items: '@acme/a@1.1.0=sha512-abc== @acme/b@1.1.0=sha512-abc==' },
    ],
  ])('%#', (given, outputs) => {
    expect(planOutputs(given)).toEqual(outputs);
  });
});

const stands = (stage: string, more: object = {}) => ({ stage, approvedBy: [], ...more });
const STATUS: Status = {
  schemaVersion: 1,
  profile: 'live',
  ledgerHead: null,
  records: 1,
  packages: [
    {
      project: 'money',
      name: '@acme/money',
      stages: [
        stands('github', { version: '1.1.0' }),
        stands('public', { version: '1.0.0', waiting: '1.1.0', waitsFor: ['approvals: 0 of 1'] }),
      ],
    },
  ],
  services: [
    {
      project: 'api',
      name: 'api',
      stages: [
        stands('images', { version: 'sha-b' }),
        stands('staging', { version: 'sha-b', running: { version: 'sha-a' } }),
      ],
    } as Status['services'][number],
  ],
};

describe('the table afterwards', () => {
  const text = statusMarkdown(STATUS);
  it('has a picture of the stages, with what waits between them', () => {
    expect(text).toContain(
      [
        '```mermaid',
        'flowchart LR',
        '  packages0["github<br/>1 of 1"]',
        '  packages1["public<br/>1 of 1"]',
        '  packages0 -. 1 waits .-> packages1',
        '```',
      ].join('\n'),
    );
    expect(text).toContain('  services0 --> services1');
  });

  it('has a row for each project', () => {
    expect(text).toContain('| money | 1.1.0 | 1.0.0<br>1.1.0 waits: approvals: 0 of 1 |');
    expect(text).toContain('| api | sha\\-b | sha\\-b<br>runs sha\\-a |');
  });
});

describe('the files of a step', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-job-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('grow; a value is one line, so that none can pass for another', async () => {
    const env = { GITHUB_STEP_SUMMARY: join(folder, 'summary'), GITHUB_OUTPUT: join(folder, 'output') };
    await toSummary(env, 'a\n');
    await toSummary(env, 'b\n');
    await toOutputs(env, { items: 'x\nwaiting=true', waiting: 'false' });
    expect(await readFile(env.GITHUB_STEP_SUMMARY, 'utf8')).toBe('a\nb\n');
    expect(await readFile(env.GITHUB_OUTPUT, 'utf8')).toBe('items=x waiting=true\nwaiting=false\n');
  });

  it('are not missed outside of a job', async () => {
    await toSummary({}, 'a');
    await toOutputs({}, { a: 'b' });
    expect(annotationOf({}, errors.NO_COMMIT(undefined))).toBeUndefined();
  });
});

it('an error is an annotation with its code as the title, on one line', () => {
  const error = errors.PLAN_CHANGED({ stage: 'public', items: ['a@1', 'b@2'] });
  const line = annotationOf({ GITHUB_ACTIONS: 'true' }, error);
  expect(line).toMatch(/^::error title=PLAN_CHANGED::PLAN_CHANGED: [^\n]*a@1, b@2%0A/);
});
