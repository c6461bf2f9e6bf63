import { notFound, ok, page, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import type { Comment, Issue } from './state.ts';

const ISSUES = '/repos/{owner}/{repo}/issues';

export const issues = {
  [`GET ${ISSUES}`]: (call: Call) => {
    const state = call.query.get('state') ?? 'open';
    const labels = (call.query.get('labels') ?? '').split(',').filter(Boolean);
    const creator = call.query.get('creator');
    const found = call.state.issues.filter(
      (one) =>
        (state === 'all' || one.state === state) &&
        labels.every((label) => one.labels.includes(label)) &&
        (creator === null || one.user === creator),
    );
    return page(call, found.toReversed(), (one) => shape(call, one));
  },
  [`POST ${ISSUES}`]: (call: Call) => {
    const { state, body } = call;
    const issue: Issue = {
      number:
        Math.max(0, ...state.issues.map((one) => one.number), ...state.pulls.map((one) => one.number)) + 1,
      title: String(body['title']),
      body: text(body['body']),
      state: 'open',
      user: call.login,
      labels: (body['labels'] ?? []) as string[],
      assignees: (body['assignees'] ?? []) as string[],
    };
    state.issues.push(issue);
    return ok(shape(call, issue), 201);
  },
  [`GET ${ISSUES}/{issue_number}`]: (call: Call) => withIssue(call, (one) => ok(shape(call, one))),
  [`PATCH ${ISSUES}/{issue_number}`]: (call: Call) =>
    withIssue(call, (one) => {
      const { title, body, state, labels } = call.body as Partial<Issue>;
      Object.assign(
        one,
        title && { title },
        body !== undefined && { body },
        state && { state },
        labels && { labels },
      );
      return ok(shape(call, one));
    }),

  [`GET ${ISSUES}/{issue_number}/comments`]: (call: Call) =>
    withIssue(call, (one) =>
      page(
        call,
        call.state.comments.filter(({ issue }) => issue === one.number),
        (comment) => commentShape(call, comment),
      ),
    ),
  [`POST ${ISSUES}/{issue_number}/comments`]: (call: Call) =>
    withIssue(call, (one) => {
      const comment: Comment = {
        id: call.id(),
        issue: one.number,
        user: call.login,
        body: text(call.body['body']),
        created_at: call.now,
        updated_at: call.now,
      };
      call.state.comments.push(comment);
      return ok(commentShape(call, comment), 201);
    }),
  [`GET ${ISSUES}/comments/{comment_id}`]: (call: Call) =>
    withComment(call, (one) => ok(commentShape(call, one))),
  [`PATCH ${ISSUES}/comments/{comment_id}`]: (call: Call) =>
    withComment(call, (one) => {
      Object.assign(one, { body: text(call.body['body']), updated_at: call.now });
      return ok(commentShape(call, one));
    }),

  [`GET ${ISSUES}/{issue_number}/labels`]: (call: Call) =>
    withIssue(call, (one) => page(call, one.labels, labelShape)),
  [`POST ${ISSUES}/{issue_number}/labels`]: (call: Call) =>
    withIssue(call, (one) => {
      const given = (Array.isArray(call.body) ? call.body : (call.body['labels'] ?? [])) as string[];
      one.labels = [...new Set([...one.labels, ...given])];
      return ok(one.labels.map(labelShape));
    }),

  'GET /search/issues': (call) => {
    const found = call.state.issues.filter((one) => matches(one, call.query.get('q') ?? ''));
    const { body, ...rest } = page(
      call,
      found,
      (one) => ({ ...(shape(call, one) as object), score: 1 }),
      'items',
    );
    return { ...rest, body: { ...(body as object), incomplete_results: false } };
  },
} satisfies Handlers as Handlers;

/** The part of GitHub's search that names fields: `is:issue is:open label:"a b" in:title words`. */
function matches(issue: Issue, query: string): boolean {
  const terms = [...query.matchAll(/(?:([a-z]+):)?("[^"]*"|\S+)/g)].map(([, field, value = '']) => ({
    field,
    value: value.replaceAll('"', ''),
  }));
  return terms.every(({ field, value }) => {
    if (field === 'repo' || field === 'in') return true;
    if (field === 'is' || field === 'state' || field === 'type')
      return value === 'issue' ? !issue.pull : value === 'pr' ? issue.pull === true : issue.state === value;
    if (field === 'label') return issue.labels.includes(value);
    if (field === 'author') return issue.user === value;
    return `${issue.title}\n${issue.body}`.toLowerCase().includes(value.toLowerCase());
  });
}

function withIssue(call: Call, answer: (one: Issue) => Answer): Answer {
  const one = call.state.issues.find(({ number }) => String(number) === call.params['issue_number']);
  return one ? answer(one) : notFound();
}

function withComment(call: Call, answer: (one: Comment) => Answer): Answer {
  const one = call.state.comments.find(({ id }) => String(id) === call.params['comment_id']);
  return one ? answer(one) : notFound();
}

const labelShape = (name: string) => ({ id: 1, name, color: 'ededed', default: false });

function shape(call: Call, one: Issue): unknown {
  const { owner, repo, url } = call;
  const kind = one.pull ? 'pull' : 'issues';
  return {
    id: 1000 + one.number,
    number: one.number,
    title: one.title,
    body: one.body,
    state: one.state,
    user: userOf(call, one.user),
    labels: one.labels.map(labelShape),
    assignees: one.assignees.map((login) => userOf(call, login)),
    comments: call.state.comments.filter(({ issue }) => issue === one.number).length,
    html_url: `https://github.com/${owner}/${repo}/${kind}/${one.number}`,
    url: `${url}/repos/${owner}/${repo}/issues/${one.number}`,
    ...(one.pull ? { pull_request: {} } : {}),
    author_association: association(call, one.user),
  };
}

function commentShape(call: Call, one: Comment): unknown {
  const { owner, repo, url } = call;
  return {
    id: one.id,
    body: one.body,
    user: userOf(call, one.user),
    created_at: one.created_at,
    updated_at: one.updated_at,
    html_url: `https://github.com/${owner}/${repo}/issues/${one.issue}#issuecomment-${one.id}`,
    issue_url: `${url}/repos/${owner}/${repo}/issues/${one.issue}`,
    author_association: association(call, one.user),
  };
}

function association({ state, owner }: Call, login: string): string {
  const permission = state.users[login]?.permission ?? 'none';
  if (login === owner) return 'OWNER';
  return /admin|maintain|write/.test(permission) ? 'COLLABORATOR' : 'NONE';
}
