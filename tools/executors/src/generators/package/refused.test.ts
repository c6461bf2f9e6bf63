import { expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { real } from './refused.ts';

it('the registries of the live profile are asked for a name, and none of the local one', async () => {
  const flow = await Flow.start({ live: true, packages: { units: [] } });
  try {
    await flow.build();
    await flow.publish();
    flow.proxy('test').rules.push({ times: Infinity, fault: { do: 'answer', status: 403 } });
    const around = real({ root: flow.root }, flow.env);
    expect(await around.look('@acme/units')).toEqual([
      { stage: 'github', versions: ['1.0.0'] },
      { stage: 'test', versions: [], unasked: expect.stringMatching(/^[A-Z_]+$/) },
      { stage: 'public', versions: [] },
    ]);
    expect((await around.look('@acme/free'))?.[0]).toEqual({ stage: 'github', versions: [] });
    expect(await real({ root: flow.root }, { PATH: flow.env['PATH'] }).look('@acme/units')).toBeUndefined();
  } finally {
    await flow.close();
  }
});
