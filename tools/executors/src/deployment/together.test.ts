import { beforeEach, describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import type { DeployOptions } from './deploy.ts';
import type { Fault } from './testing/fake-host.ts';
import { artifactOf, serving, World } from './testing/world.ts';

let world: World;
let before: Record<string, string | undefined>;
const requests: DeployOptions['requests'] = [
  { project: 'web', name: '@acme/web', after: ['api'] },
  { project: 'api', name: '@acme/api' },
];

beforeEach(async () => {
  world = new World(['one', 'two']);
  world.promote(artifactOf('api', 'a')).promote(artifactOf('web', 'b'));
  const { results } = await world.deploy({ requests });
  expect(results.map(({ success }) => success)).toEqual([true, true]);
  before = Object.fromEntries(['api', 'web'].map((name) => [name, world.machine(name, 'one').current]));
  world.promote(artifactOf('api', 'c')).promote(artifactOf('web', 'd'));
  world.hosts.length = 0;
  world.records.length = 0;
});

/** Faults of one service alone. */
function failing(project: string, host: string, fault: Fault) {
  const context = world.context.bind(world);
  world.context = (faults = {}, stop) => {
    const made = context(faults, stop);
    const failingOnes = context({ [host]: [fault] }, stop);
    return {
      ...made,
      openHost: (stage, name, service) =>
        (service === project ? { ...failingOnes, run: made.run } : made).openHost(stage, name, service),
    };
  };
}
const summaries = (project: string) => world.all(project).map((machine) => machine.summary);

describe('several services in one run', () => {
  it('a dependent touches its data only when what it depends on serves everywhere', async () => {
    const order: string[] = [];
    const { results } = await world.deploy({
      requests,
      onEvent: (event) => {
        if (event.event === 'started') order.push(`${event.subject} ${event.row}`);
      },
    });
    expect(results.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(order.indexOf('web start')).toBeGreaterThan(order.indexOf('api bake (wave 2)'));
    // What changes nothing runs ahead.
    expect(order.indexOf('web preflight')).toBeLessThan(order.indexOf('api start'));
  });

  it.each([false, true])(
    'a dependent is left as it was where its dependency fails (together: %s)',
    async (together) => {
      failing('api', 'two', { phase: 'health', how: 'fails' });
      const { results } = await world.deploy({ requests, together });
      expect(results).toMatchObject([
        { project: 'web', success: false, error: { code: 'DEPLOY_TOGETHER' } },
        { project: 'api', success: false, outcome: 'restored' },
      ]);
      expect(summaries('web')).toEqual([serving(before['web']), serving(before['web'])]);
      expect(summaries('api')).toEqual([serving(before['api']), serving(before['api'])]);
    },
  );

  it('takes what had baked back with what failed, where all are to go together', async () => {
    failing('web', 'two', { phase: 'watch', how: 'fails' });
    const { results } = await world.deploy({ requests, together: true });
    expect(results).toMatchObject([
      { project: 'web', outcome: 'restored' },
      { project: 'api', outcome: 'restored', error: { code: 'DEPLOY_TOGETHER' } },
    ]);
    expect(summaries('api')).toEqual([serving(before['api']), serving(before['api'])]);
    expect(world.records.map(({ type }) => type)).toEqual(['deploy-failed', 'deploy-failed']);
  });

  it('leaves what serves already, where each goes for itself', async () => {
    failing('web', 'two', { phase: 'watch', how: 'fails' });
    const { results } = await world.deploy({ requests });
    expect(results).toMatchObject([
      { project: 'web', outcome: 'restored' },
      { project: 'api', outcome: 'deployed' },
    ]);
  });

  it('begins nothing where one cannot even be planned', async () => {
    world.held.add(artifactOf('api', 'c').digest).add(artifactOf('api', 'a').digest);
    for (const together of [false, true]) {
      const { results } = await world.deploy({ requests, together });
      expect(results).toMatchObject([
        { project: 'web', status: 'blocked', error: { code: 'DEPLOY_TOGETHER' } },
        { project: 'api', status: 'failed', error: { code: 'DIGEST_NOT_PROMOTED' } },
      ]);
    }
    expect(summaries('web')).toEqual([serving(before['web']), serving(before['web'])]);
  });

  it('begins nothing that nobody could sign for', async () => {
    const context = world.context.bind(world);
    world.context = (...given) => {
      const made = context(...given);
      const ready = async () => {
        throw errors.SIGNER_MISSING({ approvers: 'file' });
      };
      return { ...made, records: { ...made.records, ready } };
    };
    const { results } = await world.deploy({ requests });
    expect(results.map(({ error }) => error?.code)).toEqual(['SIGNER_MISSING', 'SIGNER_MISSING']);
    expect(summaries('api')).toEqual([serving(before['api']), serving(before['api'])]);
  });
});
