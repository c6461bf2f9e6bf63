import { expect, it } from 'vitest';
import type { Context } from '../promotion/context.ts';
import type { Task } from './door.ts';
import { publishTasks, type PublishExecutorOptions } from './work.ts';

it('a service in a workspace without stages for services is told what to add', async () => {
  const context = { options: { packages: { stages: [{ name: 'test' }] } } } as Context;
  const task: Task<PublishExecutorOptions> = {
    id: 'api:publish-registry',
    project: 'api',
    root: 'apps/api',
    name: '@acme/api',
    pipeline: 'services',
    target: 'publish-registry',
    options: {},
  };
  const how = { signal: new AbortController().signal, onEvent: () => {}, settle: () => {} };
  await expect(publishTasks(context, [task], how)).rejects.toMatchObject({
    code: 'SERVICES_NOT_CONFIGURED',
    exit: 2,
    message: expect.stringContaining('api is a service'),
  });
});
