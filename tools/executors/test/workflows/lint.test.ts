import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseOptions } from '../../src/pipeline/index.ts';
import { ACTIONLINT, ZIZMOR } from '../../src/workflows/ci.ts';
import { FOLDER, workflowFiles } from '../../src/workflows/index.ts';
import { toolForTests } from './tools.ts';

const [actionlint, zizmor] = [toolForTests('actionlint-v1.7.7'), toolForTests('zizmor-1.32.0')];
const gate = (environment: string) => ({ gate: { environment } });
const VARIANTS: [string, object][] = [
  ['packages alone', { workflows: true }],
  [
    'services, an environment with blanks, a key',
    {
      services: {
        images: 'ghcr.io/acme',
        stages: [
          { name: 'staging', hosts: ['a'] },
          { name: 'production', hosts: ['b'], ...gate("Go: live & 'well'") },
        ],
      },
      notifications: [{ webhookEnv: 'SLACK_WEBHOOK' }],
      workflows: { signingKey: 'KEY', deploy: { pullRequests: true } },
    },
  ],
  [
    'three stages from one branch, by hand',
    {
      services: {
        images: 'registry.example.com/acme',
        stages: [
          { name: 'a', hosts: ['a'] },
          { name: 'b', gate: { approvals: 2 } },
          { name: 'c', ...gate('c') },
        ],
      },
      workflows: { deploy: { branch: 'main', onlyByHand: true } },
    },
  ],
];

describe.each(VARIANTS)('workflows of %s', (_, options) => {
  const packages = {
    stages: [
      { name: 'inner', registry: 'https://a.example.com' },
      { name: 'public', ...gate('Go: live') },
    ],
  };
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, FOLDER), { recursive: true });
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  const services = [{ project: 'api', secrets: ['DATABASE_PASSWORD'] }];
  const files = [...workflowFiles({ options: parseOptions({ packages, ...options }), services })].map(
    ([file, text]) => {
      writeFileSync(join(folder, FOLDER, file), text);
      return join(FOLDER, file);
    },
  );
  const run = (program: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  it.skipIf(actionlint === undefined)('are clean for actionlint', () => {
    expect(run(actionlint as string, '-no-color', ...files)).toEqual({ status: 0, said: '' });
  });

  it.skipIf(zizmor === undefined)('are clean for zizmor', () => {
    const { status, said } = run(
      zizmor as string,
      '--no-online-audits',
      '--no-progress',
      '--color=never',
      FOLDER,
    );
    expect(status, said).toBe(0);
  });
});

it('CI installs the versions that the generated workflow uses', () => {
  const script = readFileSync(join(import.meta.dirname, '../../../../.ci/prepare-tools'), 'utf8');
  expect(script).toContain(`actionlint=${ACTIONLINT}\n`);
  expect(script).toContain(`zizmor=${ZIZMOR}\n`);
});
