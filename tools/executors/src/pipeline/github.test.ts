import { describe, expect, test } from 'vitest';
import { SluiceError } from '../foundation/index.ts';
import { parseOptions } from './index.ts';

const withGitHub = (github?: unknown) => ({
  packages: { stages: [{ name: 'only' }] },
  ...(github === undefined ? {} : { github }),
});
const environments = (settings: unknown) => withGitHub({ environments: { Production: settings } });
const at = 'github.environments.Production';

function problemsOf(raw: unknown): unknown {
  try {
    parseOptions(raw);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'CONFIG_INVALID' || error.exit !== 2) throw error;
    return error.details['problems'];
  }
  return [];
}

describe('the section github', () => {
  test('has what GitHub itself has where nothing is said', () => {
    expect(parseOptions(withGitHub()).github).toEqual({
      api: 'https://api.github.com',
      issuer: 'https://token.actions.githubusercontent.com',
      workflows: ['release.yml', 'deploy.yml', 'rollback.yml', 'approve.yml', 'drift.yml'],
      branches: [],
      formerKeys: [],
      environments: {},
    });
  });

  test('takes all that an environment can ask for, and addresses of this machine', () => {
    const github = {
      repository: 'acme/platform.js',
      api: 'http://127.0.0.1:8080',
      issuer: 'http://localhost:8081/_services/token',
      workflows: ['release.yaml'],
      branches: ['develop'],
      formerKeys: ['x'.repeat(43)],
      environments: {
        Production: {
          reviewers: ['ada', 'acme/releasers', 'ada_acme'],
          wait: '30d',
          preventSelfReview: true,
          branches: ['main', 'release/*'],
        },
        'test gate': {},
      },
    };
    expect(parseOptions(withGitHub(github)).github).toEqual(github);
  });

  test.each<[string, unknown, string]>([
    [
      'an owner alone',
      withGitHub({ repository: 'acme' }),
      'github.repository: must be the owner and the name of a repository, such as "acme/platform"',
    ],
    [
      'a repository that leaves its owner',
      withGitHub({ repository: 'acme/..' }),
      'github.repository: must be the owner and the name of a repository, such as "acme/platform"',
    ],
    [
      'an API in the clear',
      withGitHub({ api: 'http://github.acme.example.com' }),
      'github.api: must be https; http is for addresses of this machine alone',
    ],
    [
      'an issuer in the clear',
      withGitHub({ issuer: 'http://127.0.0.1.example.com' }),
      'github.issuer: must be https; http is for addresses of this machine alone',
    ],
    [
      'an issuer that is no address',
      withGitHub({ issuer: 'github' }),
      'github.issuer: must be a URL: http or https, without a user, a query or a fragment',
    ],
    [
      'a workflow with its folder',
      withGitHub({ workflows: ['.github/workflows/release.yml'] }),
      'github.workflows[0]: must be the file name of a workflow, without a folder, such as "release.yml"',
    ],
    [
      'a mistyped option',
      environments({ reviewer: ['ada'] }),
      `${at}.reviewer: is not an option; did you mean "reviewers"?`,
    ],
    [
      'a reviewer by mail',
      environments({ reviewers: ['ada@example.com'] }),
      `${at}.reviewers[0]: must be the login of a user, or organisation/team`,
    ],
    [
      'too many reviewers',
      environments({ reviewers: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }),
      `${at}.reviewers: must NOT have more than 6 items`,
    ],
    ['seconds', environments({ wait: '90s' }), `${at}.wait: must be whole minutes`],
    [
      'a long wait',
      environments({ wait: '31d' }),
      `${at}.wait: is longer than 30 days, the longest that GitHub waits`,
    ],
    [
      'two names that are one',
      withGitHub({ environments: { Production: {}, production: {} } }),
      'github.environments.production: is the environment "Production" for GitHub',
    ],
    [
      'a name that is none',
      withGitHub({ environments: { 'a\nb': {} } }),
      'github.environments.a\nb: is no name that can stand here',
    ],
  ])('%s is refused', (_, raw, line) => {
    expect(problemsOf(raw)).toContain(line);
  });
});
