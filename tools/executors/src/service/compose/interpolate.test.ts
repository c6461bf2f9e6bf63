import { expect, it } from 'vitest';
import { interpolate } from './interpolate.ts';

const VALUES = { A: 'a', EMPTY: '', NESTED: '${A}', __proto: 'p' };

it.each<[string, string, string[]?]>([
  ['', ''],
  ['plain', 'plain'],
  ['$A', 'a'],
  ['${A}', 'a'],
  ['x${A}y$A.z', 'xaya.z'],
  ['$$A $${A} $$', '$A ${A} $'],
  ['${EMPTY}', ''],
  ['${NESTED}', '${A}'],
  ['$B', '', ['B']],
  ['${B}${C}${B}', '', ['B', 'C']],
  ['${A:-x}', 'a'],
  ['${B:-x}', 'x'],
  ['${EMPTY:-x}', 'x'],
  ['${EMPTY-x}', ''],
  ['${B-x}', 'x'],
  ['${B:-}', ''],
  ['${B:-a b:{c}', 'a b:{c'],
  ['${B:-${A}}', 'a'],
  ['${B:-${C:-${A}z}}', 'az'],
  ['${B:-$C}', '', ['C']],
  ['${A:-$C}', 'a'],
  ['${A:-${C:?e}}', 'a'],
  ['${A:+x}', 'x'],
  ['${EMPTY:+x}', ''],
  ['${EMPTY+x}', 'x'],
  ['${B+x$C}', ''],
  ['${A:+$C}', '', ['C']],
  ['${A:?e}', 'a'],
  ['${B:?say $C}', '', ['B']],
  ['${EMPTY:?e}', '', ['EMPTY']],
  ['${EMPTY?e}', ''],
  ['${B?e}', '', ['B']],
  ['${constructor}', '', ['constructor']],
])('%s is %j', (text, expected, missing = []) => {
  expect(interpolate(text, VALUES)).toEqual({ text: expected, missing });
});

it.each(['$', 'a $ b', '${', '${}', '${A', '${A:-x', '${1}', '$1', '${A!x}', '${A:x}', '${B:-${}}'])(
  '%s is a mistake',
  (text) => {
    expect(interpolate(text, VALUES).mistake).toMatch(/is no variable/);
  },
);
