import { errors, type SluiceError } from '../foundation/index.ts';
import type { RegistryKind, Stage } from '../pipeline/types.ts';
import { capabilitiesOf } from './capabilities.ts';

export type Operation = 'look' | 'fetch' | 'put' | 'setTag' | 'removeTag' | 'deprecate' | 'whoami';

/** What was asked; for messages, and because the same status means different things to different requests. */
export interface Asked {
  operation: Operation;
  stage: Stage;
  /** Package name; empty for `whoami`. */
  name: string;
  version?: string;
  /** Bytes of the tarball that was put. */
  size?: number;
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

export interface Row {
  /** What this answer means, in words; the tests are named by it. */
  means: string;
  status: number | ((status: number) => boolean);
  on?: readonly Operation[];
  kinds?: readonly RegistryKind[];
  /** Where the status alone does not say it, and the body has no field for it. */
  says?: RegExp;
  when?: (answer: Answer) => boolean;
  outcome: (answer: Answer) => Outcome;
}

const PUT = ['put'] as const;
const WRITES: readonly Operation[] = ['put', 'setTag', 'removeTag', 'deprecate'];
const noToken = (answer: Answer): boolean => answer.stage.token === undefined;

/** Read from above; the first row that fits decides. No other file of ours looks at a registry's words. */
export const ROWS: readonly Row[] = [
  // 409: five meanings, and what we do not know
  {
    means: 'already there (npm)',
    status: 409,
    on: PUT,
    says: /over the previously published version/i,
    outcome: present,
  },
  {
    means: 'already there (GitHub)',
    status: 409,
    on: PUT,
    says: /cannot publish over existing version/i,
    outcome: present,
  },
  { means: 'already there (Verdaccio)', status: 409, on: PUT, says: /already present/i, outcome: present },
  {
    means: 'staged, or being taken in',
    status: 409,
    on: PUT,
    says: /previously staged version|being (staged|processed)/i,
    outcome: present,
  },
  {
    means: 'a conflict while saving, gone soon',
    status: 409,
    says: /failed to save packument/i,
    outcome: conflict,
  },
  {
    means: 'the transparency log has such an entry',
    status: 409,
    says: /TLOG_CREATE_ENTRY_ERROR/,
    outcome: provenance,
  },
  { means: 'any other conflict', status: 409, outcome: conflict },

  // Who may do what
  {
    means: 'a one-time password is asked for',
    status: 401,
    when: (a) => /\botp\b/i.test(header(a, 'www-authenticate') ?? '') || /one-time pass/i.test(a.body),
    outcome: oneTimePassword,
  },
  { means: 'a token is missing', status: 401, when: noToken, outcome: tokenMissing },
  { means: 'the token is wrong or expired', status: 401, outcome: tokenRefused },
  {
    means: 'already there, said as 403',
    status: 403,
    on: PUT,
    says: /over the previously published version|cannot publish over|pre-existing version|already exists/i,
    outcome: present,
  },
  { means: 'forbidden without a token', status: 403, when: noToken, outcome: tokenMissing },
  {
    means: 'the token lacks a permission of its own',
    status: 403,
    says: /expected scopes|bad credentials|token.*(expired|revoked|invalid)/i,
    outcome: tokenRefused,
  },
  { means: "the scope or name is somebody else's", status: 403, on: PUT, outcome: scopeRefused },
  { means: 'a right is missing', status: 403, outcome: rightMissing },
  {
    means: 'it costs money',
    status: 402,
    outcome: (a) => errors.PAYMENT_REQUIRED({ ...at(a), name: a.name, said: said(a) }),
  },

  // 404: not there, or not for you
  {
    means: 'a restricted package looked at without a token',
    status: 404,
    on: ['look', 'fetch'],
    when: (a) => noToken(a) && a.stage.access === 'restricted',
    outcome: tokenMissing,
  },
  { means: 'no such package', status: 404, on: ['look'], outcome: () => 'absent' },
  {
    means: 'the registry does not tell who one is',
    status: (s) => s === 404 || s === 405 || s === 501,
    on: ['whoami'],
    outcome: () => 'absent',
  },
  { means: 'no such tarball', status: (s) => s === 404 || s === 410, on: ['fetch'], outcome: versionMissing },
  { means: 'a write without a token, masked', status: 404, on: WRITES, when: noToken, outcome: tokenMissing },
  {
    means: 'no such version to tag or deprecate',
    status: 404,
    on: ['setTag', 'removeTag', 'deprecate'],
    says: /no such package|version doesn't exist|version not found|package not found/i,
    outcome: versionMissing,
  },
  { means: 'a missing right, masked', status: 404, on: WRITES, outcome: rightMissing },

  // The request itself
  { means: 'too large', status: 413, outcome: tooLarge },
  {
    means: 'no such way in this registry',
    status: (s) => s === 405 || s === 501,
    outcome: (a) => errors.REGISTRY_CANNOT({ ...at(a), action: ACTION[a.operation], status: a.status }),
  },

  // Later, perhaps
  { means: 'too many requests', status: 429, outcome: rateLimited },
  { means: 'the registry failed', status: (s) => s >= 500 || s === 408 || s === 425, outcome: failed },
  { means: 'a redirection that cannot be followed', status: (s) => s >= 300 && s < 400, outcome: refused },
  { means: 'refused for a reason of its own', status: (s) => s >= 400, outcome: refused },
];

/** What an answer that is not 2xx means. */
export function interpret(answer: Answer): Outcome {
  for (const row of ROWS) if (fits(row, answer)) return row.outcome(answer);
  return refused(answer);
}

/** Whether this row speaks about this answer. */
export function fits(row: Row, answer: Answer): boolean {
  return (
    (typeof row.status === 'number' ? row.status === answer.status : row.status(answer.status)) &&
    (row.on === undefined || row.on.includes(answer.operation)) &&
    (row.kinds === undefined || row.kinds.includes(answer.stage.kind)) &&
    (row.says === undefined || row.says.test(answer.body)) &&
    (row.when === undefined || row.when(answer))
  );
}

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
};

