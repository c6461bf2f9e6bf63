import semver from 'semver';
import type { SluiceError } from '../foundation/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { StageStore } from '../registry/types.ts';
import { runRows } from '../steps/index.ts';
import { mayMove } from './tags.ts';

interface Moved {
  name: string;
  version: string;
  tag: string;
}

/**
 * Two runs that bring different versions of a package at once may move its dist-tag in the wrong order, since registries
 * cannot compare and swap. The ledger can: whoever records last sees the other's record, and by then both have moved
 * their tags, so it puts the tag on the highest of them. Returns what could not be settled, by package.
 * @param since number of records when this run made its plan
 */
export async function settleTags(
  stage: Stage,
  store: StageStore,
  moved: Moved[],
  state: LedgerState,
  since: number,
): Promise<Map<string, SluiceError>> {
  const contested = moved.flatMap(({ name, version, tag }) => {
    const others = state
      .history(stage.name, name)
      .filter(({ order, record }) => order >= since && record.tag === tag && record.version !== version)
      .map(({ record }) => record.version)
      .filter((other) => state.standing(stage.name, name, other));
    const highest = [...others, version].sort(semver.rcompare)[0];
    return others.length > 0 && highest !== undefined ? [{ name, tag, highest }] : [];
  });
  if (contested.length === 0 || !store.capabilities.distTags) return new Map();
  const outcomes = await runRows({
    rows: [
      {
        title: 'settle the dist-tag',
        run: async ({ name, tag, highest }: (typeof contested)[number], signal) => {
          const now = (await store.look(name, signal)).tags[tag];
          if (now !== highest && mayMove(highest, now, false)) await store.setTag(name, tag, highest, signal);
        },
      },
    ],
    subjects: contested.map((one) => ({ id: one.name, after: [], context: one })),
  });
  return new Map(
    [...outcomes.values()].flatMap((outcome) =>
      outcome.status === 'failed' ? [[outcome.id, outcome.error] as const] : [],
    ),
  );
}
