import { afterEach, beforeEach, expect, it } from 'vitest';
import { openGitHub, type GitHub } from '../github/index.ts';
import { Fold } from '../ledger/fold.ts';
import { Rows } from '../ledger/rows.ts';
import { parseOptions } from '../pipeline/index.ts';
import type { Context } from '../promotion/context.ts';
import { startGitHub, type TestGitHub } from '../testing/github/index.ts';
import { announce } from './announce.ts';
import { showPlace, type Place } from './deployments.ts';

let github: TestGitHub;
let client: GitHub;
beforeEach(async () => {
  github = await startGitHub();
  client = openGitHub({
    options: { api: github.url },
    identity: 'github.com/acme/platform',
    env: { GITHUB_TOKEN: 'of-the-job' },
    secondMs: 1,
  });
});
afterEach(() => github.close());

const place = (name: string, version: string, more: Partial<Place> = {}): Place => ({
  project: name,
  name,
  version,
  digest: `sha256:${version}`,
  commit: 'c'.repeat(40),
  environment: 'staging',
  isProduction: false,
  payload: {},
  ...more,
});
/** What the page shows as there: name and version of the deployments that are not replaced. */
const active = () =>
  github.state.deployments
    .filter(({ statuses }) => statuses.at(-1)?.state === 'success')
    .map(({ description }) => description);

it('projects in one environment stand side by side; a new version takes the place of the old one', async () => {
  for (const one of [
    place('api', 'sha-1'),
    place('web', 'sha-1'),
    place('api', 'sha-2', { log: 'https://github.com/acme/platform/actions/runs/7' }),
  ])
    expect(await showPlace(client, one)).toMatchObject({
      status: 'made',
      url: 'https://github.com/acme/platform/deployments/staging',
    });
  expect(active()).toEqual(['web sha-1', 'api sha-2']);
  expect(github.state.deployments.at(-1)?.statuses).toMatchObject([
    { log_url: 'https://github.com/acme/platform/actions/runs/7', description: 'sha-2 sha256:sha-2' },
  ]);
  expect(await showPlace(client, place('api', 'sha-2'))).toMatchObject({ status: 'there' });
  expect(github.state.deployments).toHaveLength(3);
});

it('a return shows the old version again', async () => {
  for (const version of ['sha-1', 'sha-2', 'sha-1']) await showPlace(client, place('api', version));
  expect(active()).toEqual(['api sha-1']);
  expect(github.state.deployments).toHaveLength(3);
});

it('what a job of GitHub Actions made inactive, or what was left half-way, is put right', async () => {
  await showPlace(client, place('api', 'sha-1'));
  github.fail({ operation: 'POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', answer: 500 });
  await expect(showPlace(client, place('api', 'sha-2'))).rejects.toMatchObject({ code: 'GITHUB_FAILED' });
  expect(active()).toEqual(['api sha-1']);
  expect(await showPlace(client, place('api', 'sha-2'))).toMatchObject({ status: 'made' });
  expect(active()).toEqual(['api sha-2']);
  github.state.deployments.at(-1)?.statuses.push({
    id: 1,
    state: 'inactive',
    description: '',
    log_url: '',
    environment_url: '',
    environment: 'staging',
  });
  expect(await showPlace(client, place('api', 'sha-2'))).toMatchObject({ status: 'made' });
  expect(active()).toEqual(['api sha-2']);
  expect(github.state.deployments).toHaveLength(2);
});

it.each([true, false])(
  'stays where a job of GitHub Actions deploys into the same environment (production: %s)',
  async (isProduction) => {
    await showPlace(client, place('api', 'sha-1', { isProduction }));
    // As GitHub does it for a job with `environment:`.
    const { id } = await client.request<{ id: number }>('POST /repos/{owner}/{repo}/deployments', {
      ref: 'main',
      environment: 'staging',
      auto_merge: false,
      required_contexts: [],
      description: 'the job',
    });
    await client.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
      deployment_id: id,
      state: 'success',
    });
    expect(active()).toEqual(['api sha-1', 'the job']);
  },
);

it('a stage of services is told about by what serves there', async () => {
  const common = {
    at: new Date().toISOString(),
    pipeline: 'services',
    repository: 'r',
    registry: 'x',
    by: 'ci',
    run: '1',
    project: 'api',
    name: '@acme/api',
    version: 'sha-1',
    integrity: 'sha256:1',
  };
  const ran = { release: 'r1', hosts: ['a'], composeHash: 'c', environmentHash: 'e', databaseVersion: null };
  const rows = new Rows();
  const records = [
    {
      ...common,
      type: 'published',
      stage: 'images',
      root: 'apps/api',
      source: { commit: 'c'.repeat(40), dirty: false },
    },
    { ...common, type: 'deployed', stage: 'staging', ...ran },
  ];
  rows.add(records as never, { path: 'b', blob: '', commit: '' });
  const state = new Fold(rows).view('head');
  const options = parseOptions({
    packages: { stages: [{ name: 'only' }] },
    services: { images: 'ghcr.io/acme', stages: [{ name: 'staging', hosts: ['a'] }] },
  });
  const context = {
    options,
    profile: 'live',
    env: {},
    workspaceRoot: '/nowhere',
    ledger: () => Promise.resolve({ refresh: () => Promise.resolve(state) }),
    policy: () => Promise.resolve({ options }),
  } as unknown as Context;
  const given = { stage: 'staging', since: new Date(0), github: client };
  expect(await announce(context, { ...given, names: ['api'] })).toMatchObject([
    { what: 'deployment', name: '@acme/api', version: 'sha-1', status: 'made' },
  ]);
  expect(github.state.deployments).toMatchObject([
    {
      environment: 'staging',
      payload: { digest: 'sha256:1', release: 'r1' },
      statuses: [{ state: 'success' }],
    },
  ]);
  await expect(announce(context, { ...given, names: ['web'] })).rejects.toMatchObject({
    code: 'SERVICE_UNKNOWN',
  });
});

it('long names and versions are cut to what GitHub takes', async () => {
  await showPlace(client, place('a'.repeat(150), 'b'.repeat(150)));
  await showPlace(client, place('a'.repeat(150), 'c'.repeat(150)));
  expect(
    github.state.deployments.flatMap(({ statuses }) => statuses.map(({ description }) => description.length)),
  ).toEqual([140, 140, 140]);
});

it('a commit that GitHub does not have is said', async () => {
  await expect(showPlace(client, place('api', 'sha-1', { commit: 'gone' }))).rejects.toMatchObject({
    code: 'GITHUB_REFUSED',
    message: expect.stringContaining('No ref found for: gone'),
  });
});
