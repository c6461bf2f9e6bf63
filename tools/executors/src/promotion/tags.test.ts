import { expect, it } from 'vitest';
import { distTagOf, mayMove } from './tags.ts';

it.each([
  ['1.3.0', 'latest', 'latest'],
  ['1.3.0', 'stable', 'stable'],
  ['1.3.0-beta.1', 'latest', 'beta'],
  ['2.0.0-rc', 'latest', 'rc'],
  ['1.3.0-0', 'latest', 'next'],
  ['1.3.0-latest.1', 'latest', 'next'],
  ['1.3.0-latest.1', 'stable', 'next'],
  ['1.3.0-stable.1', 'stable', 'next'],
  ['1.3.0-candidate.1', 'latest', 'next'],
  ['1.3.0-x.1', 'latest', 'next'],
  ['1.3.0-v2', 'latest', 'next'],
])('%s in a stage with tag %s is tagged %s', (version, stageTag, tag) => {
  expect(distTagOf(version, stageTag)).toBe(tag);
});

it.each([
  ['1.3.0', undefined, false, true],
  ['1.3.0', '1.3.0', false, true],
  ['1.3.0', '1.2.0', false, true],
  ['1.2.0', '1.3.0', false, false],
  ['1.2.0', '1.3.0', true, true],
  ['1.3.0-beta.2', '1.3.0-beta.10', false, false],
  ['1.3.0', '2.0.0-beta.1', false, true],
])('a tag moves to %s from %s (backwards allowed: %s): %s', (version, current, backwards, moves) => {
  expect(mayMove(version, current, backwards)).toBe(moves);
});
