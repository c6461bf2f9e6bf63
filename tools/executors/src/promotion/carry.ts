import { asSluiceError, errors, type SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import type { Presence, StageStore } from '../registry/types.ts';
import { runRows, type Outcome, type RunOptions } from '../steps/index.ts';
import { memoryBudget } from './budget.ts';
import { releasePassage, type Passage } from './rows.ts';
import { rowsFor } from './stage-rows.ts';

/** What became of one package, for the executor, the terminal and `--output-file`. */
export interface PackageResult {
  project: string;
  name: string;
  version: string;
  success: boolean;
  status: 'done' | 'nothing' | 'failed' | 'blocked' | 'cancelled' | 'planned';
  /** States that were reached, in order. */
  reached: string[];
  error?: SluiceError;
  /** One line for a person. */
  line: string;
}

/** What the caller of a promotion or publication may set of the engine that runs it. */
export type EngineOptions = Pick<RunOptions<unknown>, 'signal' | 'onEvent' | 'attemptLimit' | 'clock'>;

/** Bytes of fetched artifacts that may wait in memory at once, and what one larger than that limit counts as. */
const MEMORY = 96 * 1024 * 1024;
const SPOOLED = 8 * 1024 * 1024;

/** Asks one registry about many packages at once; what cannot be answered is kept as an error per package. */
export async function lookUp(
  store: StageStore,
  names: string[],
  engine: Omit<EngineOptions, 'onEvent'> = {},
): Promise<{ presence: Map<string, Presence>; unknown: Map<string, SluiceError> }> {
  const presence = new Map<string, Presence>();
  const outcomes = await runRows({
    rows: [
      {
        title: `ask ${store.stage}`,
        run: async (name: string, attempt) => void presence.set(name, await store.look(name, attempt)),
        timeout: 60_000,
      },
    ],
    subjects: names.map((name) => ({ id: name, after: [], context: name })),
    ...limitsOf(engine),
  });
  const unknown = new Map<string, SluiceError>();
  for (const outcome of outcomes.values()) {
    if (outcome.status === 'failed') unknown.set(outcome.id, outcome.error);
    if (outcome.status === 'cancelled')
      unknown.set(outcome.id, errors.CANCELLED({ name: outcome.id, reached: [] }));
  }
  return { presence, unknown };
}

/** The limits of a caller for any run of the engine. */
export const limitsOf = ({ signal, attemptLimit, clock }: EngineOptions) => ({
  ...(signal ? { signal } : {}),
  ...(attemptLimit === undefined ? {} : { attemptLimit }),
  ...(clock ? { clock } : {}),
});

/** A budget for the bytes of one run. */
export const runBudget = () => memoryBudget(MEMORY, SPOOLED);

/** Takes all passages through the rows, each as soon as its dependencies let it. */
export async function carry(
  stage: Stage,
  passages: { passage: Passage; after: string[] }[],
  options: EngineOptions,
): Promise<Map<string, Outcome>> {
  try {
    return await runRows({
      rows: rowsFor(stage),
      subjects: passages.map(({ passage, after }) => ({ id: passage.name, after, context: passage })),
      ...limitsOf(options),
      onEvent: (event) => {
        // Bytes of what stopped half-way must not keep others waiting for room.
        if (event.event === 'ended') {
          const ended = passages.find(({ passage }) => passage.name === event.subject);
          if (ended) void releasePassage(ended.passage);
        }
        options.onEvent?.(event);
      },
    });
  } finally {
    await Promise.all(passages.map(({ passage }) => releasePassage(passage)));
  }
}

/** The result of a package whose rows ended in `outcome`. */
export function resultOf(
  item: { project: string; name: string; version: string },
  outcome: Outcome,
  stage: string,
): PackageResult {
  const base = { project: item.project, name: item.name, version: item.version, reached: outcome.reached };
  const id = `${item.name}@${item.version}`;
  switch (outcome.status) {
    case 'done':
      return {
        ...base,
        success: true,
        status: 'done',
        line: `${id} -> ${stage}: ${outcome.reached.join(', ')}`,
      };
    case 'failed':
      return failure(item, outcome.error, outcome.reached);
    case 'blocked':
      return {
        ...failure(
          item,
          errors.DEPENDENCY_FAILED({
            name: item.name,
            dependency: outcome.by,
            stage,
            reached: outcome.reached,
          }),
          outcome.reached,
        ),
        status: 'blocked',
      };
    case 'cancelled':
      return {
        ...failure(item, errors.CANCELLED({ name: item.name, reached: outcome.reached }), outcome.reached),
        status: 'cancelled',
      };
  }
}

export function failure(
  item: { project: string; name: string; version: string },
  thrown: unknown,
  reached: string[] = [],
): PackageResult {
  const error = asSluiceError(thrown);
  return {
    project: item.project,
    name: item.name,
    version: item.version,
    success: false,
    status: 'failed',
    reached,
    error,
    line: error.format(),
  };
}
