import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../foundation/index.ts';
import { openGitHub } from '../github/index.ts';
import type { Batch, Entry, Promoted, Signer } from '../ledger/types.ts';
import type { GateOptions, GitHubOptions } from '../pipeline/types.ts';
import { openIssuer } from '../oidc/index.ts';
import { openJobSigner } from '../signing/index.ts';
import { releaseRun, startGitHub, type TestGitHub } from '../testing/github/index.ts';
import type { StoredEnvironment } from '../testing/github/state.ts';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { judgeAdmission } from './admission.ts';
import { auditHistory } from './audit.ts';
import { KeyHistory } from './key-history.ts';
import { policyHistory } from './policy-history.ts';
import { loadPolicy } from './policy.ts';
import { runningJob } from './running-job.ts';
import { jobRules, Signatures } from './signatures.ts';
import { newestBatch } from './testing/batches.ts';
import { Live } from './testing/live.ts';

let live: Live;
let issuer: TestIssuer;
let github: TestGitHub;

beforeEach(async () => {
  issuer = await startIssuer({ environment: 'Production' });
  github = await startGitHub();
  Object.assign(github.state.users, {
    ada: { id: 7, permission: 'write' },
    dev: { id: 12, permission: 'write' },
  });
  github.state.runs.push(releaseRun());
  protect({ waitTimer: 5 });
});
afterEach(async () => {
  live?.remove();
  await issuer.close();
  await github.close();
});

async function start(gate: GateOptions = { environment: 'Production' }, more: Partial<GitHubOptions> = {}) {
  live = await Live.make(gate);
  live.github = { repository: 'acme/platform', api: github.url, issuer: issuer.url, ...more };
  live.commit(live.policyFiles());
  live.push();
}
/** The environment as GitHub has it. */
function protect(rules: Partial<Omit<StoredEnvironment, 'reviewers'>> & { reviewers?: string[] }) {
  const { reviewers = [], ...more } = rules;
  const people = reviewers.map((login) => ({
    type: 'User' as const,
    id: github.state.users[login]?.id ?? 0,
  }));
  const open = { waitTimer: 0, preventSelfReview: false, branchPolicy: null, branches: [] };
  github.state.environments = [{ id: 1, name: 'Production', ...open, ...more, reviewers: people }];
}
const reviewed = (user: string, environment = 'Production', state: 'approved' | 'rejected' = 'approved') =>
  github.state.runs[0]?.approvals.push({ environments: [environment], state, user, comment: 'looks good' });

const policy = () => loadPolicy({ repository: live.repo, profile: 'live', remote: 'origin' });
/** What the gate says inside the job whose variables these are. */
async function decide(env: NodeJS.ProcessEnv = issuer.env) {
  const rules = await policy();
  const job = runningJob({
    env,
    rules: jobRules(rules, live.identity),
    github: () =>
      openGitHub({
        options: rules.options.github,
        identity: live.identity,
        env: { GITHUB_TOKEN: 't' },
        secondMs: 1,
      }),
  });
  const before = live.head();
  const decision = await live.decide({ job });
  expect(live.head()).toBe(before);
  return decision;
}
async function refusal(env?: NodeJS.ProcessEnv): Promise<string> {
  const decision = await decide(env);
  expect(decision).toMatchObject({ open: false });
  expect(decision.environment).toBeUndefined();
  return decision.results.find(({ condition }) => condition === 'environment')?.detail ?? '';
}

