import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { matches } from '../../board/src/filter.ts';
import { around, layoutGraph } from '../../board/src/layout.ts';
import { formatRoute, parseRoute } from '../../board/src/route.ts';
import { headline, moodOf, short, span } from '../../board/src/words.ts';
import { bundlePage } from '../../src/board/bundle.ts';
import { staticPage } from '../../src/board/html.ts';
import type { Cell, Project } from '../../src/board/model/types.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const cell = (more: Partial<Cell> = {}): Cell => ({ approvedBy: [], commands: [], ...more });
const waiting = { version: '1.1.0', digest: 'sha512-x', since: '', gated: false };

it('the bundle is below 150 kB, packed, with the licence of what is in it', async () => {
  const { script, style } = await bundlePage();
  expect(script).toMatch(/Preact:[^]*Permission is hereby granted/);
  expect(gzipSync(script + style).length).toBeLessThan(150_000);
});

describe('words', () => {
  it.each([
    [1000, '1 second'],
    [3_599_000, '59 minutes'],
    [7_300_000, '2 hours'],
    [90_000_000, '1 day'],
    [-5, '0 seconds'],
  ])('%i ms: %s', (ms, text) => expect(span(ms)).toBe(text));

  it('a digest is told by its first characters, without the algorithm', () => {
    expect([short('sha512-AbC/+d1234'), short('sha256:0123456789')]).toEqual(['AbC/+d12', '01234567']);
  });

  it.each<[Partial<Cell>, string, string]>([
    [{}, 'empty', ''],
    [{ version: '1' }, 'stands', ''],
    [{ waiting }, 'open', '1.1.0 can come in'],
    [{ waiting: { ...waiting, gated: true } }, 'closed', '1.1.0 waits: its gate is being asked'],
    [
      { waiting: { ...waiting, gated: true, gate: { open: true, conditions: [] } } },
      'open',
      '1.1.0 can come in: the gate is open',
    ],
    [
      {
        waiting: {
          ...waiting,
          gated: true,
          gate: {
            open: false,
            conditions: [
              { name: 'origin', open: true, detail: 'known' },
              { name: 'soak', open: false, detail: 'since', until: '2026-01-02T05:00:00Z' },
              { name: 'approvals', open: false, detail: '0 of 1', who: ['rita', 'lee'] },
              { name: 'freeze', open: false, detail: 'frozen for holidays' },
            ],
          },
        },
      },
      'closed',
      '1.1.0 waits: soak, 5 hours left; approval by rita or lee; frozen for holidays',
    ],
    [{ version: '1', isHeld: true }, 'held', '1 is held: nothing promotes it'],
    [
      { failed: { version: '2', release: '', at: '', code: 'X', reason: '', outcome: 'restored' } },
      'failed',
      '2 failed: X, restored',
    ],
    [{ wentBack: { from: '2', at: '', by: '', reason: 'slow' } }, 'back', 'went back from 2: slow'],
    [
      { wentBack: { from: '2', at: '', by: '', reason: 'slow' }, held: ['2'] },
      'back',
      'went back from 2, which is held: slow',
    ],
    [
      {
        version: '1',
        running: {
          version: '0',
          release: '',
          since: '',
          by: '',
          hosts: [
            { host: 'a', health: 'serves', at: '' },
            { host: 'b', health: 'unknown', at: '' },
          ],
        },
      },
      'stands',
      'runs 0 on 2 hosts, 1 unproved',
    ],
  ])('%j is %s', (given, mood, line) => {
    expect([moodOf(cell(given)), headline(cell(given), now)]).toEqual([mood, line]);
  });
});

describe('search and filter', () => {
  const project: Project = {
    project: 'money',
    name: '@acme/money',
    needs: [],
    cells: [cell({ version: '1.0.0', by: 'ada' }), cell({ waiting, approvedBy: ['rita'] })],
  };
  it.each([
    ['', 'all', true],
    ['MON rita', 'all', true],
    ['mon lee', 'all', false],
    ['1.1.0', 'waiting', true],
    ['', 'open', true],
    ['', 'closed', false],
    ['', 'held', false],
    ['', 'failed', false],
    ['', 'back', false],
    ['', 'new', false],
  ] as const)('"%s", %s: %s', (text, show, expected) => {
    expect(matches(project, text, show)).toBe(expected);
  });
});

describe('addresses', () => {
  it('say where somebody is, and come back as they were', () => {
    const route = { ...parseRoute(''), view: 'artifact' as const, name: '@acme/a b', version: '1.0.0-x&y' };
    expect(parseRoute(formatRoute(route))).toEqual(route);
    expect(formatRoute({ view: 'flow', show: 'all', text: '' })).toBe('#/flow');
    expect(parseRoute('#/nonsense?text=x').view).toBe('flow');
  });
});

describe('the graph', () => {
  const nodes = [
    { name: 'app', needs: ['b', 'elsewhere'] },
    { name: 'b', needs: ['a'] },
    { name: 'a', needs: [] },
    { name: 'alone', needs: [] },
    { name: 'x', needs: ['y'] },
    { name: 'y', needs: ['x'] },
  ];
  it('puts what a project depends on to its left, and nothing on top of another', () => {
    const { places, columns } = layoutGraph(nodes);
    const column = Object.fromEntries(places.map((place) => [place.name, place.column]));
    expect(column).toMatchObject({ a: 0, b: 1, app: 2, alone: 0 });
    expect(columns).toBe(3);
    expect(new Set(places.map((place) => `${place.column} ${place.row}`)).size).toBe(nodes.length);
  });
  it('knows what hangs together', () => {
    expect([...around(nodes, 'b')].sort()).toEqual(['a', 'app', 'b']);
    expect([...around(nodes, 'x')].sort()).toEqual(['x', 'y']);
  });
});

it('text cannot end the element that holds the data, nor code that which holds it', () => {
  const page = staticPage(
    { script: 'let a = "</script>";', style: '' },
    { text: '</script><script>alert(1)</script><!--' },
  );
  expect(page.match(/<\/script/g)).toHaveLength(2);
  expect(page).not.toContain('<!--');
  const data = /id="data">(.*?)<\/script>/.exec(page)?.[1] ?? '';
  expect(JSON.parse(data)).toEqual({ text: '</script><script>alert(1)</script><!--' });
});
