import { asSluiceError, errors, once, redact } from '../foundation/index.ts';
import { normaliseRemote } from '../git/index.ts';
import { githubToken, openGitHub, type GitHub } from '../github/index.ts';
import type { Batch, Entry, Published, RecordBody, SourceInfo } from '../ledger/types.ts';
import type { Subject } from '../provenance/index.ts';
import { memoryBudget } from './budget.ts';
import type { Context } from './context.ts';

/** A Sigstore bundle that was proved. */
export interface Bundle {
  text: string;
  sha256: string;
  /** The commit that its certificate names. */
  commit: string;
  /** Address of the repository that it is of. */
  repository: string;
  /** GitHub shows it, too. */
  attested: boolean;
}
type Proved = Omit<Bundle, 'attested'>;

/** Where artifacts come from: signed when they are first published, proved whenever they go on. */
export interface Proofs {
  /**
   * The bundle beside an artifact; made, and put there, where there is none and one is to be. Undefined where none is.
   * @throws PROVENANCE_INVALID, and what making one throws
   */
  first(
    subject: Subject,
    folder: string,
    source: SourceInfo,
    signal: AbortSignal,
  ): Promise<Bundle | undefined>;
  /**
   * The bundle of a version as the ledger has it. Undefined where it was published without one.
   * @throws PROVENANCE_INVALID, PROVENANCE_MISSING
   */
  onward(entry: Entry<Published>): Promise<Proved | undefined>;
  /** Whether GitHub still shows what it took in; undefined where nobody can ask it, or it took in nothing. */
  shown(entry: Entry<Published>, proved: Proved): Promise<boolean | undefined>;
}

/** A public service counts the requests of everybody behind one address. */
const SIGNED_AT_ONCE = 8;

export function openProofs(context: Context): Proofs {
  const { repository, env } = context;
  const rules = once(async () => {
    // Loaded late: what has no provenance needs none of Sigstore.
    const room = await import('../provenance/index.ts');
    const { options, branch, commit } = await context.policy();
    const own = options.sigstore;
    const root = own && (await repository.show(commit, own.trustedRoot));
    if (own && root === undefined)
      throw errors.PROVENANCE_TRUST_MISSING({ why: `${own.trustedRoot} is not on ${branch}` });
    const { issuer, repository: named } = options.github;
    const said = { issuer, repository: named ?? context.identity.split('/').slice(1).join('/') };
    const trust = room.openTrust(root);
    return {
      room,
      maker: room.provenanceMaker({ env, sigstore: own, mode: options.provenance ?? 'auto' }),
      check: (text: string, subject: Subject, recorded: { sha256?: string; commit?: string } = {}) =>
        room.checkProvenance(text, { subject, ...said, ...recorded }, trust),
    };
  });
  const github = once(async (): Promise<GitHub | undefined> => {
    if (!githubToken(env)) return undefined;
    const { options } = await context.policy();
    try {
      return openGitHub({ options: options.github, identity: context.identity, env });
    } catch {
      // The repository lies elsewhere.
      return undefined;
    }
  });
  const turn = memoryBudget(SIGNED_AT_ONCE, 1);
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const end = await turn(1);
    return work().finally(end);
  };
  const batches = new Map<string, Promise<Batch>>();
  const batchAt = (path: string): Promise<Batch> => {
    const known = batches.get(path) ?? context.ledger().then((ledger) => ledger.batch(path));
    batches.set(path, known);
    return known;
  };

  /** Shows it on GitHub as well, where that lets us: it is a second place to look, and no condition. */
  async function attest(subject: Subject, text: string): Promise<boolean> {
    const place = await github();
    if (!place) return false;
    const { room } = await rules();
    try {
      await room.attest(place, subject, text);
      return true;
    } catch (thrown) {
      const error = asSluiceError(thrown);
      if (error.transient) throw error;
      const { name, version } = subject;
      sayNote(
        `${error.code}: ${error.message}; the ledger has the provenance of ${name}@${version}, GitHub does not show it`,
      );
      return false;
    }
  }

  return {
    first: async (subject, folder, source, signal) => {
      if (context.profile !== 'live') return undefined;
      const { room, maker, check } = await rules();
      const before = await room.readProvenanceFile(folder);
      // Of changes that no commit has, a provenance would say where they do not come from.
      if (before === undefined && source.dirty) return undefined;
      const text = before ?? (await inTurn(() => maker.make(subject, signal)));
      if (text === undefined) return undefined;
      const checked = await check(text, subject);
      // A release makes its own commit on top of the one that its run was started for.
      const part =
        checked.commit === source.commit || (await repository.isAncestor(checked.commit, source.commit));
      if (!part)
        throw errors.PROVENANCE_INVALID({
          name: subject.name,
          version: subject.version,
          problem: `it is of the commit ${checked.commit}, which ${source.commit} does not come from`,
        });
      if (before === undefined) await room.writeProvenanceFile(folder, text);
      return { text, ...checked, attested: await attest(subject, text) };
    },
    onward: async ({ record, batch }) => {
      const { provenance, name, version } = record;
      if (!provenance) return undefined;
      const { sha256, commit } = provenance;
      const text = (await batchAt(batch)).attachments?.[sha256];
      if (text === undefined) throw errors.PROVENANCE_MISSING({ name, version, sha256 });
      const { room, check } = await rules();
      return { text, ...(await check(text, subjectOf(room, record), { sha256, commit })) };
    },
    shown: async ({ record }, { text }) => {
      const place = record.provenance?.attested ? await github() : undefined;
      if (!place) return undefined;
      const { room } = await rules();
      return room.isAttested(place, subjectOf(room, record), text);
    },
  };
}

function subjectOf(room: typeof import('../provenance/index.ts'), record: Published): Subject {
  const { name, version, integrity, image, registry } = record;
  return image
    ? room.imageSubject({ name, version, digest: integrity }, `${registry}/${image.repository}`)
    : room.packageSubject({ name, version, integrity });
}

/**
 * Whether a package.json names the repository of a provenance: npm's registry refuses a version
 * together with a provenance where it does not.
 */
export function namesRepository(manifest: { [key: string]: unknown }, repository: string): boolean {
  const said = manifest['repository'] as string | { url?: unknown } | undefined;
  const url = typeof said === 'object' ? said.url : said;
  if (typeof url !== 'string') return false;
  const short = /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(url)?.[1];
  const address = short ? `https://github.com/${short}` : url;
  return normaliseRemote(address).toLowerCase() === normaliseRemote(repository).toLowerCase();
}

/** What a person should know although nothing failed. */
export function sayNote(line: string): void {
  process.stderr.write(`${redact(line)}\n`);
}

/** For the ledger's batch. */
export function attachmentsOf(bundles: Iterable<Bundle | undefined>): Record<string, string> {
  return Object.fromEntries([...bundles].flatMap((bundle) => (bundle ? [[bundle.sha256, bundle.text]] : [])));
}

/** For the record of what was published. */
export function provenanceField(
  bundle: Bundle | undefined,
): Pick<Extract<RecordBody, { type: 'published' }>, 'provenance'> {
  if (bundle === undefined) return {};
  const { sha256, commit, attested } = bundle;
  return { provenance: { sha256, commit, ...(attested ? { attested } : {}) } };
}
