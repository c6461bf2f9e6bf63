import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../pipeline/index.ts';
import { environmentsOf, workflowFiles, workflowsOf } from './index.ts';
import type { Job, Step, Workflow } from './types.ts';

const OPTIONS = {
  packages: {
    stages: [
      { name: 'github', registry: 'https://npm.pkg.github.com' },
      { name: 'test', registry: 'https://npm.test.example.com', gate: { environment: 'TestGate' } },
      { name: 'public', gate: { environment: 'Production', approvals: 1 } },
    ],
  },
  services: {
    images: 'ghcr.io/acme',
    stages: [
      { name: 'staging', hosts: ['a'] },
      { name: 'production', hosts: ['b'], gate: { environment: 'production-approval' } },
    ],
  },
  workflows: true as unknown,
};
const SERVICES = [{ project: 'api', secrets: ['DATABASE_PASSWORD'] }];
const VARIANTS: [string, unknown][] = [
  ['as they are by themselves', true],
  [
    'with everything turned on',
    { branch: 'trunk', deploy: { branch: 'trunk', pullRequests: true }, signingKey: 'KEY', runsOn: 'big' },
  ],
  ['by hand alone', { deploy: { onlyByHand: true, production: 'prod' } }],
];

function made(change: Partial<typeof OPTIONS> = {}): Map<string, Workflow> {
  const options = parseOptions({ ...OPTIONS, ...change });
  return new Map(workflowsOf({ options, services: SERVICES }).map((one) => [one.file, one]));
}
function job(file: string, name: string, change: Partial<typeof OPTIONS> = {}): Job {
  const found = made(change).get(file)?.jobs[name];
  if (!found) throw new Error(`no job ${name} in ${file}`);
  return found;
}
const jobsOf = (file: string, change: Partial<typeof OPTIONS> = {}) =>
  Object.keys(made(change).get(file)?.jobs ?? {}).filter((id) => !id.startsWith('announce-'));
const runs = ({ steps }: Job) => steps.flatMap(({ run }) => run ?? []);
const withStages = (...stages: object[]) => ({ packages: { stages: stages as never } });

