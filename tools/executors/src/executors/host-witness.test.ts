import { describe, expect, it } from 'vitest';
import type { HostNow } from '../deployment/plan.ts';
import { runningOn } from './host-witness.ts';

const image = (digit: string) => `registry.example.com/acme/api@sha256:${digit.repeat(64)}`;
const host = (truth: Partial<HostNow['truth']>): HostNow => ({
  name: 'deploy@h',
  truth: {
    current: 'r1',
    serving: 'r1',
    journal: [],
    containers: [{ release: 'r1', service: 'api', image: image('a'), state: 'running' }],
    ...truth,
  },
  releases: [
    {
      state: 'serving',
      manifest: { release: 'r1', digest: 'sha256:index', images: { api: image('a') } } as never,
    },
  ],
});
const without = (key: 'serving' | 'current') => {
  const { [key]: _, ...rest } = host({}).truth;
  return { ...host({}), truth: rest };
};

describe('what runs on a host', () => {
  it.each<[string, HostNow, string | null]>([
    ['the release that serves, of its own images', host({}), 'sha256:index'],
    ['nothing', without('serving'), null],
    [
      'another release, of which the host has no snapshot',
      host({ serving: 'r2' }),
      'r2, of which nothing is known there',
    ],
    [
      'a container of another image under the release’s name',
      host({ containers: [{ release: 'r1', service: 'api', image: image('b'), state: 'running' }] }),
      `${image('b')} as api, instead of ${image('a')}`,
    ],
    [
      'containers that were stopped',
      host({ containers: [{ release: 'r1', service: 'api', image: image('a'), state: 'exited' }] }),
      'no container of r1',
    ],
  ])('%s', (_, given, said) => {
    expect(runningOn(given, 'caddy')).toBe(said);
  });

  it('without a proxy is what counts as current', () => {
    expect(runningOn(without('serving'), 'none')).toBe('sha256:index');
    expect(runningOn(without('current'), 'none')).toBeNull();
  });
});