function present(): Outcome {
  return 'present';
}
function conflict(answer: Answer): SluiceError {
  return errors.REGISTRY_CONFLICT({ ...at(answer), name: named(answer), said: said(answer) }, later(answer));
}
function provenance(answer: Answer): SluiceError {
  return errors.PROVENANCE_CONFLICT(
    { ...at(answer), name: named(answer) },
    { ...later(answer), details: { signAgain: true } },
  );
}
function tokenMissing(answer: Answer): SluiceError {
  return errors.TOKEN_MISSING(at(answer), { details: facts(answer) });
}
function tokenRefused(answer: Answer): SluiceError {
  return errors.TOKEN_REFUSED(
    { ...at(answer), said: `${answer.status}: ${said(answer)}` },
    { details: facts(answer) },
  );
}
function oneTimePassword(answer: Answer): SluiceError {
  return errors.ONE_TIME_PASSWORD(at(answer));
}
function scopeRefused(answer: Answer): SluiceError {
  return errors.SCOPE_REFUSED(
    { ...at(answer), name: answer.name, said: said(answer) },
    { details: facts(answer) },
  );
}
function rightMissing(answer: Answer): SluiceError {
  return errors.RIGHT_MISSING(
    { ...at(answer), action: ACTION[answer.operation], status: answer.status, said: said(answer) },
    { details: facts(answer) },
  );
}
function versionMissing(answer: Answer): SluiceError {
  // Where accepted is not visible, a tarball may come minutes after the packument that names it.
  const transient = answer.operation === 'fetch' && !capabilitiesOf(answer.stage.kind).visibleAtOnce;
  return errors.VERSION_NOT_IN_STAGE(
    { ...at(answer), name: answer.name, version: answer.version },
    { transient },
  );
}
function tooLarge(answer: Asked): SluiceError {
  return errors.TARBALL_TOO_LARGE({
    ...at(answer),
    name: answer.name,
    version: answer.version ?? '',
    size: answer.size ?? 0,
    limit: capabilitiesOf(answer.stage.kind).largest,
  });
}
function rateLimited(answer: Answer): SluiceError {
  const extras = later(answer);
  return errors.RATE_LIMITED({ ...at(answer), waitMs: extras.retryAfterMs }, extras);
}
function failed(answer: Answer): SluiceError {
  return errors.REGISTRY_FAILED(
    { ...at(answer), action: ACTION[answer.operation], status: answer.status, said: said(answer) },
    later(answer),
  );
}
function refused(answer: Answer): SluiceError {
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
function header(answer: Answer, name: string): string | undefined {
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
function excerpt(text: string): string {
  const line = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
