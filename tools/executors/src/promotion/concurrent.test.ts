import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { start } from './testing/child.ts';
import { endState } from './testing/crash.ts';
import { Flow, type StageName } from './testing/flow.ts';
import { PACKAGES } from './testing/packages.ts';

const projects = Object.keys(PACKAGES).toSorted();
const promotion = { command: 'promote', options: { stage: 'test' } } as const;
const promoted = (version: string) => projects.map((project) => `promoted test ${project}@${version}`);
const published = (version: string) => projects.map((project) => `published github ${project}@${version}`);
let flow: Flow;

afterEach(() => {
  for (const proxy of flow.proxies.values()) proxy.rules.length = 0;
});

describe('two processes of one clone', () => {
  beforeAll(async () => {
    flow = await Flow.start({ packages: PACKAGES });
    await flow.build();
    await flow.publish();
  });
  afterAll(() => flow.close());

  it('promote the same packages at once: each is recorded once', async () => {
    const both = await Promise.all([start(flow, promotion).ended, start(flow, promotion).ended]);
    expect(both.filter(({ code }) => code !== 0)).toEqual([]);
    const end = await endState(flow);
    expect(end).toMatchObject({ findings: [], status: '' });
    expect(end.records).toEqual([...promoted('1.0.0'), ...published('1.0.0')]);
    expect(Object.values(end.worlds[1] ?? {}).map(({ tags }) => tags['latest'])).toEqual(
      Array(8).fill('1.0.0'),
    );
  });

  it('bring different versions at once: latest ends at the higher one', async () => {
    for (const version of ['1.1.0', '1.2.0']) {
      await flow.release(version);
      await flow.build();
      await flow.publish();
    }
    const one = (version: string) =>
      start(flow, { command: 'promote', options: { stage: 'test', version } }).ended;
    const both = await Promise.all([one('1.2.0'), one('1.1.0')]);
    expect(both.filter(({ code }) => code !== 0)).toEqual([]);
    const end = await endState(flow);
    expect(end.findings).toEqual([]);
    expect(Object.values(end.worlds[1] ?? {}).map(({ tags }) => tags['latest'])).toEqual(
      Array(8).fill('1.2.0'),
    );
  });

  it('puts a tag right that the slower run moved back', async () => {
    for (const version of ['1.3.0', '1.4.0']) {
      await flow.release(version, ['units']);
      await flow.build(['units']);
      await flow.publish(['units']);
    }
    const bring = (version: string) =>
      flow.promote('test', undefined, { requests: [{ project: 'units', name: '@acme/units', version }] });
    // The lower one has looked, and is about to move the tag, when the higher one goes all the way.
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /units\/dist-tags\/latest/,
      fault: {
        do: 'meanwhile',
        work: async () => {
          const higher = await bring('1.4.0');
          expect(higher.results).toMatchObject([{ status: 'done' }]);
        },
      },
    });
    expect((await bring('1.3.0')).results).toMatchObject([{ status: 'done' }]);
    expect((await flow.world('test'))['units']?.tags['latest']).toBe('1.4.0');
  });
});
describe('two clones of one remote, live', () => {
  let other: Flow;
  beforeAll(async () => {
    flow = await Flow.start({ packages: PACKAGES, live: true });
    await flow.build();
    other = await flow.clone();
  });
  afterAll(() => flow.close());

  const latest = async (stage: StageName, version: string) =>
    expect(Object.values(await flow.world(stage)).map(({ tags }) => tags['latest'])).toEqual(
      Array(8).fill(version),
    );

  it('publish different packages at once', async () => {
    const lower = ['units', 'money', 'tax'];
    const upper = ['logger', 'clock', 'journal'];
    const both = await Promise.all([
      start(flow, { command: 'publish', projects: lower }).ended,
      start(other, { command: 'publish', projects: upper }).ended,
    ]);
    expect(both.filter(({ code }) => code !== 0)).toEqual([]);
    expect((await flow.records()).toSorted()).toEqual(
      [...lower, ...upper].map((project) => `published github ${project}@1.0.0`).toSorted(),
    );
    await other.publish();
    const end = await endState(flow);
    expect(end).toMatchObject({ findings: [], status: '', records: published('1.0.0') });
  });

  it('promote the same packages at once: each is recorded once', async () => {
    const both = await Promise.all([start(flow, promotion).ended, start(other, promotion).ended]);
    expect(both.filter(({ code }) => code !== 0)).toEqual([]);
    for (const clone of [flow, other]) {
      expect(await endState(clone)).toMatchObject({
        findings: [],
        status: '',
        records: [...promoted('1.0.0'), ...published('1.0.0')],
      });
    }
    await latest('test', '1.0.0');
  });

  it('bring different versions at once: latest ends at the higher one', async () => {
    await next('1.1.0');
    await next('1.2.0');
    const bring = (clone: Flow, version: string) =>
      start(clone, { command: 'promote', options: { stage: 'test', version } }).ended;
    const both = await Promise.all([bring(flow, '1.2.0'), bring(other, '1.1.0')]);
    expect(both.filter(({ code }) => code !== 0)).toEqual([]);
    await latest('test', '1.2.0');
    expect((await endState(flow)).findings).toEqual([]);
  });

  it('keep what cannot be recorded while the remote is away, and the next run sends it', async () => {
    await next('1.3.0');
    const remote = join(dirname(flow.root), 'remote.git');
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /units\/dist-tags\/latest/,
      fault: { do: 'meanwhile', work: () => rename(remote, `${remote}.away`) },
    });
    const { results } = await flow.promote('test');
    expect(results.map(({ error }) => error?.code)).toEqual(Array(8).fill('NOT_RECORDED'));
    await rename(`${remote}.away`, remote);
    await latest('test', '1.3.0');
    expect(await flow.records()).not.toContain('promoted test units@1.3.0');

    const seen = flow.proxy('test').requests.length;
    const again = await flow.promote('test');
    expect(again.results.every((result) => result.success)).toBe(true);
    const asked = flow.proxy('test').requests.slice(seen);
    expect(asked.filter(({ method, path }) => method !== 'GET' || path.endsWith('.tgz'))).toEqual([]);
    const end = await endState(other);
    expect(end.findings).toEqual([]);
    expect(end.records.filter((line) => line.startsWith('promoted') && line.endsWith('1.3.0'))).toEqual(
      promoted('1.3.0'),
    );
  });

  it('do not record twice what one kept and the other found', async () => {
    await next('1.4.0');
    const remote = join(dirname(flow.root), 'remote.git');
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /units\/dist-tags\/latest/,
      fault: { do: 'meanwhile', work: () => rename(remote, `${remote}.away`) },
    });
    await flow.promote('test');
    await rename(`${remote}.away`, remote);
    expect((await other.promote('test')).results.every((result) => result.success)).toBe(true);
    expect((await flow.promote('test')).results.every((result) => result.success)).toBe(true);
    const end = await endState(other);
    expect(end.findings).toEqual([]);
    expect(end.records.filter((line) => line.startsWith('promoted') && line.endsWith('1.4.0'))).toEqual(
      promoted('1.4.0'),
    );
  });

  async function next(version: string): Promise<void> {
    await flow.release(version);
    flow.push();
    await flow.build();
    const { results } = await flow.publish();
    expect(results.every((result) => result.success)).toBe(true);
  }
});
