import { errors } from '../foundation/index.ts';
import type { Batch, Entry, Published, SourceInfo } from '../ledger/types.ts';
import type { Expected } from '../provenance/index.ts';
import type { Context } from './context.ts';

/** A Sigstore bundle that was proved. */
export interface Bundle {
  text: string;
  sha256: string;
  /** The commit that its certificate names. */
  commit: string;
}
interface Item {
  name: string;
  version: string;
  integrity: string;
}

/** Where artifacts come from: signed when they are first published, proved whenever they go on. */
export interface Proofs {
  /**
   * The bundle beside an artifact; made, and put there, where there is none and one is to be. Undefined where none is.
   * @throws PROVENANCE_INVALID, and what making one throws
   */
  first(item: Item, folder: string, source: SourceInfo, signal: AbortSignal): Promise<Bundle | undefined>;
  /**
   * The bundle of a version as the ledger has it. Undefined where it was published without one.
   * @throws PROVENANCE_INVALID, PROVENANCE_MISSING
   */
  onward(entry: Entry<Published>): Promise<Bundle | undefined>;
}

export function openProofs(context: Context): Proofs {
  const rules = once(async () => {
    // Loaded late: what has no provenance needs none of Sigstore.
    const room = await import('../provenance/index.ts');
    const { options, branch, commit } = await context.policy();
    const own = options.packages.sigstore;
    const root = own && (await context.repository.show(commit, own.trustedRoot));
    if (own && root === undefined)
      throw errors.PROVENANCE_TRUST_MISSING({ why: `${own.trustedRoot} is not on ${branch}` });
    const { issuer, repository } = options.github;
    return {
      ...room,
      trust: room.openTrust(root),
      expected: {
        issuer,
        repository: repository ?? context.identity.split('/').slice(1).join('/'),
      } satisfies Partial<Expected>,
      maker: room.provenanceMaker({
        env: context.env,
        sigstore: own,
        mode: options.packages.provenance ?? 'auto',
      }),
    };
  });
  const batches = new Map<string, Promise<Batch>>();
  const batchAt = (path: string): Promise<Batch> => {
    const known = batches.get(path) ?? context.ledger().then((ledger) => ledger.batch(path));
    batches.set(path, known);
    return known;
  };

  return {
    first: async (item, folder, source, signal) => {
      if (context.profile !== 'live') return undefined;
      const { trust, expected, maker, checkProvenance, ...files } = await rules();
      const before = await files.readProvenanceFile(folder);
      // Of changes that no commit has, a provenance would say where they do not come from.
      if (before === undefined && source.dirty) return undefined;
      const text = before ?? (await maker.make(item, signal));
      if (text === undefined) return undefined;
      const checked = await checkProvenance(text, { ...item, ...expected }, trust);
      // A release makes its own commit on top of the one that its run was started for.
      const { isAncestor } = context.repository;
      const part =
        checked.commit === source.commit ||
        (await isAncestor.call(context.repository, checked.commit, source.commit));
      if (!part)
        throw errors.PROVENANCE_INVALID({
          ...item,
          problem: `it is of the commit ${checked.commit}, which ${source.commit} does not come from`,
        });
      if (before === undefined) await files.writeProvenanceFile(folder, text);
      return { text, ...checked };
    },
    onward: async ({ record, batch }) => {
      const { provenance, name, version, integrity } = record;
      if (!provenance) return undefined;
      const text = (await batchAt(batch)).attachments?.[provenance.sha256];
      if (text === undefined) throw errors.PROVENANCE_MISSING({ name, version, sha256: provenance.sha256 });
      const { trust, expected, checkProvenance } = await rules();
      const checked = await checkProvenance(
        text,
        { name, version, integrity, ...expected, ...provenance },
        trust,
      );
      return { text, ...checked };
    },
  };
}

/** For the ledger's batch. */
export function attachmentsOf(bundles: Iterable<Bundle | undefined>): Record<string, string> {
  return Object.fromEntries([...bundles].flatMap((bundle) => (bundle ? [[bundle.sha256, bundle.text]] : [])));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
