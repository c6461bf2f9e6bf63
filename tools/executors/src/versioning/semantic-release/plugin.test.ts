import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from '../testing/history.ts';
import type { ReleaseContext } from './commits.ts';
import { addChannel, fail, publish, success } from './plugin.ts';

/** The steps behind the tag; those before it are run by semantic-release itself in test/versioning.test.ts. */
describe('channels are stages', { timeout: 60_000 }, () => {
  let history: History;
  const logged: string[] = [];
  const log = (text: string) => void logged.push(text);
  const released = (channel: string | null): ReleaseContext & { releases?: { name: string }[] } =>
    ({
      cwd: join(history.flow.root, 'libs/units'),
      env: history.flow.env,
      logger: { log, success: log },
      nextRelease: { version: '1.0.0', gitTag: 'units@1.0.0', gitHead: '', channel },
    }) as unknown as ReleaseContext;

  beforeAll(async () => {
    history = await History.start('semantic-release', { public: { approvals: 1 } });
    await history.release({ firstRelease: true });
  });
  afterAll(() => history.flow.close());

  it('a release on a channel without a stage stays in the first one', async () => {
    expect(await publish({}, released('next'))).toEqual({
      name: '@acme/units@1.0.0 in github',
      channel: 'next',
    });
    expect((await history.in('test', 'units')).versions).toEqual([]);
  });

  it('another channel promotes the same bytes', async () => {
    expect(await addChannel({}, released('test'))).toMatchObject({ name: '@acme/units@1.0.0 in test' });
    const [first, second] = await Promise.all([history.flow.world('github'), history.flow.world('test')]);
    expect(second['units']?.versions).toEqual(first['units']?.versions);
  });

  it('a closed gate is no failure: the promotion waits, and says for what', async () => {
    const config = { channels: { latest: 'public' } };
    expect(await publish(config, released(null))).toMatchObject({ name: '@acme/units@1.0.0 in test' });
    expect(logged.join('\n')).toMatch(/GATE_CLOSED[^]*approv/);
    expect((await history.in('public', 'units')).versions).toEqual([]);
  });

  it('the end says where the release is, or how to go on', async () => {
    logged.length = 0;
    await success({}, { ...released(null), releases: [{ name: '@acme/units@1.0.0 in test' }] });
    await fail({}, { ...released(null), errors: [{ code: 'REGISTRY_DOWN', details: '  next: again' }, {}] });
    expect(logged).toEqual(['units@1.0.0: @acme/units@1.0.0 in test', 'REGISTRY_DOWN\n  next: again']);
  });
});
