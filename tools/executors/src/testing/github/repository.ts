import { minimatch } from 'minimatch';
import { notFound, ok, page, refused, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import type { Commit, Pull, Ruleset } from './state.ts';

const REPOSITORY = '/repos/{owner}/{repo}';

export const repository = {
  [`GET ${REPOSITORY}`]: (call: Call) => {
    const { owner, repo, state } = call;
    const { id, visibility, defaultBranch } = state.repository;
    const permission = state.users[call.login]?.permission ?? 'none';
    return ok({
      id,
      name: repo,
      full_name: `${owner}/${repo}`,
      owner: userOf(call, owner),
      private: visibility === 'private',
      visibility,
      default_branch: defaultBranch,
      clone_url: `https://github.com/${owner}/${repo}.git`,
      html_url: `https://github.com/${owner}/${repo}`,
      permissions: {
        admin: permission === 'admin',
        push: /^(admin|maintain|write)$/.test(permission),
        pull: permission !== 'none',
      },
    });
  },
  [`GET ${REPOSITORY}/branches/{branch}`]: (call: Call) => {
    const name = text(call.params['branch']);
    const branch = call.state.branches[name];
    if (!branch) return notFound();
    return ok({
      name,
      commit: commitShape(call, { sha: branch.sha, message: '' }),
      protected: branch.protected ?? false,
    });
  },
  [`GET ${REPOSITORY}/branches/{branch}/protection`]: (call: Call) =>
    call.state.branches[text(call.params['branch'])]?.protected
      ? ok({})
      : refused(404, 'Branch not protected'),
  [`GET ${REPOSITORY}/git/ref/{ref}`]: (call: Call) => {
    const ref = text(call.params['ref']);
    const sha = ref.startsWith('tags/')
      ? call.state.tags[ref.slice(5)]
      : call.state.branches[ref.replace(/^heads\//, '')]?.sha;
    return sha === undefined ? notFound() : ok({ ref: `refs/${ref}`, object: { type: 'commit', sha } });
  },

  [`GET ${REPOSITORY}/commits`]: (call: Call) => {
    const by = call.query.get('author');
    const found = call.state.commits.filter(
      ({ author, email }) => by === null || by === author || by === email,
    );
    return page(call, found, (commit) => commitShape(call, commit));
  },
  [`GET ${REPOSITORY}/commits/{ref}`]: (call: Call) => {
    const commit = call.state.commits.find(({ sha }) => sha === call.params['ref']);
    return commit
      ? ok(commitShape(call, commit))
      : refused(422, `No commit found for SHA: ${call.params['ref']}`);
  },
  [`GET ${REPOSITORY}/commits/{commit_sha}/pulls`]: (call: Call) =>
    page(call, pullsOf(call, text(call.params['commit_sha'])), (pull) => pullShape(call, pull)),
  [`GET ${REPOSITORY}/pulls/{pull_number}`]: (call: Call) =>
    withPull(call, (pull) => ok(pullShape(call, pull))),
  [`GET ${REPOSITORY}/pulls/{pull_number}/commits`]: (call: Call) =>
    withPull(call, (pull) =>
      page(call, pull.commits, (sha) =>
        commitShape(call, call.state.commits.find((one) => one.sha === sha) ?? { sha, message: '' }),
      ),
    ),

  [`GET ${REPOSITORY}/rulesets`]: (call: Call) =>
    page(call, call.state.rulesets, (one) => rulesetShape(call, one)),
  [`POST ${REPOSITORY}/rulesets`]: (call: Call) => {
    const ruleset = rulesetOf(call, call.id());
    call.state.rulesets.push(ruleset);
    return ok(rulesetShape(call, ruleset), 201);
  },
  [`GET ${REPOSITORY}/rulesets/{ruleset_id}`]: (call: Call) =>
    withRuleset(call, (one) => ok(rulesetShape(call, one))),
  [`PUT ${REPOSITORY}/rulesets/{ruleset_id}`]: (call: Call) =>
    withRuleset(call, (one) => ok(rulesetShape(call, Object.assign(one, rulesetOf(call, one.id))))),
  [`GET ${REPOSITORY}/rules/branches/{branch}`]: (call: Call) =>
    ok(
      call.state.rulesets
        .filter(
          (one) =>
            one.target === 'branch' &&
            one.enforcement === 'active' &&
            covers(call, one, text(call.params['branch'])),
        )
        .flatMap(({ id, rules }) =>
          rules.map((rule) => ({
            ...rule,
            ruleset_source_type: 'Repository',
            ruleset_source: `${call.owner}/${call.repo}`,
            ruleset_id: id,
          })),
        ),
    ),
  [`GET ${REPOSITORY}/actions/permissions/workflow`]: () =>
    ok({ default_workflow_permissions: 'read', can_approve_pull_request_reviews: false }),
} satisfies Handlers as Handlers;

/** Pull requests that a commit came by. */
export function pullsOf({ state }: Call, sha: string): Pull[] {
  return state.pulls.filter(({ commits, mergeCommit }) => commits.includes(sha) || mergeCommit === sha);
}

function withPull(call: Call, answer: (pull: Pull) => Answer): Answer {
  const pull = call.state.pulls.find(({ number }) => String(number) === call.params['pull_number']);
  return pull ? answer(pull) : notFound();
}

function withRuleset(call: Call, answer: (one: Ruleset) => Answer): Answer {
  const one = call.state.rulesets.find(({ id }) => String(id) === call.params['ruleset_id']);
  return one ? answer(one) : notFound();
}

function rulesetOf({ body }: Call, id: number): Ruleset {
  const { ref_name: names } = (body['conditions'] ?? {}) as {
    ref_name?: { include?: string[]; exclude?: string[] };
  };
  return {
    id,
    name: text(body['name']),
    target: (body['target'] ?? 'branch') as Ruleset['target'],
    enforcement: body['enforcement'] as Ruleset['enforcement'],
    include: names?.include ?? [],
    exclude: names?.exclude ?? [],
    rules: (body['rules'] ?? []) as Ruleset['rules'],
  };
}

function covers({ state }: Call, { include, exclude }: Ruleset, branch: string): boolean {
  const fits = (pattern: string) =>
    pattern === '~ALL' ||
    (pattern === '~DEFAULT_BRANCH' && branch === state.repository.defaultBranch) ||
    minimatch(`refs/heads/${branch}`, pattern);
  return include.some(fits) && !exclude.some(fits);
}

function rulesetShape(call: Call, one: Ruleset): unknown {
  return {
    id: one.id,
    name: one.name,
    target: one.target,
    source_type: 'Repository',
    source: `${call.owner}/${call.repo}`,
    enforcement: one.enforcement,
    conditions: { ref_name: { include: one.include, exclude: one.exclude } },
    rules: one.rules,
  };
}

function commitShape(call: Call, { sha, message, author }: Commit): unknown {
  const at = `${call.url}/repos/${call.owner}/${call.repo}/commits/${sha}`;
  return {
    sha,
    url: at,
    html_url: `https://github.com/${call.owner}/${call.repo}/commit/${sha}`,
    commit: { message, url: at, tree: { sha, url: at }, author: null, committer: null },
    author: author === undefined ? null : userOf(call, author),
    committer: null,
  };
}

function pullShape(call: Call, pull: Pull): unknown {
  const { owner, repo } = call;
  const side = {
    label: 'main',
    ref: 'main',
    sha: pull.mergeCommit ?? '',
    user: userOf(call, owner),
    repo: {
      id: call.state.repository.id,
      name: repo,
      full_name: `${owner}/${repo}`,
      owner: userOf(call, owner),
    },
  };
  return {
    id: 2000 + pull.number,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    state: pull.mergeCommit === null ? 'open' : 'closed',
    merged: pull.mergeCommit !== null,
    merge_commit_sha: pull.mergeCommit,
    user: userOf(call, pull.author),
    html_url: `https://github.com/${owner}/${repo}/pull/${pull.number}`,
    head: side,
    base: side,
  };
}
