import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutorContext } from '@nx/devkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Flow } from '../promotion/testing/flow.ts';
import { startWebhook, type TestWebhook } from '../report/testing/webhook.ts';
import { batched, single, type Work } from './door.ts';
import { promoteTasks, publishTasks, rollbackTasks } from './work.ts';

let flow: Flow;
let people: TestWebhook<object>;
let printed = '';
const kept = { ...process.env };
const context = () =>
  ({
    root: flow.root,
    projectName: 'units',
    targetName: 'promote',
    projectsConfigurations: {
      version: 2,
      projects: { units: { root: 'libs/units' }, money: { root: 'libs/money' } },
    },
  }) as unknown as ExecutorContext;

beforeAll(async () => {
  people = await startWebhook();
  const services = { services: { stages: [{ name: 'production', hosts: ['deploy@www1.example.com'] }] } };
  flow = await Flow.start({
    packages: { units: [], money: ['units'] },
    options: { ...services, notifications: [{ webhookEnv: 'PEOPLE' }] },
  });
  await flow.build();
  Object.assign(process.env, flow.env, { PEOPLE: people.url });
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
  await people?.close();
  await flow?.close();
});
beforeEach(() => {
  people.told.length = 0;
  printed = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => void vi.restoreAllMocks());

/** Runs tasks "project:stage" as one batch, the way Nx does. */
async function run<O extends object>(work: Work<O>, target: string, ids: string[], options: object = {}) {
  const tasks = Object.fromEntries(
    ids.map((id) => [id, { id, target: { project: id.split(':')[0], target } }]),
  );
  const inputs = Object.fromEntries(ids.map((id) => [id, { stage: id.split(':')[1], ...options } as O]));
  const ended: Record<string, string> = {};
  for await (const { task, result } of batched(work)({ tasks } as never, inputs, {} as O, context()))
    ended[task] = `${result.success} ${result.terminalOutput.trimEnd()}`;
  return ended;
}

describe('a batch of tasks', () => {
  it('publishes into the first stage, and says so for each', async () => {
    expect(await run(publishTasks, 'publish-registry', ['units', 'money'])).toEqual({
      units: expect.stringMatching(/^true @acme\/units@1\.0\.0 -> github: /),
      money: expect.stringMatching(/^true @acme\/money@1\.0\.0 -> github: /),
    });
  });

  it('has one result for each task, where a project goes into two stages', async () => {
    expect(await run(promoteTasks, 'promote', ['units:test', 'units:public', 'money:test'])).toEqual({
      'units:test': expect.stringMatching(/^true @acme\/units@1\.0\.0 -> test: /),
      'units:public': expect.stringMatching(/^true @acme\/units@1\.0\.0 -> public: /),
      'money:test': expect.stringMatching(/^true @acme\/money@1\.0\.0 -> test: /),
    });
    expect(Object.keys(await flow.world('public'))).toEqual(['units']);
    expect(people.told).toMatchObject([
      { event: 'succeeded', stage: 'test', from: 'github', project: 'units 1.0.0, money 1.0.0' },
      { event: 'succeeded', stage: 'public', from: 'test', project: 'units', next: 'npx nx verify' },
    ]);
  });

  it('writes what it did where it was told to, also into a folder that is not there yet', async () => {
    await run(promoteTasks, 'promote', ['units:test', 'money:test'], { outputFile: 'dist/a/b/report.json' });
    const report = JSON.parse(await readFile(join(flow.root, 'dist/a/b/report.json'), 'utf8'));
    expect(report).toMatchObject({
      plan: { stage: 'test' },
      results: [{ status: 'nothing' }, { status: 'nothing' }],
    });
  });

  it('says both where only the report failed', async () => {
    const ended = await run(promoteTasks, 'promote', ['units:test'], { outputFile: 'nx.json/report.json' });
    expect(ended['units:test']).toMatch(
      /^false @acme\/units@1\.0\.0 is in test: nothing to do\nUNEXPECTED: /,
    );
  });

  it.each<[string, string[], object, RegExp]>([
    ['no stage', ['units', 'money'], {}, /^false STAGE_MISSING: .*github, test, public/],
    ['an unknown stage', ['units:tset', 'money:tset'], {}, /^false STAGE_UNKNOWN: /],
    ['the first stage', ['units:github', 'money:github'], {}, /^false FIRST_STAGE: /],
    [
      'a stage of services',
      ['units:production', 'money:production'],
      {},
      /^true production is a stage for services/,
    ],
  ])('answers %s for every task', async (_, ids, options, answer) => {
    const ended = await run(promoteTasks, 'promote', ids, options);
    expect(Object.keys(ended)).toEqual(ids);
    for (const text of Object.values(ended)) expect(text).toMatch(answer);
  });

  it('does not publish into a later stage', async () => {
    const ended = await run(publishTasks, 'publish-registry', ['units:test']);
    expect(ended['units:test']).toMatch(
      /^false NOT_FIRST_STAGE: [\s\S]*next: npx nx run units:promote:test$/,
    );
  });

  it('publishes neither into a stage that nobody knows, nor into one of services', async () => {
    const unknown = await run(publishTasks, 'publish-registry', ['units:tset', 'money:tset']);
    for (const text of Object.values(unknown)) expect(text).toMatch(/^false STAGE_UNKNOWN: /);
    const services = await run(publishTasks, 'publish-registry', ['units:production']);
    expect(services['units:production']).toMatch(/^true production is a stage for services/);
  });

  it('takes several back', async () => {
    const ended = await run(rollbackTasks, 'rollback', ['units:test', 'money:test']);
    for (const text of Object.values(ended)) expect(text).toMatch(/^false ROLLBACK_NO_TARGET: /);
    await run(rollbackTasks, 'rollback', ['money:test'], { to: 'none' });
    expect(people.told).toMatchObject([
      { event: 'rolled-back', action: 'rollback', stage: 'test', project: 'money', version: '1.0.0' },
    ]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s stops what is done, and nothing else',
    async (name) => {
      const stopped: Work<object> = async (_, [task], { signal, settle }) => {
        const { project } = task!;
        expect(signal.aborted).toBe(false);
        process.emit(name);
        const line = signal.aborted ? 'put back' : 'went on';
        settle({
          project,
          name: project,
          version: '',
          success: false,
          status: 'cancelled',
          reached: [],
          line,
        });
        return { data: undefined, results: [] };
      };
      const before = process.listenerCount(name);
      expect(await run(stopped, 'promote', ['units'])).toEqual({ units: 'false put back' });
      expect(process.listenerCount(name)).toBe(before);
    },
  );

  it('does not leave a task without an answer', async () => {
    const forgetful: Work<object> = async (_, tasks, { settle }) => {
      const { project, name } = tasks[0]!;
      settle({ project, name, version: '', success: true, status: 'done', reached: [], line: 'done' });
      return { data: undefined, results: [] };
    };
    expect(await run(forgetful, 'promote', ['units', 'money'])).toEqual({
      units: 'true done',
      money: 'false money: no result; run it again',
    });
  });
});

describe('a single task', () => {
  it('prints the same, and maps it to success', async () => {
    expect(await single(promoteTasks)({ stage: 'test' }, context())).toEqual({ success: true });
    expect(printed).toMatch(/^@acme\/units@1\.0\.0 is in test: nothing to do\n$/);
    printed = '';
    expect(await single(promoteTasks)({}, context())).toEqual({ success: false });
    expect(printed).toMatch(/^STAGE_MISSING: /);
  });
});
