import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGitHub, statusOf, type GitHub } from './index.ts';

type Answer = [status: number, body?: unknown, headers?: Record<string, string>] | 'cut';
const TOKEN = 'ghs_0123456789abcdef';

describe('one request', () => {
  let answers: Answer[];
  let asked: { method: string; url: string; authorization: string | undefined }[];
  let close: () => void;
  let github: GitHub;
  let api: string;

  beforeEach(async () => {
    [answers, asked] = [[], []];
    const server = createServer((request, response) => answer(request, response));
    function answer({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse) {
      asked.push({ method, url, authorization: headers.authorization });
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next === 'cut' || next === undefined) return void response.destroy();
      const [status, body, more] = next;
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(body === undefined ? '' : JSON.stringify(body));
    }
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => (server.closeAllConnections(), server.close());
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    github = open();
  });
  afterEach(() => close());

  const open = (env: NodeJS.ProcessEnv = { GITHUB_TOKEN: TOKEN }) =>
    openGitHub({ options: { api }, identity: 'github.com/acme/platform', env, secondMs: 1 });
  const issue = 'GET /repos/{owner}/{repo}/issues/{issue_number}';
  const comment = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';

  it('goes to the repository with the token, and gives what was answered', async () => {
    answers = [[200, { title: 'a' }]];
    expect(await github.request(issue, { issue_number: 7 })).toEqual({ title: 'a' });
    expect(asked).toEqual([
      { method: 'GET', url: '/repos/acme/platform/issues/7', authorization: `token ${TOKEN}` },
    ]);
  });

  it('adds owner and name where the route has a place for them alone', async () => {
    answers = [[200, {}]];
    await github.request('GET /users/{username}', { username: 'ada' });
    await github.paginate('GET /orgs/{org}/teams', { org: 'acme' });
    expect(asked.map(({ url }) => url)).toEqual(['/users/ada', '/orgs/acme/teams?per_page=100']);
  });

  it('reads all pages of a list', async () => {
    answers = [
      [200, [{ id: 1 }], { link: `<${api}/repositories/1/issues?page=2>; rel="next"` }],
      [200, [{ id: 2 }]],
    ];
    expect(await github.paginate('GET /repos/{owner}/{repo}/issues')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(asked.map((one) => one.url)).toEqual([
      '/repos/acme/platform/issues?per_page=100',
      '/repositories/1/issues?page=2',
    ]);
  });

  it('finds nothing where there is nothing, and says so where it was needed', async () => {
    answers = [[404, { message: 'Not Found' }]];
    expect(await github.find(issue, { issue_number: 7 })).toBeUndefined();
    const error = await github.request(issue, { issue_number: 7 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'GITHUB_REFUSED',
      message: 'GitHub answered 404 to GET /repos/acme/platform/issues/7: Not Found',
      transient: false,
    });
    expect(statusOf(error)).toBe(404);
  });

  it('names the right that is missing, as a job, a fine-grained and a classic token have it', async () => {
    answers = [
      [
        403,
        { message: 'Resource not accessible by integration' },
        { 'x-accepted-github-permissions': 'issues=write; pull_requests=write' },
      ],
      [403, { message: 'Must have admin rights' }, { 'x-accepted-oauth-scopes': 'repo' }],
    ];
    await expect(github.request(comment, { issue_number: 7, body: 'b' })).rejects.toMatchObject({
      code: 'GITHUB_REFUSED',
      next: expect.stringContaining('(issues: write, or pull_requests: write)'),
      details: { status: 403 },
    });
    await expect(github.request(issue, { issue_number: 7 })).rejects.toMatchObject({
      next: expect.stringContaining('(the scope repo)'),
    });
    expect(asked).toHaveLength(2);
  });

  it('says which field GitHub does not take', async () => {
    answers = [[422, { message: 'Validation Failed', errors: [{ field: 'name', code: 'already_exists' }] }]];
    await expect(github.request(comment, { issue_number: 7 })).rejects.toMatchObject({
      message: expect.stringContaining(
        '422 to POST /repos/acme/platform/issues/7/comments: Validation Failed; name already_exists',
      ),
    });
  });

  it('reads again when GitHub fails, three times at most', async () => {
    answers = [[502], 'cut', [200, { title: 'a' }]];
    expect(await github.request(issue, { issue_number: 7 })).toEqual({ title: 'a' });
    answers = [[503]];
    asked.length = 0;
    await expect(github.request(issue, { issue_number: 7 })).rejects.toMatchObject({
      code: 'GITHUB_FAILED',
      transient: true,
      details: { status: 503 },
    });
    expect(asked).toHaveLength(4);
  });

  it('writes once only: an answer that is lost says nothing of the effect', async () => {
    answers = [[502], [201, {}]];
    await expect(github.request(comment, { issue_number: 7, body: 'b' })).rejects.toMatchObject({
      code: 'GITHUB_FAILED',
    });
    answers = ['cut'];
    await expect(github.request(comment, { issue_number: 7, body: 'b' })).rejects.toMatchObject({
      code: 'GITHUB_UNREACHABLE',
      transient: true,
    });
    expect(asked).toHaveLength(2);
  });

  it('waits for a limit that is short, and writes then too', async () => {
    const soon = String(Math.ceil(Date.now() / 1000) + 1);
    const secondary = { message: 'You have exceeded a secondary rate limit' };
    answers = [
      [
        403,
        { message: 'API rate limit exceeded' },
        { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': soon },
      ],
      [429, secondary, { 'retry-after': '2' }],
      [201, { id: 1 }],
    ];
    expect(await github.request(comment, { issue_number: 7, body: 'b' })).toEqual({ id: 1 });
    expect(asked).toHaveLength(3);
  });

  it.each<[string, Record<string, string>, number]>([
    ['retry-after', { 'retry-after': '600' }, 600_000],
    [
      'x-ratelimit-reset',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 3000) },
      3_001_000,
    ],
  ])('does not wait for a long limit: it says when it ends (%s)', async (_, headers, ms) => {
    const words = headers['retry-after']
      ? 'You have exceeded a secondary rate limit'
      : 'API rate limit exceeded';
    answers = [[403, { message: words }, headers]];
    const error = await github.request(issue, { issue_number: 7 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'GITHUB_RATE_LIMITED', transient: true });
    const { retryAfterMs } = error as { retryAfterMs: number };
    expect(Math.abs(retryAfterMs - ms)).toBeLessThan(10_000);
    expect(asked).toHaveLength(1);
  });

  it('says that nothing listens', async () => {
    close();
    await expect(github.request(issue, { issue_number: 7 })).rejects.toMatchObject({
      code: 'GITHUB_UNREACHABLE',
      message: expect.stringContaining('the connection was refused'),
    });
  });

  it('takes GH_TOKEN too, and asks nothing without a token', async () => {
    answers = [[200, {}]];
    await open({ GH_TOKEN: ` ${TOKEN}\n` }).request(issue, { issue_number: 7 });
    expect(asked[0]?.authorization).toBe(`token ${TOKEN}`);
    await expect(open({ GITHUB_TOKEN: '' }).request(issue, { issue_number: 7 })).rejects.toMatchObject({
      code: 'GITHUB_TOKEN_MISSING',
      exit: 2,
    });
    expect(asked).toHaveLength(1);
  });

  it('shows the token nowhere in an error', async () => {
    answers = [[401, { message: 'Bad credentials' }]];
    const error = await github.request(issue, { issue_number: 7 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'GITHUB_REFUSED', next: expect.stringContaining('not valid') });
    expect(inspect(error, { depth: 20 })).not.toContain(TOKEN);
  });
});
