import { describe, expect, test } from 'vitest';
import type { FreezeWindow } from '../pipeline/types.ts';
import { freezeStatus } from './windows.ts';

const weekend: FreezeWindow = { days: ['fri', 'sat', 'sun'], timeZone: 'Europe/Berlin', reason: 'weekend' };
const friday: FreezeWindow = { days: ['fri'], between: ['16:00', '24:00'], timeZone: 'Europe/Berlin' };
const night: FreezeWindow = { days: ['mon'], between: ['22:00', '06:00'] };
const christmas: FreezeWindow = {
  from: '2026-12-20T00:00:00Z',
  to: '2027-01-02T00:00:00Z',
  reason: 'holidays',
};

const table: [string, FreezeWindow[], string, string | false | null][] = [
  // what, windows, now, until (false: not frozen; null: frozen without a foreseeable end)
  ['no window', [], '2026-11-20T12:00:00Z', false],
  ['before an absolute window', [christmas], '2026-12-19T23:59:59Z', false],
  ['at its first instant', [christmas], '2026-12-20T00:00:00Z', '2027-01-02T00:00:00.000Z'],
  ['at its last instant', [christmas], '2027-01-02T00:00:00Z', false],
  ['without an end', [{ from: '2026-01-01T00:00:00Z' }], '2026-11-20T12:00:00Z', null],
  [
    'without a beginning',
    [{ to: '2027-01-01T00:00:00Z' }],
    '2026-11-20T12:00:00Z',
    '2027-01-01T00:00:00.000Z',
  ],
  ['with a reason alone', [{ reason: 'incident' }], '2026-11-20T12:00:00Z', null],
  ['Thursday in Berlin', [weekend], '2026-11-19T22:59:00Z', false],
  ['Friday has begun in Berlin', [weekend], '2026-11-19T23:00:00Z', '2026-11-22T23:00:00.000Z'],
  [
    'days that follow on each other are one freeze',
    [weekend],
    '2026-11-21T12:00:00Z',
    '2026-11-22T23:00:00.000Z',
  ],
  ['Friday before four in Berlin', [friday], '2026-11-20T14:59:00Z', false],
  ['Friday after four in Berlin', [friday], '2026-11-20T15:00:00Z', '2026-11-20T23:00:00.000Z'],
  ['the same in summer time', [friday], '2026-07-17T14:00:00Z', '2026-07-17T22:00:00.000Z'],
  ['over the change of the clocks', [weekend], '2026-10-24T12:00:00Z', '2026-10-25T23:00:00.000Z'],
  ['past midnight, the evening', [night], '2026-11-16T23:00:00Z', '2026-11-17T06:00:00.000Z'],
  ['past midnight, the morning after', [night], '2026-11-17T05:59:00Z', '2026-11-17T06:00:00.000Z'],
  ['past midnight, the morning before', [night], '2026-11-16T05:59:00Z', false],
  [
    'every day, an hour',
    [{ between: ['12:00', '13:00'] }],
    '2026-11-20T12:30:00Z',
    '2026-11-20T13:00:00.000Z',
  ],
  [
    'all days for ever',
    [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] }],
    '2026-11-20T12:30:00Z',
    null,
  ],
  [
    'weekly, only for a while',
    [{ ...weekend, to: '2026-11-21T00:00:00Z' }],
    '2026-11-20T12:00:00Z',
    '2026-11-21T00:00:00.000Z',
  ],
  ['two windows that touch', [friday, weekend], '2026-11-20T16:00:00Z', '2026-11-22T23:00:00.000Z'],
  ['an unreadable instant', [{ from: 'next week' }], '2026-11-20T12:00:00Z', null],
  ['an unreadable day', [{ days: ['freitag?', 'xyz'] }], '2026-11-18T12:00:00Z', null],
  ['an unreadable time', [{ between: ['25:00', '26:00'] }], '2026-11-18T12:00:00Z', null],
  ['an unknown time zone', [{ days: ['mon'], timeZone: 'Mars/Base' }], '2026-11-18T12:00:00Z', null],
];

describe('freeze windows', () => {
  test.each(table)('%s', (_what, windows, now, until) => {
    const status = freezeStatus(windows, new Date(now));
    expect(status.frozen).toBe(until !== false);
    expect(status.until?.toISOString()).toBe(until === false || until === null ? undefined : until);
  });

  test('gives the reason of the window', () => {
    expect(freezeStatus([christmas], new Date('2026-12-24T12:00:00Z')).reason).toBe('holidays');
    expect(freezeStatus([{ from: 'soon' }], new Date()).reason).toMatch(/"soon" is not an ISO 8601 instant/);
  });
});
