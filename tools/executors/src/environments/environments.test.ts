import { describe as suite, expect, it } from 'vitest';
import { parseOptions } from '../pipeline/index.ts';
import { collisions, describe, differences, wantedEnvironments, type Present } from './index.ts';

const options = (github: object = {}) =>
  parseOptions({
    packages: {
      stages: [
        { name: 'first' },
        { name: 'test', gate: { environment: 'TestGate' } },
        { name: 'public', gate: { environment: 'Production' } },
      ],
    },
    services: {
      images: 'ghcr.io/acme',
      stages: [
        { name: 'staging', hosts: ['a'] },
        { name: 'production', hosts: ['b'], gate: { environment: 'production-approval' } },
      ],
    },
    github,
  });
const there = (given: Partial<Present> & { name: string }): Present => ({
  reviewers: [],
  waitMinutes: 0,
  preventSelfReview: false,
  branches: 'all',
  ...given,
});
const ada = { type: 'User' as const, id: 1, name: 'Ada' };

suite('the environments that are needed', () => {
  it('are those of the gates, and of each service stage with its approval and its rollback', () => {
    expect(wantedEnvironments(options()).map(({ name }) => name)).toEqual([
      'TestGate',
      'Production',
      'staging',
      'staging-rollback',
      'production-approval',
      'production-rollback',
    ]);
    // Whatever the stages think: GitHub does not tell the two apart.
    expect(collisions(options())).toEqual([
      expect.stringMatching(
        /^Production \(of public\) and production \(of production\) are one environment for GitHub/,
      ),
    ]);
  });

  it('have what nx.json says, and a rollback waits for nobody unless it says so', () => {
    const wanted = wantedEnvironments(
      options({
        environments: {
          production: { reviewers: ['ada'], wait: '2h', preventSelfReview: true, branches: ['main'] },
          'staging-rollback': { branches: ['main'] },
          docs: {},
        },
      }),
    );
    const named = (name: string) => wanted.find((one) => one.name === name);
    expect(named('Production')).toEqual({
      name: 'Production',
      reviewers: ['ada'],
      waitMinutes: 120,
      preventSelfReview: true,
      branches: ['main'],
    });
    expect(named('production-rollback')).toEqual({
      name: 'production-rollback',
      reviewers: [],
      waitMinutes: 0,
    });
    expect(named('staging-rollback')).toEqual({ name: 'staging-rollback', branches: ['main'] });
    expect(wanted.at(-1)).toEqual({ name: 'docs' });
  });

  it('are found under a name of other case, as GitHub has it', () => {
    const wanted = wantedEnvironments(
      options({ environments: { production: {}, PRODUCTION_X: {}, testgate: { wait: '1m' } } }),
    );
    expect(wanted[0]).toEqual({ name: 'TestGate', waitMinutes: 1 });
    expect(differences([{ name: 'Production' }], [there({ name: 'production' })])).toEqual([]);
  });
});

suite('the difference', () => {
  it('is none where GitHub has what is wanted, whatever else it has', () => {
    const wanted = { name: 'p', reviewers: ['ada', 'acme/ops'], branches: ['main', 'dev'] };
    const present = there({
      name: 'p',
      waitMinutes: 5,
      preventSelfReview: true,
      reviewers: [{ type: 'Team', id: 2, name: 'acme/ops' }, ada],
      branches: [
        { id: 1, name: 'dev' },
        { id: 2, name: 'main' },
      ],
    });
    expect(differences([wanted], [present, there({ name: 'other' })])).toEqual([]);
  });

  it('is told by environment and setting', () => {
    const all = differences(
      [
        { name: 'new', reviewers: ['ada'], waitMinutes: 10 },
        { name: 'rollback', reviewers: [], waitMinutes: 0 },
        { name: 'p', preventSelfReview: true, branches: ['main'] },
        { name: 'nobody', preventSelfReview: true },
      ],
      [
        there({ name: 'rollback', reviewers: [ada], preventSelfReview: true }),
        there({ name: 'p', reviewers: [ada], branches: 'protected' }),
        there({ name: 'nobody' }),
      ],
    );
    expect(describe(all)).toEqual([
      '+ new (new)',
      '    reviewers: ada',
      '    wait: 10 min',
      '~ rollback',
      '    reviewers: ada -> nobody',
      '~ p',
      '    no self-review: no -> yes',
      '    branches: protected branches -> main',
    ]);
  });
});
