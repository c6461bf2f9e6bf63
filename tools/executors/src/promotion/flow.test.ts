import { afterEach, describe, expect, it } from 'vitest';
import { Flow } from './testing/flow.ts';

let flow: Flow;
afterEach(() => flow?.close());
const lines = (results: { project: string; status: string }[]) =>
  results.map(({ project, status }) => `${project} ${status}`).toSorted();

describe('from the artifact to the last stage', () => {
  it('publishes, promotes, and finds nothing to do the second time', async () => {
    flow = await Flow.start();
    await flow.build();
    const published = await flow.publish();
    expect(published.results.map((result) => result.line).join('\n')).not.toMatch(/error/i);
    expect(lines(published.results)).toEqual(['invoice done', 'logger done', 'money done', 'units done']);
    const promoted = await flow.promote('test');
    expect(promoted.results.flatMap((result) => result.error?.format() ?? [])).toEqual([]);
    expect(lines(promoted.results)).toEqual(['invoice done', 'logger done', 'money done', 'units done']);
    const records = await flow.records();
    expect(records).toHaveLength(8);
    const world = await flow.world('test');
    expect(Object.values(world).map(({ tags }) => tags['latest'])).toEqual(Array(4).fill('1.0.0'));
    const seen = flow.proxies.get('test')!.requests.length;
    const again = await flow.promote('test');
    expect(lines(again.results)).toEqual([
      'invoice nothing',
      'logger nothing',
      'money nothing',
      'units nothing',
    ]);
    expect(await flow.records()).toEqual(records);
    expect(flow.proxies.get('test')!.requests.length - seen).toBe(4);
    const afresh = await flow.publish();
    expect(lines(afresh.results)).toEqual([
      'invoice nothing',
      'logger nothing',
      'money nothing',
      'units nothing',
    ]);
  });
});
