import { errors, type SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import { capabilitiesOf } from './capabilities.ts';
import { excerpt } from './words.ts';

export type Operation =
  | 'look'
  | 'fetch'
  | 'put'
  | 'setTag'
  | 'removeTag'
  | 'deprecate'
  | 'whoami'
  /** A job's token for one of the registry's own (trusted publishing). */
  | 'exchange'
  | 'stage'
  | 'staged';

/** What was asked; for messages, and because the same status means different things to different requests. */
export interface Asked {
  operation: Operation;
  stage: Stage;
  /** Package name; empty for `whoami`. */
  name: string;
  version?: string;
  /** Bytes of the tarball that was put. */
  size?: number;
  /** What the job's token said, where one was to be exchanged. */
  claims?: SentClaims;
}
/** What a registry compares with a package's trusted publisher. */
export interface SentClaims {
  repository: string;
  workflow: string;
  environment: string;
}
/** An answer that is not 2xx. `body` may be cut short: only its words matter. */
export interface Answer extends Asked {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
/**
 * `present`: the version is there, or on its way in. `absent`: there is no such thing (a fact, not a failure).
 * Everything else is an error of the catalogue.
 */
export type Outcome = 'present' | 'absent' | SluiceError;

/** What the table of capabilities says no to, without asking: a registry may just hang up on a body that is too large. */
export function refusedBeforehand(asked: Asked & { size: number }): SluiceError | undefined {
  const { largest, scopedOnly } = capabilitiesOf(asked.stage.kind);
  if (largest !== undefined && asked.size > largest) return tooLarge(asked);
  if (!scopedOnly || asked.name.startsWith('@')) return undefined;
  return errors.SCOPE_REFUSED({ ...at(asked), name: asked.name, said: 'it takes scoped names only' });
}

/** A 2xx answer (or a success by its status) whose body is not the JSON that belongs there. */
export function notJson(asked: Asked, contentType: string, body: string): SluiceError {
  if (/json/i.test(contentType)) {
    return answerCut(asked, `${body.length} characters that are not whole JSON`);
  }
  return errors.REGISTRY_ANSWER_NOT_JSON({ ...at(asked), contentType, start: excerpt(body) });
}

/** An answer that ended before its announced end. */
export function answerCut(asked: Asked, got: string, cause?: unknown): SluiceError {
  return errors.REGISTRY_ANSWER_CUT({ ...at(asked), name: named(asked), got }, { transient: true, cause });
}

/** `Retry-After` in milliseconds from now: seconds, or an HTTP date. */
export function retryAfterMs(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const ACTION: Record<Operation, string> = {
  look: 'read packages',
  fetch: 'download packages',
  put: 'publish',
  setTag: 'move dist-tags',
  removeTag: 'remove dist-tags',
  deprecate: 'deprecate versions',
  whoami: 'say who a token belongs to',
  exchange: 'exchange the token of a job',
  stage: 'stage a version',
  staged: 'see what is staged',
};

export function present(): Outcome {
  return 'present';
}
export function conflict(answer: Answer): SluiceError {
  return errors.REGISTRY_CONFLICT({ ...at(answer), name: named(answer), said: said(answer) }, later(answer));
}
export function provenance(answer: Answer): SluiceError {
  return errors.PROVENANCE_CONFLICT(
    { ...at(answer), name: named(answer) },
    { ...later(answer), details: { signAgain: true } },
  );
}
export function tokenMissing(answer: Answer): SluiceError {
  // Reading is nothing that a job could get a token for.
  const trusted = answer.stage.trusted === true && ['put', 'stage'].includes(answer.operation);
  return errors.TOKEN_MISSING({ ...at(answer), trusted }, { details: facts(answer) });
}
export function tokenRefused(answer: Answer): SluiceError {
  return errors.TOKEN_REFUSED(
    { ...at(answer), said: `${answer.status}: ${said(answer)}` },
    { details: facts(answer) },
  );
}
export function exchangeRefused(answer: Answer): SluiceError {
  return errors.TOKEN_EXCHANGE_REFUSED(
    {
      ...at(answer),
      name: answer.name,
      said: `${answer.status}: ${said(answer)}`,
      claims: Object.entries(answer.claims ?? {})
        .map(([claim, value]) => `${claim} ${value}`)
        .join(', '),
    },
    { details: { ...facts(answer), claims: answer.claims } },
  );
}
export function paymentRequired(answer: Answer): SluiceError {
  return errors.PAYMENT_REQUIRED({ ...at(answer), name: answer.name, said: said(answer) });
}
export function noWay(answer: Answer): SluiceError {
  return errors.REGISTRY_CANNOT({ ...at(answer), action: ACTION[answer.operation], status: answer.status });
}
export function oneTimePassword(answer: Answer): SluiceError {
  return errors.ONE_TIME_PASSWORD(at(answer));
}
export function scopeRefused(answer: Answer): SluiceError {
  return errors.SCOPE_REFUSED(
    { ...at(answer), name: answer.name, said: said(answer) },
    { details: facts(answer) },
  );
}
export function rightMissing(answer: Answer): SluiceError {
  return errors.RIGHT_MISSING(
    { ...at(answer), action: ACTION[answer.operation], status: answer.status, said: said(answer) },
    { details: facts(answer) },
  );
}
export function versionMissing(answer: Answer): SluiceError {
  // Where accepted is not visible, a tarball may come minutes after the packument that names it.
  const transient = answer.operation === 'fetch' && !capabilitiesOf(answer.stage.kind).visibleAtOnce;
  return errors.VERSION_NOT_IN_STAGE(
    { ...at(answer), name: answer.name, version: answer.version },
    { transient },
  );
}
export function tooLarge(answer: Asked): SluiceError {
  return errors.TARBALL_TOO_LARGE({
    ...at(answer),
    name: answer.name,
    version: answer.version ?? '',
    size: answer.size ?? 0,
    limit: capabilitiesOf(answer.stage.kind).largest,
  });
}
export function rateLimited(answer: Answer): SluiceError {
  const extras = later(answer);
  return errors.RATE_LIMITED({ ...at(answer), waitMs: extras.retryAfterMs }, extras);
}
export function failed(answer: Answer): SluiceError {
  return errors.REGISTRY_FAILED(
    { ...at(answer), action: ACTION[answer.operation], status: answer.status, said: said(answer) },
    later(answer),
  );
}
export function refused(answer: Answer): SluiceError {
  return errors.REGISTRY_REFUSED(
    { ...at(answer), action: ACTION[answer.operation], status: answer.status, said: said(answer) },
    { details: facts(answer) },
  );
}

function at({ stage }: Asked): { stage: string; registry: string; tokenEnv: string } {
  return { stage: stage.name, registry: stage.registry, tokenEnv: stage.tokenEnv };
}
function named({ name, version }: Asked): string {
  return version ? `${name}@${version}` : name;
}
function facts(answer: Answer): Record<string, unknown> {
  return {
    stage: answer.stage.name,
    status: answer.status,
    package: answer.name,
    tokenEnv: answer.stage.tokenEnv,
  };
}
function later(answer: Answer): { transient: true; retryAfterMs: number | undefined } {
  return { transient: true, retryAfterMs: retryAfterMs(header(answer, 'retry-after')) };
}
export function header(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The registry's own words: the fields that registries use, else the start of the body. */
function said(answer: Answer): string {
  try {
    const { error, message, reason } = JSON.parse(answer.body) as Record<string, unknown>;
    const words = [error, reason, message].filter((part) => typeof part === 'string' && part !== '');
    if (words.length > 0) return excerpt(words.join(', '));
  } catch {
    // Not JSON: a proxy's page, perhaps. Its first words are all there is to show.
  }
  return excerpt(answer.body) || 'it said nothing more';
}
