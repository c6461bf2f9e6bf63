import { asSluiceError, type SluiceError } from '../foundation/index.ts';
import type { LedgerState, RecordBody, Signer } from '../ledger/types.ts';
import { runRows } from '../steps/index.ts';
import type { Context } from './context.ts';

/**
 * Appends one batch, repeated while the ledger's remote is away. Returns the problem instead of throwing it: by now
 * the stage has changed, and the caller has to say which packages are there without a record.
 */
export async function record(
  context: Context,
  signer: Signer | undefined,
  make: (state: LedgerState) => RecordBody[],
  attachments: Record<string, string> = {},
): Promise<SluiceError | undefined> {
  const ledger = await context.ledger();
  const outcomes = await runRows({
    rows: [
      {
        title: 'record',
        run: async () =>
          void (await ledger.append(make, {
            run: context.run,
            attachments,
            ...(signer ? { signer } : {}),
          })),
        retry: { attempts: 4, pause: 300, longest: 3_000 },
        timeout: 300_000,
      },
    ],
    subjects: [{ id: 'ledger', after: [], context: undefined }],
  });
  const outcome = outcomes.get('ledger');
  if (outcome?.status === 'failed') return outcome.error;
  return outcome?.status === 'done' ? undefined : asSluiceError(new Error('the record was not written'));
}

/** Sends what an earlier run could only keep in this clone. Throws where the ledger's remote still does not take it. */
export async function sendKept(context: Context): Promise<void> {
  if (context.profile !== 'live') return;
  const problem = await record(context, undefined, () => []);
  if (problem) throw problem;
}
