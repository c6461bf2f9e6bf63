import {
  conflict,
  exchangeRefused,
  failed,
  header,
  noWay,
  oneTimePassword,
  paymentRequired,
  present,
  provenance,
  rateLimited,
  refused,
  rightMissing,
  scopeRefused,
  tokenMissing,
  tokenRefused,
  tooLarge,
  versionMissing,
  type Answer,
  type Operation,
  type Outcome,
} from './answer-outcomes.ts';

export { answerCut, notJson, refusedBeforehand, retryAfterMs } from './answer-outcomes.ts';
export type { Answer, Asked, Operation, Outcome, SentClaims } from './answer-outcomes.ts';

export interface Row {
  /** What this answer means, in words; the tests are named by it. */
  means: string;
  status: number | ((status: number) => boolean);
  on?: readonly Operation[];
  /** Where the status alone does not say it, and the body has no field for it. */
  says?: RegExp;
  when?: (answer: Answer) => boolean;
  outcome: (answer: Answer) => Outcome;
}

const PUT = ['put', 'stage'] as const;
const WRITES: readonly Operation[] = ['put', 'stage', 'staged', 'setTag', 'removeTag', 'deprecate'];
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
    means: 'the token of the job is not taken',
    status: (s) => s >= 400 && s < 500 && ![408, 425, 429].includes(s),
    on: ['exchange'],
    outcome: exchangeRefused,
  },
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
    outcome: paymentRequired,
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
    outcome: noWay,
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
    (row.says === undefined || row.says.test(answer.body)) &&
    (row.when === undefined || row.when(answer))
  );
}
