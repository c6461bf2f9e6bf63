import { errors, type SluiceError } from '../../foundation/index.ts';
import { retryAfterMs } from '../answers.ts';
import { excerpt } from '../words.ts';

export type Operation = 'read' | 'readBlob' | 'writeManifest' | 'startUpload' | 'upload' | 'authenticate';

/** What was asked; for messages, and because the same status means different things to different requests. */
export interface Asked {
  operation: Operation;
  registry: string;
  repository: string;
  /** The tag or digest that this is about; empty where it is about none. */
  reference: string;
  /** Whether credentials are known for this registry. */
  credentials: boolean;
}
/** An answer that is not as hoped. `body` may be cut short. */
export interface Answer extends Asked {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

const ACTION: Record<Operation, string> = {
  read: 'read images',
  readBlob: 'download layers',
  writeManifest: 'write images',
  startUpload: 'upload layers',
  upload: 'upload layers',
  authenticate: 'log in',
};

export function credentialsMissing(answer: Answer): SluiceError {
  return errors.IMAGE_CREDENTIALS_MISSING(at(answer), { details: facts(answer) });
}
export function credentialsRefused(answer: Answer): SluiceError {
  return errors.IMAGE_CREDENTIALS_REFUSED({ ...at(answer), said: said(answer) }, { details: facts(answer) });
}
export function rightMissing(answer: Answer): SluiceError {
  return errors.IMAGE_RIGHT_MISSING({ ...at(answer), said: said(answer) }, { details: facts(answer) });
}
export function notFound(answer: Answer): SluiceError {
  return errors.IMAGE_NOT_FOUND(at(answer), { details: facts(answer) });
}
export function repositoryMissing(answer: Answer): SluiceError {
  return errors.IMAGE_REPOSITORY_MISSING({ ...at(answer), said: said(answer) }, { details: facts(answer) });
}
export function incomplete(answer: Answer): SluiceError {
  return errors.IMAGE_INCOMPLETE({ ...at(answer), said: said(answer) }, { details: facts(answer) });
}
export function wrongDigest(answer: Answer): SluiceError {
  return errors.IMAGE_BYTES_DIFFER(
    { ...at(answer), expected: answer.reference, found: `something else (${said(answer)})` },
    { details: facts(answer) },
  );
}
export function tooLarge(answer: Answer): SluiceError {
  return errors.IMAGE_TOO_LARGE(
    { ...at(answer), said: `${answer.status}: ${said(answer)}` },
    { details: facts(answer) },
  );
}
export function immutable(answer: Answer): SluiceError {
  return errors.TAG_IMMUTABLE(
    { ...at(answer), tag: answer.reference, said: said(answer) },
    { details: facts(answer) },
  );
}
export function rateLimited(answer: Answer): SluiceError {
  const extras = later(answer);
  return errors.IMAGE_RATE_LIMITED({ registry: answer.registry, waitMs: extras.retryAfterMs }, extras);
}
export function failed(answer: Answer): SluiceError {
  return errors.IMAGE_REGISTRY_FAILED(
    { ...at(answer), status: answer.status, said: said(answer) },
    later(answer),
  );
}
/** The upload is not where we believe it to be: a new one begins from the start. */
export function uploadLost(answer: Answer): SluiceError {
  return errors.IMAGE_UPLOAD_CUT(
    {
      ...at(answer),
      digest: answer.reference,
      got: 0,
      why: `the registry lost it (${answer.status}: ${said(answer)})`,
    },
    { transient: true, details: { ...facts(answer), lost: true } },
  );
}
export function refused(answer: Answer): SluiceError {
  return errors.IMAGE_REGISTRY_REFUSED(
    { ...at(answer), status: answer.status, said: said(answer) },
    { details: facts(answer) },
  );
}
/** A success by its status that lacks what belongs to it. */
export function invalid(asked: Asked, why: string, cause?: unknown): SluiceError {
  return errors.IMAGE_ANSWER_INVALID({ ...at(asked), why }, { cause });
}

/** The codes of the specification's error document (`errors[].code`); empty where there is none. */
export function codes({ body }: { body: string }): string[] {
  return entries(body).flatMap(({ code }) => (typeof code === 'string' ? code : []));
}
/** The registry's own words: its codes and messages, else the start of the body. */
export function said({ body, status }: { body: string; status: number }): string {
  const words = entries(body).flatMap(({ code, message, detail }) =>
    [code, message, typeof detail === 'string' ? detail : undefined].filter(
      (part): part is string => typeof part === 'string' && part !== '',
    ),
  );
  return excerpt(words.length > 0 ? words.join(', ') : body) || `it said nothing more than ${status}`;
}

function entries(body: string): { code?: unknown; message?: unknown; detail?: unknown }[] {
  try {
    const { errors: list } = JSON.parse(body) as { errors?: unknown };
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : [];
  } catch {
    return [];
  }
}
function at(asked: Asked): { registry: string; repository: string; action: string; reference: string } {
  return { ...asked, action: ACTION[asked.operation] };
}
function facts(answer: Answer): Record<string, unknown> {
  const { registry, repository, reference, status } = answer;
  return { registry, repository, reference, status };
}
function later(answer: Answer): { transient: true; retryAfterMs: number | undefined } {
  const value = answer.headers['retry-after'];
  return { transient: true, retryAfterMs: retryAfterMs(Array.isArray(value) ? value[0] : value) };
}
