import type { Call } from './call.ts';
import { pullsOf } from './repository.ts';
import type { Issue, Pull } from './state.ts';

/**
 * The three questions that @semantic-release/github asks of the other API, told apart by their names. They are outside
 * of GitHub's OpenAPI description, so nothing checks them but that library's own reading of the answers.
 */
export function graphql(call: Call): unknown {
  const { query = '', variables = {} } = call.body as { query?: string; variables?: Record<string, unknown> };
  const repository: Record<string, unknown> = {};
  if (query.includes('query getAssociatedPRs')) {
    for (const [, name = '', sha = ''] of query.matchAll(/(commit[0-9a-f]+): object\(oid: "([0-9a-f]+)"\)/g))
      repository[name] = call.state.commits.some((one) => one.sha === sha)
        ? {
            oid: sha,
            associatedPullRequests: {
              pageInfo: { endCursor: null, hasNextPage: false },
              nodes: pullsOf(call, sha).map((pull) => pullNode(call, pull)),
            },
          }
        : null;
  } else if (query.includes('query getRelatedIssues')) {
    for (const [, name = '', number] of query.matchAll(/(issue\d+): issueOrPullRequest\(number: (\d+)\)/g)) {
      const pull = call.state.pulls.find((one) => one.number === Number(number));
      const issue = call.state.issues.find((one) => one.number === Number(number));
      repository[name] = pull ? pullNode(call, pull) : issue ? issueNode(call, issue) : null;
    }
  } else if (query.includes('query getSRIssues')) {
    repository['issues'] = { nodes: [] };
  } else {
    return {
      errors: [{ message: `the server of the tests does not know this query: ${query.slice(0, 80)}` }],
    };
  }
  const { owner, repo } = variables;
  return owner === call.owner && repo === call.repo
    ? { data: { repository } }
    : { data: { repository: null } };
}

function issueNode(call: Call, { number, title, body, state, user, labels }: Issue): unknown {
  return {
    __typename: 'Issue',
    id: `I_${number}`,
    number,
    title,
    body,
    state: state.toUpperCase(),
    url: `https://github.com/${call.owner}/${call.repo}/issues/${number}`,
    author: { login: user, __typename: 'User' },
    labels: { nodes: labels.map((name) => ({ name })) },
    comments: { totalCount: 0 },
    milestone: null,
    locked: false,
  };
}

function pullNode(call: Call, { number, title, body, author, mergeCommit, commits }: Pull): unknown {
  return {
    ...(issueNode(call, {
      number,
      title,
      body,
      state: mergeCommit === null ? 'open' : 'closed',
      user: author,
      labels: [],
      assignees: [],
    }) as object),
    __typename: 'PullRequest',
    url: `https://github.com/${call.owner}/${call.repo}/pull/${number}`,
    mergedAt: mergeCommit === null ? null : call.now,
    commits: { totalCount: commits.length },
  };
}