describe('behind the environment', () => {
  test('a job that GitHub vouches for is let in, with who approved it', async () => {
    await start();
    reviewed('ada');
    reviewed('dev', 'TestGate');
    const decision = await decide();
    expect(decision).toMatchObject({ open: true, approvals: [] });
    expect(decision.results.find(({ condition }) => condition === 'environment')?.detail).toBe(
      'run 100001 is behind the environment Production, approved by ada (looks good)',
    );
    expect(decision.environment).toEqual({
      name: 'Production',
      run: '100001',
      attempt: '1',
      sha: 'a'.repeat(40),
      actor: 'dev',
      approvals: [{ login: 'ada', id: 7, comment: 'looks good', read: expect.any(String) }],
    });
    // Made for exactly what is to be promoted, and asked for once.
    expect(issuer.audiences).toEqual([expect.stringMatching(/^sluice:plan:[0-9a-f]{64}$/)]);
  });

  test('names of environments are the same whatever their case', async () => {
    await start({ environment: 'production' });
    expect(await decide()).toMatchObject({ open: true });
  });

  test('nobody has to approve where neither nx.json nor GitHub names reviewers, and time is asked for', async () => {
    await start();
    expect((await decide()).results.at(-1)?.detail).toMatch(/which asked nobody/);
  });

  test('one that lets every job in proves nothing: not even the one that GitHub makes of a name', async () => {
    await start();
    protect({ branchPolicy: { protected_branches: true, custom_branch_policies: false } });
    expect(await refusal()).toMatch(/^GitHub lets every job into Production: nobody is asked/);
    github.state.environments = [];
    expect(await refusal()).toMatch(/^GitHub lets every job into Production: nobody is asked/);
    await live.approve('alice');
    expect(await decide()).toMatchObject({ open: true });
  });

  test('a run that passed by the reviewers whom nx.json names is refused', async () => {
    await start(undefined, { environments: { Production: { reviewers: ['ada'] } } });
    protect({ reviewers: ['ada'] });
    expect(await refusal()).toMatch(/^nobody approved run 100001 for Production/);
    reviewed('ada', 'Production', 'rejected');
    expect(await refusal()).toMatch(/^nobody approved run 100001 for Production/);
    reviewed('ada');
    expect(await decide()).toMatchObject({ open: true });
  });

  test('whoever made himself a reviewer is none, unless nx.json names teams, which no job can look into', async () => {
    const reviewers = ['Ada'];
    await start(undefined, { environments: { Production: { reviewers } } });
    protect({ reviewers: ['ada', 'dev'] });
    reviewed('dev');
    expect(await refusal()).toContain(
      'nobody approved run 100001 for Production who may by nx.json (Ada); dev did, so by a signed approval: 0 of 1',
    );
    live.github = { ...live.github, environments: { production: { reviewers: ['acme/ops'] } } };
    live.commit(live.policyFiles());
    live.push();
    expect(await decide()).toMatchObject({ open: true });
  });

  test('an approval of an earlier attempt is worth nothing once the reviewers are taken away', async () => {
    await start(undefined, { environments: { Production: { reviewers: ['ada'], wait: '10m' } } });
    reviewed('ada');
    issuer.job['run_attempt'] = '2';
    protect({ waitTimer: 10 });
    expect(await refusal()).toMatch(/^GitHub asks nobody before it lets a job into Production/);
    protect({ reviewers: ['ada'], waitTimer: 9 });
    expect(await refusal()).toMatch(/^GitHub lets jobs into Production after 9 min, not after the 10 min of/);
  });

  test('reviewers whom GitHub alone knows are asked too: an administrator can let a job pass by them', async () => {
    await start();
    protect({ reviewers: ['dev'] });
    expect(await refusal()).toMatch(/^nobody approved run 100001 for Production, though it has reviewers/);
    reviewed('dev');
    expect(await decide()).toMatchObject({ open: true });
  });

  test('who started the run, or ran it again, does not count where nx.json forbids it', async () => {
    const reviewers = ['dev', 'ada'];
    await start(undefined, { environments: { Production: { reviewers, preventSelfReview: true } } });
    protect({ reviewers });
    reviewed('dev');
    expect(await refusal()).toMatch(/^nobody approved run/);
    reviewed('ada');
    expect(await decide()).toMatchObject({ open: true });
    Object.assign(github.state.runs[0] ?? {}, { triggeredBy: 'ada' });
    expect(await refusal()).toMatch(/^nobody approved run/);
  });

  test('the reviewers count as approvals, but for authors of what is promoted', async () => {
    await start({ environment: 'Production', approvals: 1 });
    expect(await decide()).toMatchObject({ open: false });
    reviewed('ada');
    expect(await decide()).toMatchObject({ open: true });
    // GitHub knows whose address it is that the commits have.
    github.state.commits.push({ sha: live.source, message: 'x', author: 'ada', email: 'dev@acme.example' });
    const decision = await decide();
    expect(decision).toMatchObject({ open: false });
    expect(decision.results.at(-1)?.detail).toMatch(/github:ada does not count: its signer is an author/);
  });

  test('one person who approves on GitHub and by signature is one', async () => {
    await start({ environment: 'Production', approvals: 2 });
    live.signers = live.signers.replace('alice@acme.example', 'alice@acme.example,github:ada');
    live.commit(live.policyFiles());
    live.push();
    reviewed('ada');
    await live.approve('alice');
    expect(await decide()).toMatchObject({ open: false });
    await live.approve('bob');
    expect(await decide()).toMatchObject({ open: true });
  });

  test('where the gate names who may, others do not count', async () => {
    await start({ environment: 'Production', approvals: { count: 1, from: ['github:dev'] } });
    reviewed('ada');
    expect(await decide()).toMatchObject({ open: false });
    reviewed('dev');
    expect(await decide()).toMatchObject({ open: true });
  });

  test('approvals that cannot be read are no approvals: it fails, and says which right is missing', async () => {
    await start();
    github.forbid('GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals', 'actions=read');
    await expect(decide()).rejects.toMatchObject({ code: expect.stringMatching(/^GITHUB_/) });
  });
});

