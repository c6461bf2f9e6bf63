import { errors } from '../foundation/index.ts';
import type { Entry, LedgerState, Published } from '../ledger/types.ts';
import { targetConfigurations } from '../pipeline/index.ts';
import { IMAGES } from '../service/types.ts';
import { runRows } from '../steps/index.ts';
import type { Context } from './context.ts';
import { openProofs } from './provenance.ts';
import type { Finding } from './verify.ts';

/** Proves every provenance that the ledger holds of these, and that GitHub still shows those that it took in. */
export async function provenanceFindings(
  context: Context,
  state: LedgerState,
  names: string[],
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const places = [IMAGES, ...targetConfigurations(context.options)];
  const signed = names
    .flatMap((name) => versionsOf(state, places, name))
    .filter(({ record }) => record.provenance);
  if (signed.length === 0) return [];
  const proofs = openProofs(context);
  const outcomes = await runRows({
    rows: [
      {
        title: 'prove where it comes from',
        run: async (entry: Entry<Published>) => {
          const proved = await proofs.onward(entry);
          const { name, version } = entry.record;
          if (proved && (await proofs.shown(entry, proved)) === false)
            throw errors.ATTESTATION_GONE({ name, version });
        },
      },
    ],
    subjects: signed.map((entry) => ({ id: idOf(entry), after: [], context: entry })),
    ...(signal ? { signal } : {}),
  });
  return signed.flatMap((entry): Finding[] => {
    const outcome = outcomes.get(idOf(entry));
    if (outcome?.status === 'done') return [];
    const { name, version, stage } = entry.record;
    const error = outcome?.status === 'failed' ? outcome.error : undefined;
    const asked = error?.code.startsWith('PROVENANCE_') || error?.code === 'ATTESTATION_GONE';
    const what = error ? `${error.code}: ${error.message}` : `${idOf(entry)}: stopped on request`;
    return [{ kind: asked && !error?.transient ? 'provenance' : 'unproved', stage, name, version, what }];
  });
}

const idOf = ({ record }: Entry<Published>) => `${record.name}@${record.version}`;

/** Every version of a package or service that was published, wherever it went since. */
function versionsOf(state: LedgerState, stages: string[], name: string): Entry<Published>[] {
  const versions = stages.flatMap((stage) => state.history(stage, name).map(({ record }) => record.version));
  return [...new Set(versions)].flatMap((version) => state.published(name, version) ?? []);
}
