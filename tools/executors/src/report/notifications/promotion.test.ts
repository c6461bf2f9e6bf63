import { describe, expect, it } from 'vitest';
import { errors } from '../../foundation/index.ts';
import { failure, type PackageResult } from '../../promotion/carry.ts';
import type { RollbackPlan } from '../../promotion/rollback.ts';
import type { PlanItem } from '../../promotion/types.ts';
import { planItem, planOf } from '../testing/plans.ts';
import { promotionWords, rollbackWords } from './promotion.ts';

const commands = {
  next: 'npx nx verify',
  approve: 'npx nx approve -c public',
  rollback: (project: string) => `npx nx run ${project}:rollback:public`,
};
const closed = (...conditions: ('approvals' | 'soak')[]): Partial<PlanItem> => ({
  gate: {
    open: false,
    approvals: [],
    policy: 'p',
    results: conditions.map((condition) => ({ condition, open: false, detail: '0 of 1' })),
  },
});
const of = ({ project, name, version }: PlanItem) => ({ project, name, version });
const done = (item: PlanItem): PackageResult => ({
  ...of(item),
  success: true,
  status: 'done',
  reached: ['tagged'],
  line: '',
});
const broken = (item: PlanItem) =>
  failure(of(item), errors.NOT_VISIBLE_YET({ name: item.name, version: item.version, stage: 'public' }));

describe('a promotion', () => {
  const [units, money, shop] = [
    planItem('units', { previous: '1.0.0' }),
    planItem('money'),
    planItem('shop', closed('approvals', 'soak')),
  ];

  it('is told in one message for what moved, one for what failed, and one for what waits for a person', () => {
    const plan = planOf(units, money, shop);
    const gate = failure(
      of(shop),
      errors.STAGED_WAITING({ name: 'shop', version: '1', stage: 's', compared: true }),
    );
    expect(promotionWords(plan, [done(units), broken(money), gate], commands)).toEqual([
      {
        event: 'succeeded',
        action: 'promotion',
        stage: 'public',
        project: 'units',
        version: '1.1.0',
        from: 'test',
        to: 'public',
        changes: [{ project: 'units', version: '1.1.0', previous: '1.0.0' }],
        digest: units.integrity,
        next: 'npx nx verify',
        wayBack: 'npx nx run units:rollback:public',
      },
      expect.objectContaining({
        event: 'failed',
        project: 'money',
        error: expect.objectContaining({ code: 'NOT_VISIBLE_YET', next: expect.any(String) }),
      }),
      expect.objectContaining({
        event: 'approval-requested',
        project: 'shop',
        next: 'npx nx approve -c public',
        waitsFor: ['approvals: 0 of 1', 'soak: 0 of 1'],
      }),
    ]);
  });

  it('of many names three and counts the others; one error stands for all', () => {
    const items = ['a', 'b', 'c', 'd', 'e'].map((name) => planItem(name));
    const [moved] = promotionWords(planOf(...items), items.map(done), commands);
    expect(moved).toMatchObject({ project: 'a 1.1.0, b 1.1.0, c 1.1.0 and 2 more', version: '' });
    expect(moved?.changes).toHaveLength(5);
    expect(moved).not.toHaveProperty('wayBack');
    const [failed] = promotionWords(planOf(...items), items.map(broken), commands);
    expect(failed?.error?.what).toMatch(/ \(and 4 more\)$/);
  });

  it.each<[string, PlanItem, (item: PlanItem) => PackageResult]>([
    ['had nothing to do', planItem('a', { action: 'nothing' }), (a) => ({ ...done(a), status: 'nothing' })],
    ['waits for time alone', planItem('a', closed('soak')), (a) => ({ ...broken(a), status: 'blocked' })],
    ['was stopped', planItem('a'), (a) => ({ ...broken(a), status: 'cancelled' })],
  ])('that %s is not told', (_, item, result) => {
    expect(promotionWords(planOf(item), [result(item)], commands)).toEqual([]);
  });
});

describe('a rollback of packages', () => {
  const plan = {
    project: 'money',
    name: '@acme/money',
    bad: { version: '1.1.0', integrity: 'i' },
    to: '1.0.0',
  };
  const result = { ...done(planItem('money')), name: '@acme/money' };
  it('says from which version to which, and what follows', () => {
    expect(rollbackWords('public', [plan as RollbackPlan], [result], 'npx nx release')).toEqual([
      {
        event: 'rolled-back',
        action: 'rollback',
        stage: 'public',
        project: 'money',
        version: '1.1.0',
        changes: [{ project: 'money', previous: '1.1.0', version: '1.0.0' }],
        from: '1.1.0',
        to: '1.0.0',
        outcome: 'held: nothing promotes it until somebody says that it is good after all',
        next: 'npx nx release',
      },
    ]);
  });

  it('that failed says why, and what to type', () => {
    const [words] = rollbackWords('public', [], [broken(planItem('money'))], 'npx nx release');
    expect(words).toMatchObject({ event: 'failed', action: 'rollback', error: { code: 'NOT_VISIBLE_YET' } });
    expect(rollbackWords('public', [], [{ ...result, status: 'nothing' }], 'x')).toEqual([]);
  });
});
