import type { SluiceError } from '../../foundation/index.ts';
import {
  codes,
  credentialsMissing,
  credentialsRefused,
  failed,
  immutable,
  incomplete,
  notFound,
  rateLimited,
  refused,
  repositoryMissing,
  rightMissing,
  tooLarge,
  uploadLost,
  wrongDigest,
  type Answer,
  type Operation,
} from './outcomes.ts';

export { invalid, said } from './outcomes.ts';
export type { Answer, Asked, Operation } from './outcomes.ts';

export interface Row {
  /** What this answer means, in words; the tests are named by it. */
  means: string;
  status: number | ((status: number) => boolean);
  on?: readonly Operation[];
  /** One of the specification's error codes in the body. */
  code?: readonly string[];
  /** Where neither status nor code say it. */
  says?: RegExp;
  when?: (answer: Answer) => boolean;
  outcome: (answer: Answer) => SluiceError;
}

const READS: readonly Operation[] = ['read', 'readBlob'];
const UPLOADS: readonly Operation[] = ['upload', 'startUpload'];
const anonymous = (answer: Answer): boolean => !answer.credentials;

/** Read from above; the first row that fits decides. No other file looks at an image registry's words. */
export const ROWS: readonly Row[] = [
  // Later, perhaps
  { means: 'too many requests', status: 429, outcome: rateLimited },
  {
    means: 'too many requests, said otherwise',
    status: (s) => s >= 400,
    code: ['TOOMANYREQUESTS'],
    outcome: rateLimited,
  },

  // Who may do what
  { means: 'credentials are missing', status: 401, when: anonymous, outcome: credentialsMissing },
  { means: 'the credentials are wrong or expired', status: 401, outcome: credentialsRefused },
  {
    means: 'no room is left in a quota',
    status: 403,
    says: /quota|storage limit|exceed/i,
    outcome: tooLarge,
  },
  { means: 'forbidden without credentials', status: 403, when: anonymous, outcome: credentialsMissing },
  { means: 'the log-in is refused', status: 403, on: ['authenticate'], outcome: credentialsRefused },
  {
    means: 'a tag that the registry keeps where it is, said as 403',
    status: 403,
    on: ['writeManifest'],
    says: /immutable/i,
    outcome: immutable,
  },
  { means: 'a right is missing', status: 403, outcome: rightMissing },

  // What is not there
  { means: 'no such image or layer', status: (s) => s === 404 || s === 410, on: READS, outcome: notFound },
  {
    means: 'the upload is gone',
    status: (s) => s === 404 || s === 400 || s === 416,
    on: ['upload'],
    code: ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'RANGE_INVALID'],
    outcome: uploadLost,
  },
  { means: 'the upload is elsewhere than we think', status: 416, on: UPLOADS, outcome: uploadLost },
  { means: 'an upload that nobody knows', status: 404, on: ['upload'], outcome: uploadLost },
  {
    means: 'parts of the image are missing',
    status: (s) => s === 400 || s === 404 || s === 412 || s === 422,
    on: ['writeManifest'],
    code: ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN'],
    outcome: incomplete,
  },
  {
    means: 'no such repository to write to',
    status: 404,
    on: ['startUpload', 'writeManifest'],
    outcome: repositoryMissing,
  },

  // The bytes themselves
  {
    means: 'the bytes do not have their digest',
    status: (s) => s === 400 || s === 422,
    code: ['DIGEST_INVALID'],
    outcome: wrongDigest,
  },
  { means: 'too large', status: 413, outcome: tooLarge },
  { means: 'no room is left', status: 507, outcome: tooLarge },
  {
    means: 'too large, said by its code',
    status: (s) => s >= 400 && s < 500,
    code: ['SIZE_INVALID'],
    says: /too (large|big)|limit/i,
    outcome: tooLarge,
  },
  {
    means: 'a tag that the registry keeps where it is',
    status: (s) => s === 400 || s === 405 || s === 409 || s === 412,
    on: ['writeManifest'],
    says: /immutable|ImageTagAlreadyExists|already exists/i,
    outcome: immutable,
  },

  { means: 'the registry failed', status: (s) => s >= 500 || s === 408 || s === 425, outcome: failed },
  { means: 'a redirection that cannot be followed', status: (s) => s >= 300 && s < 400, outcome: refused },
  { means: 'refused for a reason of its own', status: (s) => s >= 400, outcome: refused },
];

/** What an answer that is not as hoped means. */
export function interpret(answer: Answer): SluiceError {
  for (const row of ROWS) if (fits(row, answer)) return row.outcome(answer);
  return refused(answer);
}

/** Whether this row speaks about this answer. */
export function fits(row: Row, answer: Answer): boolean {
  return (
    (typeof row.status === 'number' ? row.status === answer.status : row.status(answer.status)) &&
    (row.on === undefined || row.on.includes(answer.operation)) &&
    (row.code === undefined || codes(answer).some((code) => row.code?.includes(code.toUpperCase()))) &&
    (row.says === undefined || row.says.test(answer.body)) &&
    (row.when === undefined || row.when(answer))
  );
}
