import { describe, expect, test } from 'vitest';
import { fits, interpret, ROWS, said, type Answer } from './answers.ts';

const body = (code: string, message = ''): string => JSON.stringify({ errors: [{ code, message }] });
type Case = Partial<Answer> & { status: number };

/** One answer for each row of the table, and what must come of it. */
const CASES: Record<string, [Case, code: string, transient?: boolean]> = {
  'too many requests': [{ status: 429, headers: { 'retry-after': '7' } }, 'IMAGE_RATE_LIMITED', true],
  'too many requests, said otherwise': [
    { status: 403, body: body('TOOMANYREQUESTS') },
    'IMAGE_RATE_LIMITED',
    true,
  ],
  'credentials are missing': [{ status: 401, credentials: false }, 'IMAGE_CREDENTIALS_MISSING'],
  'the credentials are wrong or expired': [
    { status: 401, body: body('UNAUTHORIZED', 'authentication required') },
    'IMAGE_CREDENTIALS_REFUSED',
  ],
  'no room is left in a quota': [
    { status: 403, body: body('DENIED', 'adding 5 MiB would exceed the project quota') },
    'IMAGE_TOO_LARGE',
  ],
  'forbidden without credentials': [{ status: 403, credentials: false }, 'IMAGE_CREDENTIALS_MISSING'],
  'the log-in is refused': [{ status: 403, operation: 'authenticate' }, 'IMAGE_CREDENTIALS_REFUSED'],
  'a tag that the registry keeps where it is, said as 403': [
    { status: 403, operation: 'writeManifest', body: body('DENIED', 'tag v1 is immutable') },
    'TAG_IMMUTABLE',
  ],
  'a right is missing': [
    { status: 403, body: body('DENIED', 'installation not allowed') },
    'IMAGE_RIGHT_MISSING',
  ],
  'no such image or layer': [{ status: 404, body: body('MANIFEST_UNKNOWN') }, 'IMAGE_NOT_FOUND'],
  'the upload is gone': [
    { status: 400, operation: 'upload', body: body('BLOB_UPLOAD_INVALID') },
    'IMAGE_UPLOAD_CUT',
    true,
  ],
  'the upload is elsewhere than we think': [{ status: 416, operation: 'upload' }, 'IMAGE_UPLOAD_CUT', true],
  'an upload that nobody knows': [{ status: 404, operation: 'upload' }, 'IMAGE_UPLOAD_CUT', true],
  'parts of the image are missing': [
    { status: 404, operation: 'writeManifest', body: body('MANIFEST_BLOB_UNKNOWN') },
    'IMAGE_INCOMPLETE',
  ],
  'no such repository to write to': [
    { status: 404, operation: 'startUpload', body: body('NAME_UNKNOWN', 'does not exist') },
    'IMAGE_REPOSITORY_MISSING',
  ],
  'the bytes do not have their digest': [{ status: 400, body: body('DIGEST_INVALID') }, 'IMAGE_BYTES_DIFFER'],
  'too large': [
    { status: 413, operation: 'upload', body: '<h1>413 Entity Too Large</h1>' },
    'IMAGE_TOO_LARGE',
  ],
  'no room is left': [{ status: 507, operation: 'upload' }, 'IMAGE_TOO_LARGE'],
  'too large, said by its code': [
    { status: 400, operation: 'upload', body: body('SIZE_INVALID', 'the limit is 10 GB') },
    'IMAGE_TOO_LARGE',
  ],
  'a tag that the registry keeps where it is': [
    { status: 400, operation: 'writeManifest', body: body('TAG_INVALID', 'the tag v1 is immutable') },
    'TAG_IMMUTABLE',
  ],
  'the registry failed': [
    { status: 503, headers: { 'retry-after': '1' }, body: 'upstream is away' },
    'IMAGE_REGISTRY_FAILED',
    true,
  ],
  'a redirection that cannot be followed': [{ status: 302 }, 'IMAGE_REGISTRY_REFUSED'],
  'refused for a reason of its own': [
    { status: 422, body: body('UNSUPPORTED', 'why') },
    'IMAGE_REGISTRY_REFUSED',
  ],
};

const answered = (part: Case): Answer => ({
  operation: 'read',
  registry: 'images.example.com',
  repository: 'acme/api',
  reference: 'v1',
  credentials: true,
  headers: {},
  body: '',
  ...part,
});

describe('what a registry answers', () => {
  test('each row of the table has a case', () => {
    expect(Object.keys(CASES)).toEqual(ROWS.map(({ means }) => means));
  });

  test.each(Object.entries(CASES))('%s', (means, [part, code, transient = false]) => {
    const answer = answered(part);
    expect(ROWS.find((row) => fits(row, answer))?.means).toBe(means);
    const error = interpret(answer);
    expect(error).toMatchObject({ code, transient });
    expect(error.format()).toContain('images.example.com');
    expect(error.format()).not.toMatch(/undefined|<h1>/);
  });

  test('a wait that the registry names is kept', () => {
    const wait = { status: 429, headers: { 'retry-after': '7' } };
    expect(interpret(answered(wait)).retryAfterMs).toBe(7000);
    expect(interpret(answered({ ...wait, status: 503 })).retryAfterMs).toBe(7000);
  });

  test.each([
    [body('DENIED', 'no'), 'DENIED, no'],
    ['<html><style>a{}</style><p>Sign  in</p>', 'Sign in'],
    ['', 'it said nothing more than 500'],
    ['{"errors":"odd"}', '{"errors":"odd"}'],
    ['{"errors":[null,5,{"code":7}]}', '{"errors":[null,5,{"code":7}]}'],
  ])('the words of %s', (text, words) => {
    expect(said({ status: 500, body: text })).toBe(words);
  });
});
