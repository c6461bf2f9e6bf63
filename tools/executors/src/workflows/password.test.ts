import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { LIVE } from './parts.ts';

/** What git would send to a host in a step with this token. */
function password(host: string, token?: string): string | undefined {
  const settings = Object.fromEntries(
    Object.entries(LIVE).map(([name, value]) => [
      name,
      value.replace('${{ github.server_url }}', 'https://github.com'),
    ]),
  );
  const { stdout } = spawnSync('git', ['credential', 'fill'], {
    input: `protocol=https\nhost=${host}\n\n`,
    env: {
      PATH: process.env['PATH'],
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      HOME: '/nowhere',
      ...settings,
      ...(token === undefined ? {} : { GITHUB_TOKEN: token }),
    },
    encoding: 'utf8',
  });
  return /^password=(.+)$/m.exec(stdout)?.[1];
}

it("git's password is the token of the step, for GitHub alone", () => {
  expect(password('github.com', "it's $(a) token")).toBe("it's $(a) token");
  expect(password('github.com')).toBeUndefined();
  expect(password('elsewhere.example.com', 'token')).toBeUndefined();
});
