import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS, releaseRun, startGitHub, type Operation, type TestGitHub } from './index.ts';

const SHA = 'b'.repeat(40);
const REPO = '/repos/acme/platform';
let github: TestGitHub;
let checked: boolean;

beforeEach(async () => {
  checked = true;
  github = await startGitHub();
  const { state } = github;
  state.users['ada'] = { id: 11, permission: 'write' };
  state.users['eve'] = { id: 12, permission: 'read' };
  state.teams['acme/releasers'] = { id: 21, members: ['ada'] };
  state.tokens['token-of-ada'] = 'ada';
  state.tokens['token-of-eve'] = 'eve';
  state.commits.push({ sha: SHA, message: 'fix: it (closes #1)', author: 'ada' });
  state.pulls.push({
    number: 2,
    title: 'It',
    body: 'closes #1',
    commits: [SHA],
    mergeCommit: null,
    author: 'ada',
  });
  state.tags['v1'] = SHA;
  state.runs.push(releaseRun({ id: 7, sha: SHA, actor: 'eve', pending: ['production'] }));
});
afterEach(async () => {
  if (checked) await github.close();
});

async function ask(
  method: string,
  path: string,
  body?: unknown,
  token = 'token-of-ada',
): Promise<{ status: number; data: never; headers: Headers }> {
  const response = await fetch(github.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': body instanceof Buffer ? 'application/gzip' : 'application/json',
    },
    ...(body === undefined ? {} : { body: body instanceof Buffer ? (body as never) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    data: (text ? JSON.parse(text) : undefined) as never,
    headers: response.headers,
  };
}

it('has the description of all of its operations, and of no other', () => {
  const { paths } = JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, object>;
  };
  const there = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  expect(there.sort()).toEqual([...OPERATIONS].sort());
});

