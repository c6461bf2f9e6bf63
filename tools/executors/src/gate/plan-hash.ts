import { canonicalHash } from '../foundation/index.ts';
import type { Item } from '../ledger/types.ts';

export interface Planned {
  repository: string;
  pipeline: string;
  stage: string;
  registry: string;
  items: Pick<Item, 'name' | 'version' | 'integrity'>[];
}

/** The hash that an approval signs: where to, and exactly which bytes, in whatever order they are listed. */
export function planHash({ repository, pipeline, stage, registry, items }: Planned): string {
  const sorted = items
    .map(({ name, version, integrity }) => ({ name, version, integrity }))
    .sort(
      (a, b) => compare(a.name, b.name) || compare(a.version, b.version) || compare(a.integrity, b.integrity),
    );
  return canonicalHash({ repository, pipeline, stage, registry, items: sorted });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
