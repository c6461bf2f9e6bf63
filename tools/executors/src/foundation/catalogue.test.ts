import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asSluiceError, errors, EXIT, type SluiceError } from './index.ts';

/** Parameters that serve as any field of any error: numbers by their names, and lists, which read as text too. */
const anything = new Proxy(
  {},
  {
    get: (_, field) =>
      /^(ms|size|status|pid|code|limit|waitMs|attempts)$/.test(String(field))
        ? 7
        : Object.assign(['first', 'second'], { local: 'refs/a', seen: 'refs/b' }),
  },
);
const made = Object.entries(errors).map(([code, make]): [string, SluiceError] => [
  code,
  (make as (params: unknown) => SluiceError)(anything),
]);

describe('every error of the catalogue', () => {
  it.each(made)('%s says what happened, the state, and what to type', (code, error) => {
    expect(error.code).toBe(code);
    for (const text of [error.message, error.state, error.next].map(String)) {
      expect(text.trim()).not.toBe('');
      expect(text).not.toMatch(/undefined|\[object|NaN/);
    }
    expect(Object.values(EXIT)).toContain(error.exit);
    expect(error.exit).not.toBe(EXIT.done);
    expect(error.format()).toBe(`${code}: ${error.message}\n  now:  ${error.state}\n  next: ${error.next}`);
    expect(error.toJSON()).toMatchObject({ code, what: error.message, state: error.state, next: error.next });
  });

  it('names a code once', () => {
    const text = readFileSync(join(import.meta.dirname, 'catalogue.ts'), 'utf8');
    const codes = [...text.matchAll(/^ {2}([A-Z0-9_]+): \{$/gm)].map(([, code]) => code);
    expect(codes).toEqual(made.map(([code]) => code));
    expect(new Set(codes).size).toBe(codes.length);
  });
});

describe('what the catalogue does not foresee', () => {
  it('keeps its message under a code of its own, and its cause', () => {
    const cause = new RangeError('out of it');
    const error = asSluiceError(cause);
    expect(error).toMatchObject({
      code: 'UNEXPECTED',
      message: 'out of it',
      exit: EXIT.failed,
      transient: false,
    });
    expect(error.cause).toBe(cause);
    expect(asSluiceError('thrown text').message).toBe('thrown text');
  });

  it('passes an error of ours on as it is', () => {
    const error = errors.STAGE_UNKNOWN({ stage: 'x', stages: [] }, { transient: true, retryAfterMs: 5 });
    expect(asSluiceError(error)).toBe(error);
    expect(error).toMatchObject({ transient: true, retryAfterMs: 5 });
  });
});
