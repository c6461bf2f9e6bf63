import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasPty, typed } from '../cli/testing/pty.ts';
import { Flow } from '../promotion/testing/flow.ts';
import { until } from '../promotion/testing/until.ts';

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start({ packages: { units: [], solo: [], last: [] } });
  await flow.build();
  await flow.publish();
});
afterAll(() => flow?.close());
beforeEach(() => void flow.proxy('test').rules.splice(0));

const file = (name: string) => join(import.meta.dirname, 'testing', name);
/** A task of Nx's, typed at a terminal. */
function task(projects: string, { behind = '' } = {}) {
  const words = `promote "$OPTIONS" ${projects}`;
  const given = { ...flow.env, OPTIONS: JSON.stringify({ stage: 'test' }) };
  return typed(
    flow.root,
    given,
    `"$NODE" ${file('like-nx.ts')} ${file('promote-child.ts')} ${words} ${behind}`,
  );
}
const hangs = { method: 'PUT', path: /^\/@acme\//, times: 1, fault: { do: 'hang' } } as const;
const timeless = (lines: string[]) => lines.map((line) => line.replace(/\d+\.\d s/g, 'T'));

describe.skipIf(!hasPty)('a task of Nx at a terminal', () => {
  it('shows what it does while it does, and a table; the result is left to Nx', async () => {
    const headers = { 'retry-after': '1' };
    flow.proxy('test').rules.push({ ...hangs, fault: { do: 'answer', status: 429, headers } });
    const run = task('units');
    await until(async () =>
      (await run.screen.seen()).some((line) =>
        /^ {2}@acme\/units +waits .*put: RATE_LIMITED; again in /.test(line),
      ),
    );
    expect(await run.ended).toBe(0);
    const seen = timeless(await run.screen.all());
    expect(seen.slice(0, 7)).toEqual([
      'units:promote:test ...',
      'units:promote:test, T: all came to their end',
      'name         version  result  reached                                       retries  took',
      expect.stringMatching(/^[- ]+$/),
      '@acme/units  1.0.0    done    planned, accepted, visible, verified, tagged  1        T',
      '',
      '1 done; took T',
    ]);
    expect(seen[7]).toMatch(/^\{"task":"units:promote","success":true/);
  });

  it('answers Ctrl-C at once and says what state things are in, although Nx says nothing any more', async () => {
    flow.proxy('test').rules.push(hangs);
    const run = task('solo');
    await until(async () => (await run.screen.seen()).some((line) => /@acme\/solo +runs .* put/.test(line)));
    const pressed = performance.now();
    run.press('\u0003');
    await until(() => run.written().includes('stopping: '));
    expect(performance.now() - pressed).toBeLessThan(1_000);
    expect(await run.ended).toBe(130);
    expect(performance.now() - pressed).toBeLessThan(4_000);
    const seen = (await run.screen.all()).join('\n');
    expect(seen).toContain('for which Nx leaves 5 s');
    expect(seen).toMatch(/CANCELLED: @acme\/solo: stopped on request\n {2}now: .*\n {2}next: run the same/);
    expect(seen).toMatch(/^@acme\/solo +1\.0\.0 +cancelled +CANCELLED +0/m);
    expect(seen).not.toContain('{"task"');
  });

  it('writes plain lines into a pipe', async () => {
    flow.proxy('test').rules.push({ ...hangs, fault: { do: 'answer', status: 503 } });
    const run = task('last', { behind: '2>&1 | cat' });
    await run.ended;
    expect(run.written()).not.toContain('\u001b');
    expect(run.written().trimEnd().split('\r\n')).toEqual([
      expect.stringMatching(/^@acme\/last: "put" again in \d\.\d s, until [\d:]{8} at most \(/),
      expect.stringMatching(/^\{"task":"last:promote","success":true/),
    ]);
  });
});
