import { describe, expect, it } from 'vitest';
import { placeOf } from './repository.ts';

const API = 'https://api.github.com';

describe('the repository', () => {
  it.each<[string, { repository?: string; api: string }, string, string]>([
    ['is that of the remote', { api: API }, 'github.com/acme/platform', 'https://github.com/acme/platform'],
    [
      'or what the options say',
      { api: API, repository: 'acme/other' },
      'git.example.com/x/y',
      'https://github.com/acme/other',
    ],
    [
      'on an Enterprise Server',
      { api: 'https://github.acme.example.com/api/v3' },
      'github.acme.example.com/a/b',
      'https://github.acme.example.com/a/b',
    ],
    [
      'on Enterprise Cloud',
      { api: 'https://api.acme.ghe.com' },
      'acme.ghe.com/a/b',
      'https://acme.ghe.com/a/b',
    ],
    [
      'of a server on this machine',
      { api: 'http://127.0.0.1:1' },
      'github.com/acme/platform',
      'https://github.com/acme/platform',
    ],
  ])('%s', (_, options, identity, url) => {
    expect(placeOf(options, identity).url).toBe(url);
  });

  it.each([
    ['another host', 'git.example.com/acme/platform'],
    ['a folder of this machine', 'file:platform'],
    ['no remote', 'root:0123456'],
    ['a group within a group', 'github.com/acme/team/platform'],
  ])('is not guessed from %s', (_, identity) => {
    expect(() => placeOf({ api: API }, identity)).toThrow(
      expect.objectContaining({ code: 'GITHUB_REPOSITORY_UNKNOWN', exit: 2 }),
    );
  });
});
