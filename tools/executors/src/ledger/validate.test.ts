import { describe, expect, it } from 'vitest';
import { parseBatch, recordProblem } from './validate.ts';

const record = {
  type: 'held',
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'packages',
  repository: 'r',
  stage: 'test',
  registry: 'x',
  by: 'unsigned',
  run: '1',
  project: 'money',
  name: 'money',
  version: '1.0.0',
  integrity: 'sha512-x',
  reason: 'broken',
};
const batch = { schemaVersion: 1, records: [record], signature: null };
const problemOf = (value: unknown) => {
  const parsed = parseBatch(typeof value === 'string' ? value : JSON.stringify(value));
  return 'problem' in parsed ? parsed.problem : undefined;
};

describe('parseBatch', () => {
  it.each<[string, unknown, string | undefined]>([
    ['a batch', batch, undefined],
    ['a signed one', { ...batch, signature: { format: 'sshsig', principal: 'a', value: 'b' } }, undefined],
    ['one with attachments', { ...batch, attachments: { abc: '{}' } }, undefined],
    [
      'attachments that are no texts',
      { ...batch, attachments: { abc: {} } },
      'its attachments have another form',
    ],
    ['fields of a later version', { ...batch, records: [{ ...record, more: 1 }] }, undefined],
    ['half a file', JSON.stringify(batch).slice(0, 40), 'it is not JSON'],
    ['a list', [], 'it is no object'],
    ['another schema', { ...batch, schemaVersion: 2 }, 'its schemaVersion is 2, not 1'],
    ['no records', { ...batch, records: [] }, 'it holds no records'],
    ['no signature field', { schemaVersion: 1, records: [record] }, 'its signature has another form'],
    [
      'an unknown type',
      { ...batch, records: [{ ...record, type: 'x' }] },
      'record 0: its type "x" is unknown',
    ],
    [
      'the name of something that every object has',
      { ...batch, records: [{ ...record, type: 'constructor' }] },
      'record 0: its type "constructor" is unknown',
    ],
    [
      'a missing field',
      { ...batch, records: [record, { ...record, reason: undefined }] },
      'record 1: its field "reason" is missing or wrong',
    ],
  ])('%s', (_, value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });
});

it.each([
  ['at', 'yesterday'],
  ['pipeline', 'parcels'],
  ['integrity', 'none'],
  ['version', ''],
])('refuses the field %s: %s', (field, value) => {
  expect(recordProblem({ ...record, [field]: value })).toBe(`its field "${field}" is missing or wrong`);
});

it('refuses a nonce that could pass for two', () => {
  const more = {
    type: 'promoted',
    from: 'github',
    tag: 'latest',
    verified: 'bytes',
    planHash: 'h',
    policy: 'p',
    gate: [],
  };
  expect(recordProblem({ ...record, ...more, approvals: ['a'] })).toBeUndefined();
  expect(recordProblem({ ...record, ...more, approvals: ['a 1\nb'] })).toBe(
    'its field "approvals" is missing or wrong',
  );
});