it('answers every operation as the description has it', async () => {
  const environment = {
    wait_timer: 10,
    prevent_self_review: true,
    reviewers: [
      { type: 'User', id: 11 },
      { type: 'Team', id: 21 },
    ],
    deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
  };
  const statement = Buffer.from(
    JSON.stringify({ subject: [{ name: 'a', digest: { sha256: 'c'.repeat(64) } }] }),
  ).toString('base64');
  const ruleset = {
    name: 'tags',
    target: 'tag',
    enforcement: 'active',
    conditions: { ref_name: { include: ['refs/tags/*'], exclude: [] } },
    rules: [{ type: 'deletion' }],
  };
  const walk: [Operation, string, unknown?][] = [
    ['GET /user', '/user'],
    ['GET /users/{username}', '/users/ADA'],
    ['GET /rate_limit', '/rate_limit'],
    ['GET /installation/repositories', '/installation/repositories'],
    ['GET /orgs/{org}/teams/{team_slug}', '/orgs/acme/teams/releasers'],
    [
      'GET /orgs/{org}/teams/{team_slug}/memberships/{username}',
      '/orgs/acme/teams/releasers/memberships/ada',
    ],
    ['GET /repos/{owner}/{repo}', REPO],
    ['GET /repos/{owner}/{repo}/branches/{branch}', `${REPO}/branches/main`],
    ['GET /repos/{owner}/{repo}/branches/{branch}/protection', `${REPO}/branches/main/protection`],
    ['GET /repos/{owner}/{repo}/collaborators', `${REPO}/collaborators`],
    ['GET /repos/{owner}/{repo}/collaborators/{username}/permission', `${REPO}/collaborators/ada/permission`],
    ['GET /repos/{owner}/{repo}/commits/{ref}', `${REPO}/commits/${SHA}`],
    ['GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', `${REPO}/commits/${SHA}/pulls`],
    ['GET /repos/{owner}/{repo}/git/ref/{ref}', `${REPO}/git/ref/tags/v1`],
    ['GET /repos/{owner}/{repo}/pulls/{pull_number}', `${REPO}/pulls/2`],
    ['GET /repos/{owner}/{repo}/pulls/{pull_number}/commits', `${REPO}/pulls/2/commits`],
    ['POST /repos/{owner}/{repo}/rulesets', `${REPO}/rulesets`, ruleset],
    [
      'POST /repos/{owner}/{repo}/rulesets',
      `${REPO}/rulesets`,
      {
        ...ruleset,
        target: 'branch',
        conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
      },
    ],
    ['GET /repos/{owner}/{repo}/rulesets', `${REPO}/rulesets`],
    ['GET /repos/{owner}/{repo}/rulesets/{ruleset_id}', `${REPO}/rulesets/100001`],
    ['PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}', `${REPO}/rulesets/100001`, ruleset],
    ['GET /repos/{owner}/{repo}/rules/branches/{branch}', `${REPO}/rules/branches/main`],
    [
      'PUT /repos/{owner}/{repo}/environments/{environment_name}',
      `${REPO}/environments/production`,
      environment,
    ],
    ['GET /repos/{owner}/{repo}/environments', `${REPO}/environments`],
    ['GET /repos/{owner}/{repo}/environments/{environment_name}', `${REPO}/environments/Production`],
    [
      'POST /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies',
      `${REPO}/environments/production/deployment-branch-policies`,
      { name: 'main' },
    ],
    [
      'GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies',
      `${REPO}/environments/production/deployment-branch-policies`,
    ],
    [
      'DELETE /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies/{branch_policy_id}',
      `${REPO}/environments/production/deployment-branch-policies/100004`,
    ],
    [
      'GET /repos/{owner}/{repo}/environments/{environment_name}/secrets',
      `${REPO}/environments/production/secrets`,
    ],
    ['GET /repos/{owner}/{repo}/commits', `${REPO}/commits?author=eve@acme.example`],
    ['GET /repos/{owner}/{repo}/actions/secrets', `${REPO}/actions/secrets`],
    ['GET /repos/{owner}/{repo}/actions/permissions/workflow', `${REPO}/actions/permissions/workflow`],
    ['GET /repos/{owner}/{repo}/actions/runs', `${REPO}/actions/runs`],
    ['GET /repos/{owner}/{repo}/actions/runs/{run_id}', `${REPO}/actions/runs/7`],
    [
      'GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments',
      `${REPO}/actions/runs/7/pending_deployments`,
    ],
    [
      'POST /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments',
      `${REPO}/actions/runs/7/pending_deployments`,
      { environment_ids: [100003], state: 'approved', comment: 'ok' },
    ],
    ['GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals', `${REPO}/actions/runs/7/approvals`],
    ['POST /repos/{owner}/{repo}/issues', `${REPO}/issues`, { title: 'Broken', body: 'b', labels: ['bug'] }],
    ['GET /repos/{owner}/{repo}/issues', `${REPO}/issues?state=open&labels=bug`],
    ['GET /repos/{owner}/{repo}/issues/{issue_number}', `${REPO}/issues/3`],
    ['PATCH /repos/{owner}/{repo}/issues/{issue_number}', `${REPO}/issues/3`, { title: 'Mended' }],
    ['POST /repos/{owner}/{repo}/issues/{issue_number}/comments', `${REPO}/issues/3/comments`, { body: 'c' }],
    ['GET /repos/{owner}/{repo}/issues/{issue_number}/comments', `${REPO}/issues/3/comments`],
    ['GET /repos/{owner}/{repo}/issues/comments/{comment_id}', `${REPO}/issues/comments/100006`],
    [
      'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
      `${REPO}/issues/comments/100006`,
      { body: 'd' },
    ],
    ['POST /repos/{owner}/{repo}/issues/{issue_number}/labels', `${REPO}/issues/3/labels`, ['released']],
    ['GET /repos/{owner}/{repo}/issues/{issue_number}/labels', `${REPO}/issues/3/labels`],
    ['GET /search/issues', '/search/issues?q=repo:acme/platform+is:issue+is:open+mended'],
    [
      'POST /repos/{owner}/{repo}/deployments',
      `${REPO}/deployments`,
      {
        ref: 'v1',
        auto_merge: false,
        required_contexts: [],
        environment: 'production',
        payload: { digest: 'sha256:1' },
      },
    ],
    ['GET /repos/{owner}/{repo}/deployments', `${REPO}/deployments?environment=production`],
    ['GET /repos/{owner}/{repo}/deployments/{deployment_id}', `${REPO}/deployments/100007`],
    [
      'POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
      `${REPO}/deployments/100007/statuses`,
      { state: 'success', description: 'there' },
    ],
    ['GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', `${REPO}/deployments/100007/statuses`],
    [
      'POST /repos/{owner}/{repo}/releases',
      `${REPO}/releases`,
      { tag_name: 'v1', name: 'One', body: 'n', draft: true },
    ],
    [
      'POST /repos/{owner}/{repo}/releases/{release_id}/assets',
      `${REPO}/releases/100009/assets?name=a.tgz`,
      Buffer.from('bytes'),
    ],
    ['PATCH /repos/{owner}/{repo}/releases/{release_id}', `${REPO}/releases/100009`, { draft: false }],
    ['GET /repos/{owner}/{repo}/releases', `${REPO}/releases`],
    ['GET /repos/{owner}/{repo}/releases/latest', `${REPO}/releases/latest`],
    ['GET /repos/{owner}/{repo}/releases/tags/{tag}', `${REPO}/releases/tags/v1`],
    ['GET /repos/{owner}/{repo}/releases/{release_id}', `${REPO}/releases/100009`],
    ['GET /repos/{owner}/{repo}/releases/{release_id}/assets', `${REPO}/releases/100009/assets`],
    ['GET /repos/{owner}/{repo}/releases/assets/{asset_id}', `${REPO}/releases/assets/100010`],
    ['DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}', `${REPO}/releases/assets/100010`],
    [
      'POST /repos/{owner}/{repo}/attestations',
      `${REPO}/attestations`,
      { bundle: { mediaType: 'm', verificationMaterial: {}, dsseEnvelope: { payload: statement } } },
    ],
    [
      'GET /repos/{owner}/{repo}/attestations/{subject_digest}',
      `${REPO}/attestations/sha256:${'c'.repeat(64)}`,
    ],
  ];
  expect([...new Set(walk.map(([operation]) => operation))].sort()).toEqual([...OPERATIONS].sort());
  github.state.branches['main'] = { sha: SHA, protected: true };
  for (const [operation, path, body] of walk) {
    const token = operation === 'GET /installation/repositories' ? 'of-a-job' : undefined;
    const { status, data } = await ask(operation.split(' ')[0] ?? '', path, body, token);
    expect([operation, status, status < 300 ? '' : data]).toEqual([
      operation,
      expect.toSatisfy((code: number) => code < 300),
      '',
    ]);
    expect(github.violations, operation).toEqual([]);
  }
  expect(github.state.runs[0]).toMatchObject({
    pending: [],
    approvals: [{ environments: ['production'], state: 'approved', user: 'ada', comment: 'ok' }],
  });
  expect(github.state.issues[0]).toMatchObject({ title: 'Mended', labels: ['bug', 'released'] });
});