describe('release.yml', () => {
  it('has a job for each stage, each behind its environment and the job before', () => {
    expect(jobsOf('release.yml')).toEqual([
      'release',
      'request-test-approval',
      'promote-test',
      'request-public-approval',
      'promote-public',
    ]);
    expect(job('release.yml', 'request-public-approval')).toMatchObject({
      needs: ['release', 'promote-test'],
      if: "!cancelled() && !failure() && needs.release.result == 'success'",
      permissions: { contents: 'read' },
    });
    expect(job('release.yml', 'promote-public')).toMatchObject({
      environment: 'Production',
      needs: ['release', 'request-public-approval'],
      if: "!cancelled() && !failure() && needs.request-public-approval.outputs.waiting == 'true'",
    });
    expect(runs(job('release.yml', 'promote-public'))).toContain(
      'npx nx affected -t promote -c public --base="$(npx sluice base public)"',
    );
  });

  it('gets a job with a stage', () => {
    const [first, ...rest] = OPTIONS.packages.stages;
    const change = withStages(first as object, { name: 'inner', registry: 'https://b.example.com' }, ...rest);
    expect(jobsOf('release.yml', change).slice(0, 4)).toEqual([
      'release',
      'promote-inner',
      'request-test-approval',
      'promote-test',
    ]);
    expect(job('release.yml', 'request-test-approval', change).needs).toEqual(['release', 'promote-inner']);
    expect(job('release.yml', 'promote-inner', change).environment).toBeUndefined();
  });

  it('pushes the commit before anything is published, and uploads what was built before that', () => {
    const { steps } = job('release.yml', 'release');
    const at = (what: (step: Step) => boolean) => steps.findIndex(what);
    const order = [
      at(({ run }) => run === 'npx nx release --skip-publish'),
      at(({ run = '' }) => run.startsWith('git push origin HEAD:refs/heads/main')),
      at(({ run = '' }) => run.includes('-t build')),
      at(({ uses }) => uses?.name === 'actions/upload-artifact'),
      at(({ run }) => run === 'npx nx release publish'),
    ];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('lets another versioning tool do all of it in one command', () => {
    const done = runs(job('release.yml', 'release', { versioning: 'changesets' } as never));
    expect(done).toContain('npx sluice release');
    expect(done.some((run) => run.includes('nx release'))).toBe(false);
  });

  it('builds in its first job alone', () => {
    const { jobs } = made().get('release.yml') as Workflow;
    const building = Object.entries(jobs).filter(([, one]) =>
      runs(one).some((run) => /-t build|release/.test(run)),
    );
    expect(building.map(([id]) => id)).toEqual(['release']);
  });

  it('looks for what would fail first, and announces each stage without holding up the next', () => {
    expect(runs(job('release.yml', 'release'))).toContain('npx nx doctor -c github');
    const { jobs } = made().get('release.yml') as Workflow;
    const announcing = Object.keys(jobs).filter((id) => id.startsWith('announce-'));
    expect(announcing).toEqual(['announce-github', 'announce-test', 'announce-public']);
    expect(
      Object.values(jobs).flatMap(({ needs = [] }) => needs.filter((id) => announcing.includes(id))),
    ).toEqual([]);
    expect(jobs['announce-test']?.permissions).toEqual({ contents: 'read', deployments: 'write' });
    expect(jobs['announce-public']?.permissions).toMatchObject({ contents: 'write', issues: 'write' });
  });

  it('waits for nobody where approvals are signed: such a job begins when the gate is open', () => {
    const change = withStages(
      { name: 'a', registry: 'https://a.example.com' },
      { name: 'b', gate: { approvals: 2 } },
    );
    const { environment, if: when } = job('release.yml', 'promote-b', change);
    expect(environment).toBeUndefined();
    expect(when).toContain("needs.request-b-approval.outputs.open == 'true'");
  });

  it('gives tokens of registries to the steps that need them, and to no other', () => {
    const { steps } = job('release.yml', 'promote-public');
    const holding = steps.filter(({ env }) => env && 'NPM_TOKEN' in env).map(({ name }) => name);
    expect(holding).toEqual(['Still what was shown', 'Promote into public']);
    expect(job('release.yml', 'release').steps.find(({ run }) => run === 'npm ci')?.env).toBeUndefined();
  });
});

describe('deploy.yml', () => {
  it('builds, deploys, asks, approves and deploys again, each with its way back', () => {
    expect(jobsOf('deploy.yml')).toEqual([
      'build',
      'deploy-staging',
      'rollback-staging',
      'request-production-approval',
      'approve-production',
      'deploy-production',
      'rollback-production',
    ]);
    const environments = Object.entries(made().get('deploy.yml')?.jobs ?? {}).flatMap(
      ([id, { environment }]) => (environment ? [[id, environment]] : []),
    );
    expect(environments).toEqual([
      ['deploy-staging', 'staging'],
      ['rollback-staging', 'staging-rollback'],
      ['approve-production', 'production-approval'],
      ['deploy-production', 'production'],
      ['rollback-production', 'production-rollback'],
    ]);
  });

  it('passes the gate where the environment that it names is', () => {
    const promotes = (change: Partial<typeof OPTIONS>) =>
      ['approve-production', 'deploy-production'].filter((id) =>
        runs(job('deploy.yml', id, change)).some((run) => run.includes('-t promote')),
      );
    const named = (environment: string) => ({
      services: {
        ...OPTIONS.services,
        stages: [
          { name: 'staging', hosts: ['a'] },
          { name: 'production', hosts: ['b'], gate: { environment } },
        ],
      },
    });
    expect(promotes({})).toEqual(['approve-production']);
    expect(promotes(named('production'))).toEqual(['deploy-production']);
    expect(job('deploy.yml', 'approve-production', named('production'))).toMatchObject({
      environment: 'production-approval',
      permissions: {},
    });
  });

  it('lets the first stage be reached by develop, and the others by main', () => {
    expect(made().get('deploy.yml')?.on['push']).toEqual({ branches: ['develop', 'main'] });
    expect(job('deploy.yml', 'build').if).toBe(
      "(github.event_name == 'push' && github.ref_name == 'develop') || inputs.stage == 'staging'",
    );
    expect(job('deploy.yml', 'request-production-approval').if).toContain("github.ref_name == 'main'");
  });

  it('takes another branch, pull requests of this repository, or nothing but a person', () => {
    const prod = { workflows: { deploy: { production: 'prod', pullRequests: true } } };
    expect(made(prod).get('deploy.yml')?.on).toMatchObject({
      push: { branches: ['develop', 'prod'] },
      pull_request: { branches: ['main'] },
    });
    expect(job('deploy.yml', 'build', prod).if).toContain(
      'github.event.pull_request.head.repo.full_name == github.repository',
    );
    const byHand = { workflows: { deploy: { onlyByHand: true } } };
    expect(Object.keys(made(byHand).get('deploy.yml')?.on ?? {})).toEqual(['workflow_dispatch']);
    expect(job('deploy.yml', 'build', byHand).if).toBe("inputs.stage == 'staging'");
  });

  it('keeps the report, and after a failure the evidence', () => {
    const kept = (id: string) =>
      job('deploy.yml', id).steps.flatMap((step) => (step.uses ? (step.with?.['name'] ?? []) : []));
    expect(kept('deploy-staging')).toEqual(['deployment-staging']);
    expect(kept('rollback-staging')).toEqual(['rollback-staging']);
    const when = job('deploy.yml', 'rollback-staging').if;
    expect(when).toContain("needs.deploy-staging.result == 'failure'");
    expect(when).toContain("needs.deploy-staging.result == 'cancelled'");
  });

  it('does not exist without services', () => {
    const options = parseOptions({ packages: OPTIONS.packages, workflows: true });
    const files = workflowsOf({ options, services: [] }).map(({ file }) => file);
    expect(files).toEqual(['ci.yml', 'release.yml', 'rollback.yml', 'drift.yml', 'approve.yml']);
  });
});

describe('rollback.yml, drift.yml', () => {
  it('have a job for every stage', () => {
    const stages = ['github', 'test', 'public', 'staging', 'production'];
    expect(jobsOf('rollback.yml')).toEqual(stages.map((stage) => `rollback-${stage}`));
    expect(job('rollback.yml', 'rollback-production')).toMatchObject({
      environment: 'production-rollback',
      if: "inputs.stage == 'production'",
    });
    expect(job('rollback.yml', 'rollback-public').environment).toBe('Production');
    expect(jobsOf('drift.yml')).toEqual(['registries', 'verify-staging', 'verify-production', 'report']);
  });

  it('know whom to tell: each step that moves something has their address, and no check of ci.yml', () => {
    const told = made({ notifications: [{ webhookEnv: 'PEOPLE' }] } as object);
    const steps = [...told.values()].flatMap(({ jobs }) => Object.values(jobs).flatMap((one) => one.steps));
    const moves = /npx sluice rollback |-t (?:promote|deploy-vps) -c /;
    const moving = steps.filter(({ run }) => moves.test(run ?? ''));
    expect(moving.length).toBeGreaterThan(8);
    for (const step of moving) expect(step.env, step.run).toHaveProperty('PEOPLE');
    const checks = Object.values(told.get('ci.yml')?.jobs ?? {}).flatMap((one) => one.steps);
    for (const step of checks) expect(step.env ?? {}).not.toHaveProperty('PEOPLE');
  });
});

describe.each(VARIANTS)('all workflows %s', (_, workflows) => {
  const files = workflowFiles({ options: parseOptions({ ...OPTIONS, workflows }), services: SERVICES });
  const parsed = [...files].map(([file, text]) => [file, parse(text) as any] as const);
  const all = parsed.flatMap(([file, { jobs }]) =>
    Object.entries(jobs as Record<string, any>).map(([id, one]) => [`${file} ${id}`, one] as const),
  );
  const steps = all.flatMap(([id, one]) => one.steps.map((step: any) => [id, step] as const));

  it('begin without any right, and no job asks for more than single ones', () => {
    for (const [, { permissions }] of parsed) expect(permissions).toEqual({});
    for (const [id, { permissions }] of all) expect(typeof permissions, id).toBe('object');
  });

  it('let nothing into a shell that is not a variable', () => {
    for (const [id, { run }] of steps) expect(run ?? '', id).not.toContain('${{');
  });

  it('pin every action by its commit, with its version beside it', () => {
    const used = [...files.values()].flatMap((text) => text.match(/uses: .*/g) ?? []);
    expect(used.length).toBeGreaterThan(20);
    for (const line of used) expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('leave no password in the checkout, and keep no downloads where something is published', () => {
    const using = (action: string) => steps.filter(([, { uses = '' }]) => uses.startsWith(`${action}@`));
    for (const [id, { with: inputs }] of using('actions/checkout'))
      expect(inputs['persist-credentials'], id).toBe(false);
    for (const [id, { with: inputs }] of using('actions/setup-node'))
      expect(inputs['cache'], id).toBe(id === 'ci.yml check' ? 'npm' : undefined);
  });

  it('never run code of a fork with rights', () => {
    for (const [file, { on }] of parsed) {
      expect(Object.keys(on), file).not.toContain('pull_request_target');
      expect(Object.keys(on), file).not.toContain('workflow_run');
    }
  });

  it('hold no queue while somebody is waited for', () => {
    const gates = environmentsOf(parseOptions({ ...OPTIONS, workflows })).filter(({ use }) => use === 'gate');
    const waiting = all.filter(([, { environment }]) => gates.some(({ name }) => name === environment));
    expect(waiting.map(([id, { concurrency }]) => [id, concurrency])).toEqual(
      waiting.map(([id]) => [id, undefined]),
    );
    const whole = parsed.flatMap(([file, { concurrency }]) => (concurrency ? [file] : []));
    expect(whole).toEqual(['ci.yml']);
  });

  it('are as prettier would write them', async () => {
    const config = await resolveConfig(import.meta.filename);
    for (const [file, text] of files)
      expect(await format(text, { ...config, filepath: file }), file).toBe(text);
  });
});

describe('environmentsOf', () => {
  it('names each environment once, with what it is for', () => {
    expect(environmentsOf(parseOptions(OPTIONS)).map(({ name, use }) => `${name} ${use}`)).toEqual([
      'TestGate gate',
      'Production gate',
      'staging deploy',
      'staging-rollback rollback',
      'production-approval gate',
      'production deploy',
      'production-rollback rollback',
    ]);
  });
});
