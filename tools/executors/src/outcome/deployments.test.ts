import { afterEach, beforeEach, expect, it } from 'vitest';
import { openGitHub, type GitHub } from '../github/index.ts';
import { startGitHub, type TestGitHub } from '../testing/github/index.ts';
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
