import { errors, type SluiceError } from '../../foundation/index.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { ServiceStage } from '../../service/types.ts';
import { runRows } from '../../steps/index.ts';
import { limitsOf, type EngineOptions } from '../carry.ts';
import type { Context } from '../context.ts';
import type { Request } from '../plan.ts';
import { repositoryOf, wantedTags, type TagsThere } from './plan.ts';

/** Asks a stage's registry what the tags are that a promotion would set; what cannot be answered is kept as an error per service. */
export async function lookUpTags(
  context: Context,
  given: { stage: ServiceStage; state: LedgerState; requests: Request[] },
  engine: Omit<EngineOptions, 'onEvent'> = {},
): Promise<{ there: Map<string, TagsThere>; unknown: Map<string, SluiceError> }> {
  const { stage, state } = given;
  const there = new Map<string, TagsThere>();
  const asked = given.requests.flatMap((request) => {
    const wanted = wantedTags({ state, stage }, request);
    return wanted ? [{ ...request, ...wanted }] : [];
  });
  if (asked.length === 0) return { there, unknown: new Map() };
  const registry = await context.images(stage.name);
  const outcomes = await runRows({
    rows: [
      {
        title: `ask ${stage.name}`,
        run: async (one: (typeof asked)[number], signal) => {
          const repository = registry.of(repositoryOf(state, one));
          const found = await Promise.all(
            one.tags.map(async ({ tag }) => [tag, (await repository.head(tag, signal))?.digest] as const),
          );
          there.set(one.name, new Map(found));
        },
        timeout: 60_000,
      },
    ],
    subjects: asked.map((one) => ({ id: one.name, after: [], context: one })),
    ...limitsOf(engine),
  });
  const unknown = new Map<string, SluiceError>();
  for (const outcome of outcomes.values()) {
    if (outcome.status === 'failed') unknown.set(outcome.id, outcome.error);
    if (outcome.status === 'cancelled')
      unknown.set(outcome.id, errors.CANCELLED({ name: outcome.id, reached: [] }));
  }
  return { there, unknown };
}
