import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutorContext } from '@nx/devkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { batched } from '../executors/door.ts';
import { promoteTasks, publishTasks } from '../executors/work.ts';
import { ServiceFlow } from '../promotion/image/testing/flow.ts';
import { sluice } from './testing/sluice.ts';

let flow: ServiceFlow;
let digest = '';
let version = '';
const kept = { ...process.env };
const type = (...args: string[]) => sluice(flow.root, flow.env, ...args);

beforeAll(async () => {
  flow = await ServiceFlow.start({
    live: true,
    gates: { production: { approvals: { count: 1, allowAuthor: true } } },
    notifications: [{ webhookEnv: 'HOOK', on: ['approval-requested'] }],
  });
  flow.env['HOOK'] = await hook.listen();
  ({ digest, version } = await flow.build('api', 'one'));
  Object.assign(process.env, flow.env);
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
  await flow?.close();
  hook.server.close();
});

/** Who wants to be told. */
const hook = {
  told: [] as Record<string, unknown>[],
  server: createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      hook.told.push(JSON.parse(text));
      response.end();
    });
  }),
  listen: () =>
    new Promise<string>((resolve) => {
      hook.server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(hook.server.address() as AddressInfo).port}/`),
      );
    }),
};

/** Runs tasks "project:stage" as one batch, the way Nx does. */
async function run(
  work: typeof promoteTasks | typeof publishTasks,
  target: string,
  ids: string[],
  options: object = {},
): Promise<Record<string, string>> {
  const tasks = Object.fromEntries(
    ids.map((id) => [id, { id, target: { project: id.split(':')[0], target } }]),
  );
  const inputs = Object.fromEntries(ids.map((id) => [id, { stage: id.split(':')[1], ...options }]));
  const projects = { api: { root: 'apps/api' } };
  const context = { root: flow.root, projectsConfigurations: { version: 2, projects } };
  const ended: Record<string, string> = {};
  const quiet = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  for await (const { task, result } of batched(work)(
    { tasks, dependencies: {} } as never,
    inputs as never,
    {} as never,
    context as unknown as ExecutorContext,
  ))
    ended[task] = `${result.success} ${result.terminalOutput.split('\n')[0]}`;
  quiet.mockRestore();
  return ended;
}

describe('the executors', () => {
  it('publish a service, and leave the stages of packages alone', async () => {
    expect(await run(publishTasks, 'publish-registry', ['api'])).toEqual({
      api: `true @acme/api@${version} -> images: accepted, visible, verified, tagged`,
    });
    const none = 'true github is a stage for packages, and api is a service: nothing to do';
    expect(await run(publishTasks, 'publish-registry', ['api:github'])).toEqual({ 'api:github': none });
    expect(await run(promoteTasks, 'promote', ['api:github'])).toEqual({ 'api:github': none });
    expect(await run(publishTasks, 'publish-registry', ['api:staging'])).toEqual({
      'api:staging': expect.stringMatching(/^false NOT_FIRST_STAGE: /),
    });
  });

  it('promote it as far as its gates let it', async () => {
    expect(await run(promoteTasks, 'promote', ['api:staging', 'api:production'])).toEqual({
      'api:staging': `true @acme/api@${version} -> staging: accepted, visible, verified, tagged`,
      'api:production': expect.stringMatching(/^false GATE_CLOSED: /),
    });
    expect(await flow.tags('api')).toMatchObject({ staging: digest });
    // Whoever may approve is asked, once.
    expect(hook.told).toMatchObject([
      { event: 'approval-requested', project: 'api', version, digest, from: 'staging', stage: 'production' },
    ]);
    await run(promoteTasks, 'promote', ['api:production'], { dryRun: true });
    expect(hook.told).toHaveLength(1);
  });
});

describe('the commands', () => {
  it('plan, approve and promote a service', async () => {
    const planned = await type('plan', 'production', '--json');
    expect(planned).toMatchObject({ code: 3, stderr: '' });
    expect(JSON.parse(planned.stdout)).toMatchObject({
      pipeline: 'services',
      from: 'staging',
      items: [{ name: '@acme/api', version, integrity: digest, action: 'promote' }],
    });
    expect(await type('plan', 'production', 'api')).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(
        /^service +in production[^]*promote|gate closed[^]*closed approvals: 0 of 1/m,
      ),
    });
    expect(await type('plan', 'production', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^SERVICE_UNKNOWN: [^]*It knows: api$/m),
    });
    expect(await type('approve', 'production', 'api')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`open: @acme/api@${version}`),
    });
    expect(await type('promote', 'production')).toMatchObject({ code: 0 });
    expect(await flow.tags('api')).toMatchObject({ production: digest });
  });

  it('show it, prove it, and say what to compare with', async () => {
    const status = await type('status', '--json');
    expect(JSON.parse(status.stdout).services).toMatchObject([
      {
        project: 'api',
        stages: [{ version }, { version }, { version, approvedBy: ['rita@acme.example'] }],
      },
    ]);
    expect(await type('verify', 'images', 'production')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('history and signatures are sound'),
    });
    const base = await type('base', 'production');
    expect(base).toMatchObject({ code: 0, stdout: `${flow.git('rev-parse', 'HEAD')}\n` });
  });

  it('print no secret', async () => {
    const secret = flow.env['IMAGES_REGISTRY_TOKEN'] as string;
    flow.proxy().rules.push({
      path: /./,
      times: 99,
      fault: { do: 'answer', status: 401, body: { error: `no: ${secret}` } },
    });
    for (const { stdout, stderr } of [await type('plan', 'staging'), await type('verify', 'staging')]) {
      expect(stdout + stderr).not.toContain(secret);
      expect(stdout + stderr).not.toContain(Buffer.from(`sluice:${secret}`).toString('base64').slice(12, 30));
    }
    flow.proxy().rules.length = 0;
  });
});