describe('what GitHub would not take', () => {
  it.each<[string, string, string, unknown]>([
    ['a field that does not exist', 'POST', `${REPO}/issues`, { title: 'a', label: ['bug'] }],
    ['a field of another type', 'POST', `${REPO}/issues`, { title: 'a', labels: 'bug' }],
    ['a field that is missing', 'POST', `${REPO}/deployments`, { environment: 'production' }],
    ['a parameter that does not exist', 'GET', `${REPO}/issues?page_size=100`, undefined],
    ['a parameter of another type', 'GET', `${REPO}/issues?per_page=all`, undefined],
    ['an operation that it does not have', 'POST', `${REPO}/environments`, { name: 'a' }],
  ])('%s fails the test that sent it', async (_, method, path, body) => {
    checked = false;
    expect((await ask(method, path, body)).status).toBeGreaterThanOrEqual(400);
    await expect(github.close()).rejects.toThrow("against GitHub's description");
  });

  it('is a review by the one who started the run, or by somebody else', async () => {
    await ask('PUT', `${REPO}/environments/production`, {
      prevent_self_review: true,
      reviewers: [{ type: 'User', id: 12 }],
    });
    const id = github.state.environments[0]?.id;
    const review = { environment_ids: [id], state: 'approved', comment: '' };
    const path = `${REPO}/actions/runs/7/pending_deployments`;
    expect((await ask('POST', path, review, 'token-of-eve')).status).toBe(403);
    expect((await ask('POST', path, review, 'token-of-ada')).status).toBe(403);
    expect(github.state.runs[0]?.approvals).toEqual([]);
  });

  it('is a reviewer in a private repository of a small plan', async () => {
    github.state.repository = { ...github.state.repository, visibility: 'private', plan: 'team' };
    const reviewed = { reviewers: [{ type: 'User', id: 11 }] };
    expect((await ask('PUT', `${REPO}/environments/production`, reviewed)).status).toBe(422);
    expect((await ask('PUT', `${REPO}/environments/production`, {})).status).toBe(200);
    expect(github.state.environments).toMatchObject([{ name: 'production', reviewers: [] }]);
  });
});

describe('what goes wrong on demand', () => {
  it('a failure before the effect, and one after it', async () => {
    github.fail({ operation: 'POST', answer: 502 });
    expect((await ask('POST', `${REPO}/issues`, { title: 'a' })).status).toBe(502);
    expect(github.state.issues).toEqual([]);
    github.fail({ operation: 'POST', answer: 'cut', after: true });
    await expect(ask('POST', `${REPO}/issues`, { title: 'a' })).rejects.toThrow('fetch failed');
    expect(github.state.issues).toHaveLength(1);
    expect((await ask('POST', `${REPO}/issues`, { title: 'b' })).status).toBe(201);
  });

  it('limits, rights and tokens', async () => {
    github.limit('primary', 30);
    github.limit('secondary', 5);
    expect((await ask('GET', REPO)).headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await ask('GET', REPO)).headers.get('retry-after')).toBe('5');
    github.forbid('GET /user', 'profile=read');
    expect((await ask('GET', '/user')).headers.get('x-accepted-github-permissions')).toBe('profile=read');
    expect((await fetch(`${github.url}${REPO}`)).status).toBe(401);
  });

  it('gives long lists page by page', async () => {
    for (const title of ['a', 'b', 'c']) await ask('POST', `${REPO}/issues`, { title });
    const first = await ask('GET', `${REPO}/issues?per_page=2`);
    expect(first.data).toHaveLength(2);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await ask('GET', next.slice(github.url.length));
    expect(second.data).toMatchObject([{ title: 'a' }]);
    expect(second.headers.get('link')).toBeNull();
  });
});