describe('not behind it', () => {
  test.each<[string, () => void, RegExp]>([
    ['a job without an environment', () => delete issuer.job['environment'], /runs in no environment/],
    ['a job in another one', () => (issuer.job['environment'] = 'TestGate'), /in the environment TestGate/],
    ['a job of another repository', () => (issuer.job['repository'] = 'eve/platform'), /in eve\/platform/],
    [
      'a fork: its pull request',
      () => Object.assign(issuer.job, { event_name: 'pull_request', ref: 'refs/pull/7/merge' }),
      /runs on refs\/pull\/7\/merge, not on main/,
    ],
    [
      'a pull request that runs with our rights',
      () => (issuer.job['event_name'] = 'pull_request_target'),
      /for the event pull_request_target/,
    ],
    [
      'a workflow of a branch that anybody may push',
      () => (issuer.job['ref'] = 'refs/heads/mine'),
      /runs on refs\/heads\/mine, not on main/,
    ],
    ['a tag', () => (issuer.job['ref'] = 'refs/tags/v1'), /runs on refs\/tags\/v1/],
    [
      'another workflow',
      () => (issuer.job['workflow_ref'] = 'acme/platform/.github/workflows/evil.yml@refs/heads/main'),
      /evil\.yml@refs\/heads\/main is none that may sign/,
    ],
    [
      'a reusable workflow of somebody else',
      () => (issuer.job['job_workflow_ref'] = 'eve/kit/.github/workflows/release.yml@refs/heads/main'),
      /eve\/kit.* is none that may sign/,
    ],
    ['a token that is too old', () => (issuer.clock = new Date(Date.now() - 3_600_000)), /it expired at/],
    [
      'a token of another issuer',
      () => (issuer.job['iss'] = 'https://token.example.com'),
      /it is for another|made it, not|no key of/,
    ],
    ['a token without its claims', () => delete issuer.job['run_id'], /"run_id" is missing/],
  ])('%s is refused', async (_, change, said) => {
    await start();
    reviewed('ada');
    change();
    if (issuer.job['iss']) issuer.forge = { iss: issuer.job['iss'] };
    expect(await refusal()).toMatch(said);
  });

  test('a token for another audience is refused: one for another plan', async () => {
    await start();
    issuer.forge = { aud: `sluice:plan:${'0'.repeat(64)}` };
    expect(await refusal()).toMatch(/it is for another audience/);
  });

  test('a forged token, signed by a key of its own, is refused, whoever the job asks for it', async () => {
    await start();
    const other = await startIssuer({ environment: 'Production' });
    try {
      other.forge = { iss: issuer.url };
      expect(await refusal(other.env)).toMatch(/no key of .* signed it/);
      // Nor does it help to name another issuer than the policy does, in the job or in its work tree.
      live.github = { ...live.github, issuer: other.url };
      live.write(live.policyFiles());
      expect(await refusal(other.env)).toMatch(/no key of .* signed it/);
    } finally {
      await other.close();
    }
  });

  test('a laptop with all tokens in the world is refused, or any approval stands in', async () => {
    await start();
    expect(await refusal({ GITHUB_TOKEN: 't' })).toMatch(/^not run by a job of GitHub Actions/);
    await live.approve('alice');
    expect(await decide({ GITHUB_TOKEN: 't' })).toMatchObject({ open: true });
  });

  test('without a repository on GitHub no job counts', async () => {
    await start(undefined, {});
    live.github = { issuer: issuer.url };
    live.commit(live.policyFiles());
    live.push();
    expect(await refusal()).toMatch(/names no repository on GitHub/);
  });

  test('a gate that is gone from the work tree is still there', async () => {
    await start();
    live.gate = undefined;
    live.write(live.policyFiles());
    expect(await refusal({})).toMatch(/^not run by a job/);
  });

  test('GitHub that gives no token, or an issuer that is away, is an error: nothing is decided', async () => {
    await start();
    issuer.failures = 1;
    await expect(decide()).rejects.toMatchObject({ code: 'OIDC_REQUEST_FAILED', transient: true });
    await expect(
      decide({ ...issuer.env, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9/' }),
    ).rejects.toMatchObject({ code: 'OIDC_REQUEST_FAILED' });
  });
});

describe('records that a job signs', () => {
  const signer = async (): Promise<Signer> =>
    openJobSigner({
      env: { ...issuer.env, GITHUB_WORKFLOW_REF: 'whatever' },
      rules: jobRules(await policy(), live.identity),
    });
  const audit = async () => {
    await live.ledger.refresh();
    const rules = await policy();
    return (
      await auditHistory({
        ledger: live.ledger,
        repository: live.repo,
        policy: rules,
        history: policyHistory({ repository: live.repo, policy: rules }),
        profile: 'live',
        repositoryIdentity: live.identity,
        now: new Date(),
      })
    ).map(({ problem }) => problem);
  };
  /** Promoted by the job as the gate allowed it. */
  const promote = async (change: (record: object) => object = (record) => record) => {
    const { environment } = await decide();
    await live.promoted(
      '1.0.0',
      'public',
      change(environment ? { environment } : {}),
      await signer(),
      new Date(),
    );
  };
  const admission = async () => {
    const { items: _, ...input } = await live.input({ now: new Date() });
    const entry = input.state.standing('public', '@acme/money', '1.0.0') as Entry<Promoted>;
    return judgeAdmission({ ...input, root: 'libs/money', next: 'promote' }, entry);
  };

  test('are believed, without any key: by the audit, and by the next step', async () => {
    await start({ environment: 'Production', approvals: 1 });
    reviewed('ada');
    await promote();
    expect(await audit()).toEqual([]);
    expect(await admission()).toMatchObject({ open: true });
    expect((await live.ledger.state()).position('public', '@acme/money')?.record.by).toBe(
      'github:acme/platform/.github/workflows/release.yml',
    );
  });

  test('do not count without the environment, or with that of another run', async () => {
    await start();
    issuer.job['environment'] = 'TestGate';
    await promote();
    expect(await audit()).toEqual(['@acme/money@1.0.0: entered with 0 of 1 approvals']);
    expect(await admission()).toMatchObject({ open: false });
  });

  test('do not count where they claim an environment that the token does not have', async () => {
    await start();
    reviewed('ada');
    const { environment } = await decide();
    issuer.job['environment'] = 'TestGate';
    await live.promoted('1.0.0', 'public', { environment }, await signer(), new Date());
    expect((await audit()).join('\n')).toMatch(
      /names run 100001 behind Production, but run 100001 behind TestGate/,
    );
  });

  test('do not count with the review of another attempt, or with nobody where the policy names reviewers', async () => {
    await start(undefined, { environments: { Production: { reviewers: ['ada'] } } });
    protect({ reviewers: ['ada'] });
    reviewed('ada');
    const { environment } = await decide();
    issuer.job['run_attempt'] = '2';
    await live.promoted('1.0.0', 'public', { environment }, await signer(), new Date());
    expect((await audit()).join('\n')).toMatch(/it names attempt 1 of run 100001, but attempt 2 signed it/);
    if (!environment) throw new Error('it was not let in');
    const approvals = environment.approvals.map((one) => ({ ...one, login: 'dev' }));
    const other = { environment: { ...environment, attempt: '2', approvals } };
    await live.promoted('1.0.0', 'public', other, await signer(), new Date());
    expect((await audit()).join('\n')).toMatch(/it names nobody who let run 100001 into Production/);
  });

  test('do not count where a person signed that a job was there', async () => {
    await start();
    reviewed('ada');
    const { environment } = await decide();
    await live.promoted('1.0.0', 'public', { environment }, 'ci', new Date());
    expect((await audit()).join('\n')).toMatch(/it names an environment, but no job signed it/);
  });

  test('are over exactly these records: not over others, nor by another', async () => {
    await start();
    await promote();
    for (const change of [
      (batch: Batch) => ((batch.records[0] as Promoted).tag = 'next'),
      (batch: Batch) => batch.signature?.format === 'oidc' && (batch.signature.seen = ['x'.repeat(43)]),
      (batch: Batch) => {
        const eve = 'github:acme/platform/.github/workflows/deploy.yml';
        for (const record of batch.records) record.by = eve;
        if (batch.signature) batch.signature.principal = eve;
      },
    ]) {
      await live.smuggle((folder) => {
        const path = newestBatch(folder, 'promoted', 'public');
        const batch = JSON.parse(readFileSync(path, 'utf8')) as Batch;
        change(batch);
        writeFileSync(path.replace(/\.json$/, `${Math.random()}.json`), JSON.stringify(batch));
      });
    }
    expect((await audit()).filter((one) => /for another audience/.test(one))).toHaveLength(3);
  });

  test('do not count with a key that its writer made, though it says that others were seen', async () => {
    await start();
    const other = await startIssuer({ environment: 'Production' });
    try {
      other.forge = { iss: issuer.url };
      await promote();
      const forger = await openJobSigner({
        env: other.env,
        rules: { ...jobRules(await policy(), live.identity), issuer: other.url },
      }).catch(() => undefined);
      expect(forger).toBeUndefined();
      other.forge = {};
      const rules = { ...jobRules(await policy(), live.identity), issuer: other.url };
      await live.promoted('1.0.0', 'public', {}, await openJobSigner({ env: other.env, rules }), new Date());
      expect((await audit()).join('\n')).toMatch(/its key \S+ is none of http/);
    } finally {
      await other.close();
    }
  });

  test('stay proved when the issuer changes its keys, by those who saw both', async () => {
    await start();
    const rules = jobRules(await policy(), live.identity);
    /** As a process that begins now sees it. */
    const trusts = (key: string) => new KeyHistory(live.ledger, rules, openIssuer(issuer.url)).has(key);
    const served = async () => [...(await openIssuer(issuer.url).keys()).keys()];
    const first = (await served())[0] as string;
    await promote();
    await issuer.rotate('ES256');
    const second = (await served()).find((key) => key !== first) as string;
    // A job of the time in between sees both keys, and then the next ones.
    await live.promoted('1.0.0', 'test', { from: 'first' }, await signer(), new Date());
    expect(await trusts(first)).toBe(true);
    issuer.retire();
    expect(await trusts(first)).toBe(true);
    await issuer.rotate();
    await live.promoted('1.0.0', 'test', { from: 'first' }, await signer(), new Date());
    issuer.retire();
    expect(await served()).not.toContain(second);
    expect([await trusts(second), await trusts(first)]).toEqual([true, true]);
    expect(await trusts('x'.repeat(43))).toBe(false);
    // Nobody who is trusted saw the third one go.
    const third = (await served())[0] as string;
    await issuer.rotate();
    issuer.retire();
    expect([await trusts(third), await trusts(first)]).toEqual([false, false]);
    // A person can say so on the default branch.
    live.github = { ...live.github, formerKeys: [third] };
    live.commit(live.policyFiles());
    live.push();
    const { formerKeys } = await policy();
    expect(formerKeys).toEqual([third]);
    const { records: signed, signature } = await live.ledger.batch(
      (await live.ledger.state()).position('test', '@acme/money')?.batch ?? '',
    );
    const verdict = async (allowed: readonly string[]) => {
      const signatures = new Signatures(live.ledger, live.identity, openIssuer);
      return signatures.of({ ...(await policy()), formerKeys: allowed }, signed, signature, new Date());
    };
    expect(await verdict([])).toMatchObject({ problem: `its key ${third} is none of ${issuer.url}` });
    expect(await verdict(formerKeys)).toMatchObject({ ok: true });
  });

  test('are refused before anything moves where the job may not sign', async () => {
    await start();
    issuer.job['event_name'] = 'pull_request_target';
    await expect(signer()).rejects.toMatchObject({ code: 'JOB_MAY_NOT_SIGN', exit: 2 });
  });

  describe('on a branch from which services are deployed', () => {
    const services = {
      services: {
        images: 'ghcr.io/acme',
        stages: [
          { name: 'staging', hosts: ['deploy@staging.example.com'] },
          { name: 'production', hosts: ['deploy@www.example.com'], gate: { approvals: 1 } },
        ],
      },
      workflows: { deploy: { branch: 'develop', pullRequests: true } },
    };
    const item = {
      project: 'api',
      name: '@acme/api',
      version: '1.0.0',
      integrity: `sha256:${'a'.repeat(64)}`,
    };
    const verdict = async (type: string, stage: string, pipeline = 'services') => {
      const by = await signer();
      const records = [{ ...item, type, stage, pipeline, by: by.principal, at: new Date().toISOString() }];
      const signature = await by.sign(canonicalJson(records));
      const signatures = new Signatures(live.ledger, live.identity);
      const found = await signatures.of(await policy(), records as never, signature, new Date());
      return found.ok ? 'counts' : found.problem;
    };
    const on = (ref: string, event = 'push') => {
      const workflow = `acme/platform/.github/workflows/deploy.yml@${ref}`;
      Object.assign(issuer.job, {
        ref,
        event_name: event,
        workflow_ref: workflow,
        job_workflow_ref: workflow,
      });
    };
    beforeEach(async () => {
      await start();
      live.more = services;
      live.commit(live.policyFiles());
      live.push();
    });

    test.each([
      ['refs/heads/develop', 'push'],
      ['refs/pull/7/merge', 'pull_request'],
    ])('%s: it may record deployments into a stage without a gate, and nothing else', async (ref, event) => {
      on(ref, event);
      expect(await verdict('published', 'images')).toBe('counts');
      expect(await verdict('promoted', 'staging')).toBe('counts');
      expect(await verdict('deployed', 'staging')).toBe('counts');
      expect(await verdict('promoted', 'production')).toMatch(/signed it, and production has a gate/);
      expect(await verdict('approved', 'production')).toMatch(/may not record "approved"/);
      expect(await verdict('released', 'staging')).toMatch(/may not record "released"/);
      expect(await verdict('published', 'first', 'packages')).toMatch(/services alone/);
      expect(await refusal()).toMatch(/runs on refs\/.*, where no gate is opened/);
    });

    test('a job on the default branch that calls a workflow of another branch is one of that branch', async () => {
      issuer.job['job_workflow_ref'] = 'acme/platform/.github/workflows/deploy.yml@refs/heads/develop';
      expect(await verdict('promoted', 'production')).toMatch(/production has a gate/);
    });

    test('pull requests count only where the options have them deployed', async () => {
      live.more = { ...services, workflows: true };
      live.commit(live.policyFiles());
      live.push();
      on('refs/pull/7/merge', 'pull_request');
      await expect(signer()).rejects.toMatchObject({ code: 'JOB_MAY_NOT_SIGN' });
    });

    test('the branch that production is deployed from counts as the default one does', async () => {
      live.more = { ...services, workflows: { deploy: { production: 'prod' } } };
      live.commit(live.policyFiles());
      live.push();
      on('refs/heads/prod');
      expect(await verdict('promoted', 'production')).toBe('counts');
    });
  });
});
