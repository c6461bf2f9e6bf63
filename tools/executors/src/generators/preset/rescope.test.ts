import { describe, expect, it } from 'vitest';
import { rescoped, scopeNamed } from './rescope.ts';

describe('scopeNamed', () => {
  it.each([
    ['my-org', '@my-org'],
    ['@my-org', '@my-org'],
    [' @a.b ', '@a.b'],
  ])('%j is %s', (said, scope) => expect(scopeNamed(said)).toBe(scope));

  it.each(['', '@', '@My', '@a/b', '@.a', "a'b", '@@a'])('refuses %j', (said) => {
    expect(() => scopeNamed(said)).toThrow(expect.objectContaining({ code: 'SCOPE_SPELLING' }));
  });
});

describe('rescoped', () => {
  it.each([
    ["import { a } from '@acme/a';", "import { a } from '@my-org/a';"],
    ['"node_modules/@acme/a": {', '"node_modules/@my-org/a": {'],
    ['@acme:registry=https://x.example.com', '@my-org:registry=https://x.example.com'],
    ['/@acme%2fa /@acme\\/a/', '/@my-org%2fa /@my-org\\/a/'],
    ["const scope = '@acme';", "const scope = '@my-org';"],
    ['"images": "ghcr.io/acme",', '"images": "ghcr.io/my-org",'],
    ['    image: acme/api:dev', '    image: my-org/api:dev'],
  ])('%s becomes %s', (before, after) => expect(rescoped(before, '@acme', '@my-org')).toBe(after));

  it.each(['ada@acme.example', 'ada@acme/x', 'github.com/acme/store', '@acmeish/a', 'ghcr.io/acme-other'])(
    'leaves %s as it is',
    (text) => expect(rescoped(text, '@acme', '@my-org')).toBe(text),
  );
});
