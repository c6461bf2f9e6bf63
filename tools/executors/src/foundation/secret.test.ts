import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { redact, redactOutput, rememberEnvironment, Secret } from './index.ts';

const VALUE = 'p@ss/wörd+"with"\\everything=';

describe('a secret', () => {
  const secret = new Secret(VALUE);

  it('gives its value to whoever asks for it, and to nobody else', () => {
    expect(secret.reveal()).toBe(VALUE);
    const printed = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { depth: 9, showHidden: true }),
      JSON.stringify(Object.entries(secret)),
    ];
    for (const text of printed) expect(text).not.toContain('everything');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[redacted]"}');
  });

  it.each([
    ['raw', VALUE],
    ['URL-encoded', encodeURIComponent(VALUE)],
    ['in JSON', JSON.stringify(VALUE)],
    ['base64', base64(VALUE)],
    ['base64 of :token', base64(`:${VALUE}`)],
    ['base64 of user:token', base64(`user:${VALUE}`)],
    ['base64 of a longer user', base64(`users:${VALUE}`)],
    ['base64 inside more', base64(`one two ${VALUE} three`)],
    ['base64url', Buffer.from(`x${VALUE}y`).toString('base64url')],
  ])('is taken out of text: %s', (_, form) => {
    const text = redact(`before ${form} after`);
    expect(text).toMatch(/^before .*\[redacted\].* after$/);
    for (const known of [VALUE, 'everything', encodeURIComponent(VALUE)]) expect(text).not.toContain(known);
    const left = text.replace('before ', '').replace(' after', '').split('[redacted]');
    // At most the characters that the neighbours have a part in stay of a base64 form.
    for (const part of left) expect(Buffer.from(part, 'base64').toString()).not.toContain(VALUE.slice(0, 4));
  });

  it('leaves words alone that are too short to be one', () => {
    new Secret('main').toString();
    expect(redact('the main branch')).toBe('the main branch');
  });

  it('takes the longer of two out as a whole', () => {
    new Secret('abcdefgh').toString();
    new Secret('abcdefgh-and-more').toString();
    expect(redact('abcdefgh-and-more')).toBe('[redacted]');
  });
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the environment', () => {
  it('makes known what is called like a secret', () => {
    rememberEnvironment({
      MY_TOKEN: 'value-of-my-token',
      npm_config_password: 'value-of-password',
      SOME_API_KEY: 'value-of-api-key',
      HOME: 'value-of-home',
      SSH_AUTH_SOCK: 'value-of-socket',
      GIT_AUTHOR_EMAIL: 'dev@acme.example',
      GOPRIVATE: 'git.example.com/acme',
      CI_SECRET: '/begins+with/a+slash==',
      CREDENTIALS_FILE: import.meta.filename,
      SLUICE_SIGNING_KEY: '/home/somebody/.ssh/id',
    });
    expect(redact('value-of-my-token value-of-password value-of-api-key')).toBe(
      '[redacted] [redacted] [redacted]',
    );
    expect(redact(`/begins+with/a+slash== ${import.meta.filename}`)).toBe(
      `[redacted] ${import.meta.filename}`,
    );
    const rest = 'value-of-home dev@acme.example git.example.com/acme value-of-socket /home/somebody/.ssh/id';
    expect(redact(rest)).toBe(rest);
  });
});

describe('an address', () => {
  it('has a password that is taken out, as it stands there and as it is meant', () => {
    rememberEnvironment({ DATABASE_URL: 'postgres://me:open%20sesame@db.example.com/x' });
    expect(redact('open%20sesame / open sesame / db.example.com')).toBe(
      '[redacted] / [redacted] / db.example.com',
    );
  });
});

describe('the output', () => {
  it('shows no secret, and is wrapped once', () => {
    new Secret('secret-of-the-stream').toString();
    const written: unknown[] = [];
    const stream = {
      write: (chunk: unknown) => {
        written.push(chunk);
        return true;
      },
    } as unknown as NodeJS.WriteStream;
    redactOutput([stream]);
    const { write } = stream;
    redactOutput([stream]);
    expect(stream.write).toBe(write);
    stream.write('a secret-of-the-stream b');
    stream.write(Buffer.from('a secret-of-the-stream b'));
    expect(written.map(String)).toEqual(['a [redacted] b', 'a [redacted] b']);
  });
});
