import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { startGitHub, type StoredEnvironment, type TestGitHub } from '../../testing/github/index.ts';
import { examine } from '../testing/examine.ts';
import { judgeSecret } from './environments.ts';
import { judgeLedgerRules, judgeTagRules } from './rules.ts';

const ACME = { owner: 'acme', repo: 'platform' };
const ruleset = (target: 'branch' | 'tag', include: string, types: string[], id = 7) => ({
  id,
  name: `of ${target}`,
  target,
  enforcement: 'active' as const,
  include: [include],
  exclude: [],
  rules: types.map((type) => ({ type })),
});
const environment = (name: string, reviewers: StoredEnvironment['reviewers'] = []): StoredEnvironment => ({
  id: name.length,
  name,
  waitTimer: 0,
  preventSelfReview: false,
  reviewers,
  branchPolicy: null,
  branches: [],
});

describe('the repository on GitHub', () => {
  let github: TestGitHub;
  let flow: Flow;
  beforeAll(async () => {
    github = await startGitHub();
    flow = await Flow.start({
      live: true,
      packages: { solo: [] },
      gates: { test: { environment: 'TestGate' }, public: { environment: 'Production' } },
      options: {
        workflows: true,
        github: {
          repository: 'acme/platform',
          api: github.url,
          environments: { Production: { reviewers: ['ada'] } },
        },
      },
    });
  });
  afterAll(async () => {
    await flow?.close();
    await github?.close();
  });
  beforeEach(() => {
    Object.assign(github.state, {
      environments: [
        environment('TestGate', [{ type: 'User', id: 65 }]),
        environment('Production', [{ type: 'User', id: 11 }]),
      ],
      rulesets: [
        ruleset('branch', 'refs/heads/sluice/ledger', ['deletion', 'non_fast_forward'], 1),
        ruleset('tag', '~ALL', ['deletion', 'update'], 2),
      ],
      secrets: {
        TestGate: ['TEST_REGISTRY_TOKEN'],
        Production: ['PUBLIC_REGISTRY_TOKEN'],
        '': ['OTHER'],
      },
    });
    github.state.users['ada'] = { id: 11, permission: 'write' };
    github.state.tokens['of-the-owner'] = 'acme';
    github.requests.length = 0;
  });
  const look = (env: NodeJS.ProcessEnv = {}, stage?: string) =>
    examine(flow, { env: { GITHUB_TOKEN: 'of-the-owner', ...env }, ...(stage ? { stage } : {}) });

  it('is well, and only asked', async () => {
    const { of, checks } = await look();
    expect(of('repository and token')).toBe('ok: acme/platform, public; the token may administer');
    expect(of('environment TestGate')).toBe('ok: asks acme');
    expect(of('environment Production', 'public')).toBe('ok: asks ada');
    expect(of('secret TEST_REGISTRY_TOKEN')).toBe('ok: is a secret of TestGate alone');
    expect(of('rules of the ledger')).toBe('ok: nobody can delete or rewrite sluice/ledger');
    expect(of('tag protection')).toBe('ok: nobody can move or delete the tag of a release');
    expect(checks.filter(({ room, verdict }) => room === 'github' && verdict === 'problem')).toHaveLength(1);
    expect(github.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(github.violations).toEqual([]);
  });

  it('for one stage is what that stage needs', async () => {
    const { checks } = await look({}, 'test');
    expect(checks.flatMap(({ room, stage }) => (room === 'github' && stage ? [stage] : []))).toEqual([
      'test',
      'test',
    ]);
  });

  it('an environment that is missing, differs, or asks nobody', async () => {
    github.state.environments = [environment('Production', [{ type: 'User', id: 65 }])];
    const { of } = await look();
    expect(of('environment TestGate')).toBe(
      'problem: it is not there: a job that names it would make it, with no reviewers and open to all branches -> npx nx g @sluice/nx:environments',
    );
    expect(of('environment Production')).toBe(
      'problem: it is not as nx.json wants it\nreviewers: acme -> ada -> npx nx g @sluice/nx:environments',
    );
    github.state.environments = [environment('TestGate')];
    expect((await look()).of('environment TestGate')).toMatch(/^warning: it asks nobody/);
  });

  it('a secret that is missing, or that every job can have', async () => {
    github.state.secrets = {
      TestGate: [],
      Production: ['PUBLIC_REGISTRY_TOKEN'],
      '': ['PUBLIC_REGISTRY_TOKEN'],
    };
    const { of } = await look();
    expect(of('secret TEST_REGISTRY_TOKEN')).toBe(
      'problem: TestGate has no secret TEST_REGISTRY_TOKEN -> gh secret set TEST_REGISTRY_TOKEN --env TestGate',
    );
    expect(of('secret PUBLIC_REGISTRY_TOKEN')).toMatch(/^warning: .* of the whole repository/);
  });

  it('rules that are in the way of records or tags, and those that are missing', async () => {
    github.state.rulesets = [
      ruleset('branch', '~ALL', ['pull_request']),
      ruleset('tag', 'refs/tags/solo*', ['creation'], 8),
    ];
    const closed = await look();
    expect(closed.of('rules of the ledger')).toMatch(
      /^problem: a ruleset asks for pull_request on sluice\/ledger/,
    );
    expect(closed.of('tag protection')).toMatch(
      /^problem: the ruleset "of tag" lets nobody make a tag such as solo@1\.0\.0/,
    );
    github.state.rulesets = [];
    const open = await look();
    expect(open.of('rules of the ledger')).toMatch(
      /^warning: whoever may push can delete or rewrite sluice\/ledger.* -> gh api repos\/acme\/platform\/rulesets /,
    );
    expect(open.of('tag protection')).toMatch(/^warning: whoever may push can move or delete/);
  });

  it('a token that sees less makes checks that cannot be made, not problems', async () => {
    github.forbid('GET /repos/{owner}/{repo}/environments', 'actions=read');
    github.forbid('GET /repos/{owner}/{repo}/environments/{environment_name}/secrets', 'environments=read');
    const { of } = await look({ GITHUB_TOKEN: 'of-a-job', GITHUB_ACTIONS: 'true' });
    expect(of('repository and token')).toMatch(/^ok: acme\/platform, public; what this job may do/);
    expect(of('environment TestGate')).toMatch(/^not checked: the token may not see the environments/);
    expect(of('secret TEST_REGISTRY_TOKEN')).toMatch(/^not checked: .* -> gh secret list --env TestGate$/);
  });

  it('a token that may only read is a problem; none at all is one inside a job', async () => {
    github.state.users['eve'] = { id: 12, permission: 'read' };
    github.state.tokens['of-eve'] = 'eve';
    expect((await look({ GITHUB_TOKEN: 'of-eve' })).of('repository and token')).toMatch(
      /^problem: .*may only read/,
    );
    const none = await look({ GITHUB_TOKEN: '' });
    expect(none.of('repository and token')).toMatch(
      /^not checked: there is no token.* -> export GH_TOKEN=\$\(gh auth token\)/,
    );
    expect(none.of('tag protection')).toBe(
      'not checked: GitHub cannot be asked (GITHUB_TOKEN_MISSING, above)',
    );
    const job = await look({ GITHUB_TOKEN: '', GITHUB_ACTIONS: 'true' });
    expect(job.check('repository and token')).toMatchObject({
      verdict: 'problem',
      code: 'GITHUB_TOKEN_MISSING',
    });
  });

  it('workflows that are not as the stages say are named, and not written', async () => {
    const { of } = await look();
    expect(of('workflows in sync')).toMatch(
      /^problem: not as the stages in nx\.json say: \.github\/workflows\/.*release\.yml.* -> npx nx sync/,
    );
    const { syncHere } = await import('../testing/sync.ts');
    await syncHere(flow.root);
    expect((await look()).of('workflows in sync')).toBe('ok: as the stages in nx.json say');
    await rm(join(flow.root, '.github/workflows/drift.yml'));
    expect((await look()).of('workflows in sync')).toBe(
      'problem: not as the stages in nx.json say: .github/workflows/drift.yml -> npx nx sync (and commit what it writes)',
    );
  });

  it('is not asked in the local profile', async () => {
    const { checks } = await look({ SLUICE_PROFILE: 'local' });
    expect(checks.filter(({ room }) => room === 'github')).toEqual([]);
    expect(github.requests).toEqual([]);
  });
});

describe('what is decided without asking', () => {
  it('the commands make rules that then are enough', () => {
    expect(judgeLedgerRules([], 'sluice/ledger', ACME).next).toBe(
      "gh api repos/acme/platform/rulesets -f name='sluice ledger' -f target=branch -f enforcement=active -f 'conditions[ref_name][include][]=refs/heads/sluice/ledger' -F 'conditions[ref_name][exclude][]' -F 'rules[][type]=deletion' -F 'rules[][type]=non_fast_forward'",
    );
    expect(judgeLedgerRules(['deletion', 'non_fast_forward'], 'sluice/ledger', ACME).verdict).toBe('ok');
  });

  it('who may bypass a rule is not kept out by it', () => {
    const rules = {
      id: 1,
      name: 'tags',
      enforcement: 'active',
      conditions: { ref_name: { include: ['~ALL'], exclude: [] } },
      rules: [{ type: 'creation' }, { type: 'deletion' }, { type: 'update' }],
    };
    expect(judgeTagRules([rules], 'a@1.0.0', ACME).verdict).toBe('problem');
    expect(judgeTagRules([{ ...rules, current_user_can_bypass: 'always' }], 'a@1.0.0', ACME).verdict).toBe(
      'ok',
    );
    const other = { ref_name: { include: ['refs/tags/v*'], exclude: [] } };
    expect(judgeTagRules([{ ...rules, conditions: other }], 'a@1.0.0', ACME).verdict).toBe('warning');
  });

  it('a trusted job needs no secret', () => {
    const found = {
      variable: 'NPM_TOKEN',
      environment: 'Production',
      inEnvironment: false,
      everywhere: false,
    };
    expect(judgeSecret({ ...found, trusted: true }).verdict).toBe('ok');
    expect(judgeSecret({ ...found, trusted: false }).verdict).toBe('problem');
  });
});
