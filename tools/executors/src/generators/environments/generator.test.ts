import type { Tree } from '@nx/devkit';
import { updateNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGitHub } from '../../github/index.ts';
import { startGitHub, type TestGitHub } from '../../testing/github/index.ts';
import { PLUGIN } from '../nx-json.ts';
import environments from './generator.ts';

let github: TestGitHub;
let tree: Tree;
let said: string[];

beforeEach(async () => {
  github = await startGitHub();
  github.state.users['ada'] = { id: 11, permission: 'write' };
  github.state.users['eve'] = { id: 12, permission: 'none' };
  github.state.teams['acme/releasers'] = { id: 21, members: ['ada'] };
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  said = [];
});
afterEach(() => github.close());

const PRODUCTION = {
  reviewers: ['ada', 'acme/releasers'],
  wait: '10m',
  preventSelfReview: true,
  branches: ['main', 'release/*'],
};

/** The generator as Nx runs it: with `--dry-run` it leaves out the callback. */
async function generate(
  settings: Record<string, object> = { Production: PRODUCTION },
  dryRun = false,
  services: object = { images: 'ghcr.io/acme', stages: [{ name: 'staging', hosts: ['a'] }] },
): Promise<string> {
  const options = {
    packages: { stages: [{ name: 'first' }, { name: 'public', gate: { environment: 'Production' } }] },
    services,
    github: { api: github.url, environments: settings },
  };
  updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options }] });
  said = [];
  const apply = await environments(
    tree,
    {},
    {
      github: async ({ github: given }) =>
        openGitHub({
          options: given,
          identity: 'github.com/acme/platform',
          env: { GH_TOKEN: 'of-a-person' },
          secondMs: 1,
        }),
      say: (line) => void said.push(line),
    },
  );
  if (!dryRun) await apply();
  return said.join('\n');
}
const writes = () =>
  github.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
const names = () => github.state.environments.map(({ name }) => name);
const production = () => github.state.environments.find(({ name }) => name === 'Production');

describe('the environments of a repository', () => {
  it('are made as nx.json wants them', async () => {
    expect(await generate()).toContain(
      '+ Production (new)\n    reviewers: acme/releasers, ada\n    wait: 10 min',
    );
    expect(names()).toEqual(['Production', 'staging', 'staging-rollback']);
    expect(production()).toMatchObject({
      reviewers: [
        { type: 'User', id: 11 },
        { type: 'Team', id: 21 },
      ],
      waitTimer: 10,
      preventSelfReview: true,
      branchPolicy: { protected_branches: false, custom_branch_policies: true },
    });
    expect(production()?.branches.map(({ name }) => name)).toEqual(['main', 'release/*']);
  });

  it('that GitHub takes for one are said to be', async () => {
    const services = { images: 'ghcr.io/acme', stages: [{ name: 'production', hosts: ['a'] }] };
    expect(await generate({}, false, services)).toContain(
      'note: Production (of public) and production (of production) are one',
    );
    expect(names()).toEqual(['Production', 'production-rollback']);
  });

  it('are left alone when they are right', async () => {
    await generate();
    github.requests.length = 0;
    expect(await generate()).toBe('The environments of acme/platform are as nx.json wants them.');
    expect(writes()).toEqual([]);
  });

  it('are shown and not touched by a dry run', async () => {
    expect(await generate(undefined, true)).toContain('+ Production (new)');
    expect(writes()).toEqual([]);
    expect(names()).toEqual([]);
  });

  it('are corrected, and nothing that nx.json does not say is changed, and none is deleted', async () => {
    await generate();
    const [one] = github.state.environments as [NonNullable<ReturnType<typeof production>>];
    Object.assign(one, {
      name: 'production',
      reviewers: [{ type: 'User', id: 65 }],
      preventSelfReview: false,
    });
    one.branches.push({ id: 1, name: 'eve/*' });
    github.state.environments.push({ ...one, id: 99, name: 'other' });
    const before = structuredClone(github.state.environments.at(-1));
    const shown = await generate({ Production: { reviewers: ['ada'], branches: ['main'] } });
    expect(shown).toContain(
      '~ Production\n    reviewers: acme -> ada\n    branches: eve/*, main, release/* -> main',
    );
    expect(one).toMatchObject({
      name: 'production',
      reviewers: [{ type: 'User', id: 11 }],
      waitTimer: 10,
      preventSelfReview: false,
    });
    expect(one.branches.map(({ name }) => name)).toEqual(['main']);
    expect(github.state.environments.at(-1)).toEqual(before);
    expect(names()).toHaveLength(4);
  });

  it('of a rollback have no reviewers, whoever gave them some', async () => {
    await generate();
    const rollback = github.state.environments.find(({ name }) => name === 'staging-rollback');
    Object.assign(rollback ?? {}, { reviewers: [{ type: 'User', id: 11 }], waitTimer: 5 });
    expect(await generate()).toContain(
      '~ staging-rollback\n    reviewers: ada -> nobody\n    wait: 5 min -> 0 min',
    );
    expect(rollback).toMatchObject({ reviewers: [], waitTimer: 0 });
  });
});

describe('what cannot be', () => {
  it.each([
    ['somebody whom GitHub does not know', 'nobody', 'who is nobody on GitHub'],
    ['somebody without access', 'eve', 'who may not read acme/platform'],
    ['a team that is not there', 'acme/nobody', 'who is no team that this token may see'],
    ['a team of another organisation', 'other/releasers', 'who is no team of acme'],
  ])('%s', async (_, reviewer, words) => {
    await expect(generate({ Production: { reviewers: [reviewer] } })).rejects.toThrow(
      new RegExp(`ENVIRONMENT_REVIEWER_UNKNOWN: [^\n]*${reviewer}, ${words}`),
    );
    expect(names()).toEqual([]);
  });

  it('for a private repository of a small plan is said, and the rest is made', async () => {
    github.state.repository = { ...github.state.repository, visibility: 'private', plan: 'team' };
    await expect(generate()).rejects.toThrow(
      /ENVIRONMENTS_INCOMPLETE: [^\n]*acme\/platform, which is private[^\n]*\n {4}Production: no reviewers, no wait \([^\n]*required reviewers[^\n]*\)\n[^]*"approvals": 1/,
    );
    expect(names()).toEqual(['Production', 'staging', 'staging-rollback']);
    expect(production()?.branches.map(({ name }) => name)).toEqual(['main', 'release/*']);
  });

  it('in a public repository is no limit of a plan', async () => {
    github.fail({ operation: 'PUT', answer: 422, message: 'Validation Failed' });
    await expect(generate()).rejects.toThrow(/GITHUB_REFUSED: GitHub answered 422 to PUT/);
  });

  it('without the right to administer names the right', async () => {
    github.forbid('PUT /repos/{owner}/{repo}/environments/{environment_name}', 'administration=write');
    await expect(generate({})).rejects.toThrow(/GITHUB_REFUSED[^]*administration: write/);
    expect(names()).toEqual([]);
  });

  it('comes back after a failure of GitHub', async () => {
    github.fail({ operation: 'PUT', answer: 502, times: 4 });
    await expect(generate()).rejects.toThrow(/GITHUB_FAILED/);
    expect(names()).toEqual([]);
    github.limit('secondary', 1);
    github.fail({ operation: 'GET', answer: 503, times: 2 });
    github.fail({ operation: 'PUT', answer: 503, after: true });
    await generate();
    expect(names()).toHaveLength(3);
  });

  it('without our plugin is said', async () => {
    updateNxJson(tree, {});
    await expect(environments(tree)).rejects.toThrow(/PLUGIN_NOT_REGISTERED/);
  });
});
