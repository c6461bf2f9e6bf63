import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Flow } from '../promotion/testing/flow.ts';
import { until } from '../promotion/testing/until.ts';
import { startWebhook, type TestWebhook } from '../report/testing/webhook.ts';
import { atTerminal, hasPty } from './testing/pty.ts';
import { sluice } from './testing/sluice.ts';

const SECRET = 'a-secret-of-this-test';
let flow: Flow;
let env: NodeJS.ProcessEnv;
let people: TestWebhook<{ event: string; text: string }>;

beforeAll(async () => {
  people = await startWebhook();
  flow = await Flow.start({
    packages: { units: [], money: ['units'], solo: [] },
    gates: { public: { approvals: 1 } },
    options: { notifications: [{ webhookEnv: 'PEOPLE' }] },
  });
  env = { ...flow.env, OTHER_TOKEN: SECRET, PEOPLE: people.url };
  await flow.build();
  await flow.publish();
});
afterAll(async () => {
  await people?.close();
  await flow?.close();
});
beforeEach(() => {
  people.told.length = 0;
  for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
});
/** Durations differ from run to run. */
const timeless = (lines: string[]) => lines.map((line) => line.replace(/\d+\.\d s/g, 'T'));

describe.skipIf(!hasPty)('at a terminal', () => {
  it('Ctrl-C answers at once, says what state things are in, and the way on', async () => {
    let pressed = 0;
    const typed = atTerminal(flow.root, env, 'promote', 'test');
    flow
      .proxy('test')
      .rules.push({ method: 'PUT', path: /^\/@acme\/(units|solo)$/, times: 2, fault: { do: 'hang' } });
    await until(async () =>
      (await typed.screen.seen()).some((line) => /@acme\/money +waits .* for @acme\/units/.test(line)),
    );
    pressed = performance.now();
    typed.press('\u0003');
    await until(() => typed.written().includes('stopping: '));
    expect(performance.now() - pressed).toBeLessThan(1_000);
    expect(await typed.ended).toBe(1);
    expect(performance.now() - pressed).toBeLessThan(5_000);
    const seen = (await typed.screen.seen()).join('\n');
    expect(seen).toMatch(/^stopping: what was begun comes to a safe end; Ctrl-C again leaves at once/m);
    expect(seen).toMatch(/CANCELLED: @acme\/units: stopped on request\n {2}now: .*\n {2}next: run the same/);
    expect(seen).toMatch(/^@acme\/money +1\.0\.0 +cancelled +CANCELLED +0/m);
  });

  it('a promotion ends with a table, and shows no secret of what a registry says', async () => {
    flow.proxy('test').rules.push(
      { method: 'PUT', path: /^\/@acme\/money$/, fault: { do: 'answer', status: 503 } },
      {
        method: 'PUT',
        path: /^\/@acme\/solo$/,
        fault: { do: 'answer', status: 400, body: { error: `${SECRET} is wrong` } },
      },
    );
    const typed = atTerminal(flow.root, env, 'promote', 'test');
    expect(await typed.ended).toBe(1);
    const seen = timeless(await typed.screen.all());
    expect(seen[0]).toBe('promote to test ...');
    expect(seen.slice(seen.findIndex((line) => line.startsWith('name ')))).toEqual([
      'name         version  result  reached                                       retries  took',
      expect.stringMatching(/^[- ]+$/),
      '@acme/units  1.0.0    done    planned, accepted, visible, verified, tagged  0        T',
      '@acme/money  1.0.0    done    planned, accepted, visible, verified, tagged  1        T',
      expect.stringMatching(/^@acme\/solo {3}1\.0\.0 {4}failed {2}[A-Z_]+ +0 {8}T$/),
      '',
      '2 done, 1 failed; took T',
    ]);
    expect(typed.written()).not.toContain(SECRET);
    expect(people.told.map(({ event, text }) => `${event}: ${text.split('\n')[0]}`)).toEqual([
      'succeeded: units 1.0.0, money 1.0.0 were promoted to test',
      'failed: solo 1.0.0 was not promoted to test',
    ]);
    expect(JSON.stringify(people.told)).not.toContain(SECRET);
    // The cursor is where it was, and nothing is left that would be drawn over.
    expect(typed.written()).not.toContain('\u001b[?25l');
  });

  it('a rollback says its answer below the table; approve asks; NO_COLOR and a pipe get plain lines', async () => {
    expect((await sluice(flow.root, env, 'promote', 'test')).code).toBe(0);
    const typed = atTerminal(flow.root, env, 'rollback', 'test', 'solo', '--to', 'none');
    expect(await typed.ended).toBe(0);
    const seen = timeless(await typed.screen.all());
    expect(seen.slice(0, 2)).toEqual([
      'roll back in test ...',
      'roll back in test, T: all came to their end',
    ]);
    expect(seen.join('\n')).toMatch(/^@acme\/solo +1\.0\.0 +done +deprecated +0 +T$/m);
    expect(seen.join('\n')).toContain('nothing promotes it until npx sluice unhold @acme/solo 1.0.0');

    expect(people.told.at(-1)).toMatchObject({ event: 'rolled-back', action: 'rollback', project: 'solo' });

    const asked = atTerminal(flow.root, env, 'approve', 'public', 'units', '--key', 'home/rita@acme.example');
    await until(async () => (await asked.screen.all()).some((line) => line.includes('[y/N]')));
    asked.press('y\r');
    expect(await asked.ended).toBe(0);
    const answered = (await asked.screen.all()).join('\n');
    expect(answered).toMatch(/ as rita@acme\.example\? \[y\/N\] y\napproved by rita@acme\.example: plan /);
    expect(answered).not.toContain('took');

    const plain = atTerminal(flow.root, { ...env, NO_COLOR: '1' }, 'promote', 'test', 'units');
    expect(await plain.ended).toBe(0);
    expect(plain.written()).not.toContain('\u001b');
    expect(await plain.screen.all()).toEqual(['@acme/units@1.0.0 is in test: nothing to do']);
  });
});
