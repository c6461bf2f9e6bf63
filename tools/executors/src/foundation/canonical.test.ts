import { describe, expect, it } from 'vitest';
import { canonicalHash, canonicalJson, Secret } from './index.ts';

describe('canonical JSON', () => {
  it.each<[string, unknown, string]>([
    ['sorts by UTF-16 code units', { b: 1, a: 2, é: 3, B: 4 }, '{"B":4,"a":2,"b":1,"é":3}'],
    ['leaves lists in order', [3, 1, 2], '[3,1,2]'],
    ['writes numbers as ECMAScript does', [1e21, 0.1, -0, 100], '[1e+21,0.1,0,100]'],
    ['leaves undefined out', { a: undefined, b: null }, '{"b":null}'],
    ['escapes no more than it must', { a: '€ "/\n\u0007' }, '{"a":"€ \\"/\\n\\u0007"}'],
    ['takes an instant by its JSON', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['holds no secret', { token: new Secret('never-in-a-record') }, '{"token":"[redacted]"}'],
  ])('%s', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('is one text for equal values, whoever wrote them down', () => {
    expect(canonicalHash({ a: [{ y: 1, x: 2 }], b: '' })).toBe(canonicalHash({ b: '', a: [{ x: 2, y: 1 }] }));
    expect(canonicalHash({ a: 1 })).not.toBe(canonicalHash({ a: '1' }));
    expect(canonicalHash({ a: 1 })).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses what has no JSON form', () => {
    expect(() => canonicalJson(undefined)).toThrow(SyntaxError);
    expect(() => canonicalJson(() => 1)).toThrow(SyntaxError);
  });
});
