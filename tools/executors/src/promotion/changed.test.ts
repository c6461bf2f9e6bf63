import { describe, expect, it } from 'vitest';
import { Fold } from '../ledger/fold.ts';
import { Rows } from '../ledger/rows.ts';
import type { LedgerRecord, LedgerState } from '../ledger/types.ts';
import { changedServices, nxOf } from './changed.ts';

/** Commits of one line of history, oldest first; `side` is on none of it. */
const HISTORY = ['one', 'two', 'three', 'four'];
const digest = `sha256:${'a'.repeat(64)}`;
const record = (type: string, project: string, version: string, more: object = {}) => ({
  type,
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'services',
  stage: 'staging',
  project,
  name: `@acme/${project}`,
  version,
  integrity: digest,
  approvals: [],
  ...more,
});
/** Published from the commit that its version is named after. */
const published = (project: string, version: string, more: object = {}) =>
  record('published', project, version, {
    stage: 'images',
    source: { commit: version, dirty: false },
    ...more,
  });
const deployed = (project: string, version: string) => record('deployed', project, version);

function stateOf(records: object[]): LedgerState {
  const rows = new Rows();
  for (const one of records)
    rows.add([one as LedgerRecord], { path: 'records/1.json', blob: 'b', commit: 'c' });
  return new Fold(rows).view('head');
}

/** What Nx says of each commit: who was touched by the commits behind it. */
async function changed(
  records: object[],
  touched: Record<string, string[]>,
  { hasHosts = true, services = ['api', 'web'] } = {},
) {
  const asked: string[] = [];
  const found = await changedServices({
    repository: {
      head: async () => 'four',
      isAncestor: async (commit: string) => HISTORY.includes(commit),
      call: async (args: string[]) => ({ code: args[2] === args[3] ? 0 : 1, stdout: '', stderr: '' }),
    } as never,
    state: stateOf(records),
    stage: 'staging',
    hasHosts,
    nx: async (since) => {
      if (since === undefined) return services;
      asked.push(since);
      return HISTORY.slice(HISTORY.indexOf(since) + 1).flatMap((commit) => touched[commit] ?? []);
    },
  });
  return { found, asked };
}

describe('the services to build for a stage', () => {
  it('are those that were changed since each was deployed there last', async () => {
    const records = ['one', 'two'].flatMap((version) => [
      published('api', version),
      deployed('api', version),
    ]);
    records.push(published('web', 'one'), deployed('web', 'one'));
    expect(await changed(records, { two: ['api'], four: ['web'] })).toEqual({
      found: ['web'],
      asked: ['two', 'one'],
    });
  });

  it('take along what a failed run did not get there', async () => {
    const records = [published('api', 'one'), deployed('api', 'one'), published('web', 'one')];
    records.push(deployed('web', 'one'), published('api', 'three'), record('promoted', 'api', 'three'));
    records.push(record('deploy-failed', 'api', 'three'));
    const { found } = await changed(records, { three: ['api'], four: ['web'] });
    expect(found).toEqual(['api', 'web']);
  });

  it('leave alone what a person took back, until it is changed again', async () => {
    const records = ['one', 'three'].flatMap((version) => [
      published('api', version),
      deployed('api', version),
    ]);
    records.push(record('returned', 'api', 'one'), published('web', 'three'), deployed('web', 'three'));
    expect((await changed(records, { three: ['api'], four: ['web'] })).found).toEqual(['web']);
    expect((await changed(records, { four: ['api'] })).found).toEqual(['api']);
  });

  it('are all those of which nothing, or nothing of this history, is there', async () => {
    const side = [published('api', 'side'), deployed('api', 'side')];
    expect((await changed(side, {})).found).toEqual(['api', 'web']);
    const dirty = [published('api', 'four', { source: { commit: 'four', dirty: true } })];
    expect((await changed([...dirty, deployed('api', 'four')], {}, { services: ['api'] })).found).toEqual([
      'api',
    ]);
  });

  it('ask Nx nothing where nothing was committed, and go by promotions where there are no hosts', async () => {
    const records = [published('api', 'four'), record('promoted', 'api', 'four')];
    expect(await changed(records, {}, { hasHosts: false, services: ['api'] })).toEqual({
      found: [],
      asked: [],
    });
    expect((await changed(records, {}, { services: ['api'] })).found).toEqual(['api']);
  });
});

it('where Nx does not answer, its command is what to type', async () => {
  await expect(nxOf('/nowhere', 'publish-registry', {})()).rejects.toMatchObject({
    code: 'NX_UNANSWERED',
    next: expect.stringContaining('npx nx show projects --json --with-target=publish-registry'),
  });
});
