import type { SluiceError } from '../../foundation/index.ts';
import { tagsFor } from '../../pipeline/index.ts';
import { copyImage } from '../../registry/oci/index.ts';
import type { ServiceStage } from '../../service/types.ts';
import { runRows } from '../../steps/index.ts';
import type { Context } from '../context.ts';
import { repositoryOf } from './plan.ts';

/**
 * Puts a stage's moving tags onto what the ledger says stands there. Two runs that promote different versions at once may
 * move a tag in the wrong order, since registries cannot compare and swap; the ledger can, and whoever records last puts it
 * right. A return to an older version does the same. Returns what could not be settled, by service.
 * @param since where given, only services for which others recorded something since the ledger had so many records
 */
export async function settleImageTags(
  context: Context,
  stage: ServiceStage,
  items: { name: string; version?: string }[],
  { since }: { since?: number } = {},
): Promise<Map<string, SluiceError>> {
  const state = await (await context.ledger()).state();
  const contested = items.flatMap(({ name, version }) => {
    const entry = state.position(stage.name, name);
    if (!entry) return [];
    // Whoever records last stands there, and may still have been the first to set the tag.
    const others = state
      .history(stage.name, name)
      .some((one) => one.order >= (since ?? 0) && one.record.version !== version);
    if (!others) return [];
    const { record } = entry;
    const moving = tagsFor(
      stage.tags.filter(({ moves }) => moves),
      { stage: stage.name, version: record.version },
    );
    return moving.length > 0 ? [{ record, tags: moving.map(({ tag }) => tag) }] : [];
  });
  if (contested.length === 0) return new Map();
  const registry = await context.images(stage.name);
  const outcomes = await runRows({
    rows: [
      {
        title: 'settle the tags',
        run: async ({ record, tags }: (typeof contested)[number], signal) => {
          const repository = registry.of(repositoryOf(state, record));
          const place = { source: repository, target: repository };
          await copyImage({ ...place, digest: record.integrity, tags, moves: true, signal });
        },
      },
    ],
    subjects: contested.map((one) => ({ id: one.record.name, after: [], context: one })),
  });
  return new Map(
    [...outcomes.values()].flatMap((outcome) =>
      outcome.status === 'failed' ? [[outcome.id, outcome.error] as const] : [],
    ),
  );
}
