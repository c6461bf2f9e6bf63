import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier, type Signer } from '@sigstore/verify';
import { errors, SluiceError } from '../foundation/index.ts';
import { sha256Of, subjectOf, type Subject } from './statement.ts';
import type { Trust } from './trust.ts';

export interface Expected {
  subject: Subject;
  /** Who has to have said what the job is. */
  issuer: string;
  /** `owner/name` on GitHub. */
  repository: string;
  /** The commit that the provenance has to be of, where it is known. */
  commit?: string;
  /** sha256 of the bundle, where it was recorded. */
  sha256?: string;
}
export interface Checked {
  sha256: string;
  /** Full hash of the commit that the job was started for. */
  commit: string;
  /** Address of the repository that the job ran in. */
  repository: string;
}

/** Extensions of Fulcio's certificates: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
const SOURCE_REPOSITORY = '1.3.6.1.4.1.57264.1.12';
const SOURCE_COMMIT = '1.3.6.1.4.1.57264.1.13';

/**
 * Proves a bundle: it is of these bytes, signed by a job of this repository, and stands in the transparency log.
 * @throws PROVENANCE_INVALID with what is wrong, PROVENANCE_TRUST_MISSING
 */
export async function checkProvenance(text: string, expected: Expected, trust: Trust): Promise<Checked> {
  const { name, version, called, algorithm, digest } = expected.subject;
  const wrong = (problem: string, cause?: unknown): SluiceError =>
    errors.PROVENANCE_INVALID({ name, version, problem }, cause === undefined ? {} : { cause });
  const sha256 = sha256Of(text);
  if (expected.sha256 !== undefined && expected.sha256 !== sha256)
    throw wrong(`the ledger has another one (sha256 ${expected.sha256}, not ${sha256})`);
  let bundle: unknown;
  try {
    bundle = JSON.parse(text);
  } catch (cause) {
    throw wrong('it is not JSON', cause);
  }
  const subject = subjectOf(bundle);
  if (!subject) throw wrong('it does not say what it is about');
  if (subject.name !== called) throw wrong(`it is about ${subject.name}`);
  const found = subject.digest[algorithm];
  if (found !== digest) {
    const short = (hex = 'none') => `${hex.slice(0, 16)}...`;
    throw wrong(`it is about other bytes (${algorithm} ${short(found)}, not ${short(digest)})`);
  }

  const material = await trust();
  let signer: Signer;
  try {
    const entity = toSignedEntity(bundleFromJSON(bundle as never));
    signer = new Verifier(material).verify(entity, { extensions: { issuer: expected.issuer } });
  } catch (cause) {
    throw wrong(`its signature does not count: ${(cause as Error).message}`, cause);
  }
  const repository = extension(signer, SOURCE_REPOSITORY);
  if (pathOf(repository) !== expected.repository.toLowerCase())
    throw wrong(`it is of the repository ${repository || 'of nobody'}, not of ${expected.repository}`);
  const commit = extension(signer, SOURCE_COMMIT);
  if (commit === '') throw wrong('its certificate names no commit');
  if (expected.commit !== undefined && expected.commit !== commit)
    throw wrong(`it is of the commit ${commit}, not of ${expected.commit}`);
  return { sha256, commit, repository };
}

/** The text of a certificate's extension (DER: UTF8String); empty where there is none. */
function extension(signer: Signer, oid: string): string {
  const found = signer.identity?.oids?.find(({ oid: one }) => one?.id.join('.') === oid);
  if (!found) return '';
  const value = Buffer.from(found.value);
  const length = value[1] ?? 0;
  // Lengths from 128 on say first in how many bytes they are said.
  return value.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f)).toString('utf8');
}

function pathOf(repository: string): string | undefined {
  return URL.parse(repository)?.pathname.replace(/^\//, '').toLowerCase();
}
