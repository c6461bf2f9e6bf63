import type { PlanItem, PromotionPlan } from '../../promotion/types.ts';

/** An item that would be promoted. */
export const planItem = (project: string, more: Partial<PlanItem> = {}): PlanItem => ({
  project,
  name: `@acme/${project}`,
  version: '1.1.0',
  integrity: `sha512-${'a'.repeat(86)}==`,
  size: 7,
  action: 'promote',
  tag: 'latest',
  movesTag: true,
  after: [],
  ...more,
});

/** A plan from test to public. */
export const planOf = (...items: PlanItem[]): PromotionPlan => ({
  schemaVersion: 1,
  pipeline: 'packages',
  repository: 'r',
  stage: 'public',
  from: 'test',
  registry: 'default',
  hash: '0123456789abcdef',
  ledgerHead: null,
  policy: 'p',
  items,
});
