import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactOf, World } from '../../deployment/testing/world.ts';
import { errors } from '../../foundation/index.ts';
import { failure } from '../../promotion/carry.ts';
import { isTerminal, listedOutputs, nxTerminal } from './nx-terminal.ts';
import { hostLines } from './plain.ts';
import { openTaskProgress, type TaskProgressOptions } from './task.ts';
import { Watching } from './testing/watching.ts';

async function opened(more: Partial<TaskProgressOptions> = {}, columns = 110) {
  const [watching, err] = [new Watching({ columns }), new Watching({ columns })];
  let closed = 0;
  const terminal = Object.assign(watching.terminal, { close: () => void (closed += 1) });
  const abort = new AbortController();
  const copied = { out: err.terminal, err: err.terminal };
  const options = { title: 'api:deploy-vps:staging', signal: abort.signal, alone: true, env: {}, copied };
  const progress = await openTaskProgress({ ...options, terminal, ...more });
  return { watching, err, progress, abort, closed: () => closed };
}
const timeless = (lines: string[]) => lines.map((line) => line.replace(/\d+\.\d s/g, 'T'));
const cancelled = () =>
  failure({ project: 'api', name: 'api', version: '1' }, errors.CANCELLED({ name: 'api', reached: [] }));

describe('the only task, at a terminal', () => {
  it.each([60, 100, 160])(
    'a deployment ends with a table of services and hosts, %i columns wide',
    async (columns) => {
      const world = new World(['www1', 'www2']).promote(artifactOf('api', 'a'));
      await world.deploy();
      world.promote(artifactOf('api', 'b'));
      const { watching, progress, closed, err } = await opened({}, columns);
      const { results } = await world.deploy({
        onEvent: progress.onEvent,
        ...progress.watched,
        onResult: progress.settled,
        faults: { www2: [{ phase: 'health', how: 'fails' }] },
      });
      progress.end(results);
      const seen = timeless(await watching.all());
      const before = world.machine('api', 'www1').current;
      expect(seen.slice(0, 2)).toEqual([
        'api:deploy-vps:staging ...',
        'api:deploy-vps:staging, T: all came to their end',
      ]);
      const rows = seen.slice(2).join('\n').replaceAll(/ +/g, ' ');
      const serves = columns > 60 ? `${before} serves` : `${before?.slice(0, 23)}…`;
      expect(rows).toContain(`\n www1 checked ${serves} 0 T`);
      expect(rows).toContain(`\n www2 checked ${serves} 0 T`);
      expect(rows).toMatch(/1 failed; took T$/);
      // Its reasons are Nx's to print, at its end.
      expect(rows).not.toContain('next:');
      expect(seen.every((line) => line.length <= columns)).toBe(true);
      expect(closed()).toBe(1);
      expect(await err.all()).toEqual([]);
    },
  );

  it('a deployment that is stopped says at once that it heard, then what state things are in', async () => {
    const world = new World(['www1', 'www2']).promote(artifactOf('api', 'a'));
    await world.deploy();
    world.promote(artifactOf('api', 'b'));
    const { watching, progress, abort } = await opened({}, 160);
    const heard: string[] = [];
    const { results } = await world.deploy({
      signal: abort.signal,
      onEvent: progress.onEvent,
      onResult: progress.settled,
      onHost: (project, event) => {
        progress.watched?.onHost(project, event);
        if (event.phase !== 'health' || event.event !== 'started') return;
        abort.abort(new Error('stopped on request'));
        heard.push(...world.log);
      },
    });
    progress.end(results);
    const seen = (await watching.all()).join('\n');
    const before = world.machine('api', 'www1').current;
    // The answer did not wait for what is done to put things back.
    expect(heard.join(' ')).not.toContain('undo');
    expect(seen).toMatch(/^stopping: what was begun comes to a safe end/m);
    expect(seen).toMatch(/^DEPLOY_STOPPED: .*\n {2}now: +checked: /m);
    expect(seen).toContain(`${before} serves on all 2 hosts again, and nothing of the new release is left`);
    expect(seen).toMatch(/^ {2}next: /m);
    expect(timeless(seen.split('\n')).join('\n')).toMatch(
      new RegExp(`^ {2}www2 .* checked +${before} serves +0 +T$`, 'm'),
    );
  });

  it('of a deployment that came to its end the table says what serves on each host', async () => {
    const world = new World(['www1', 'www2']).promote(artifactOf('api', 'a'));
    const { watching, progress } = await opened();
    const { results, plans } = await world.deploy({ onEvent: progress.onEvent, ...progress.watched });
    progress.end(results);
    const rows = timeless(await watching.all());
    for (const host of ['www1', 'www2'])
      expect(rows).toContainEqual(
        expect.stringMatching(new RegExp(`^ {2}${host} +done +${plans[0]?.release.release} serves +0 +T$`)),
      );
  });

  it('what others of the process write goes there at once, above the lines', async () => {
    const { watching, err, progress } = await opened();
    err.terminal.write('a warning\n');
    progress.end([]);
    expect(await watching.all()).toEqual([
      'api:deploy-vps:staging ...',
      'a warning',
      'nothing to do; took 0.0 s',
    ]);
    err.terminal.write('later\n');
    expect(await err.all()).toEqual(['later']);
  });
});

describe('with other tasks, in CI, and without colours', () => {
  it.each([{ alone: false }, { env: { CI: '1' } }, { env: { NO_COLOR: '1' } }])(
    '%j is plain',
    async (more) => {
      const { watching, err, progress, abort } = await opened(more);
      expect(progress.watched).toBeUndefined();
      const error = errors.NOT_VISIBLE_YET({ name: 'a', version: '1', stage: 'test' });
      progress.onEvent({ subject: 'a', event: 'retrying', row: 'put', error, inMs: 1_000 });
      progress.settled(cancelled());
      expect((await err.all()).join('\n')).toMatch(/^a: "put" again in 1\.0 s/);
      expect(await watching.all()).toEqual([]);
      // From here on Nx shows nothing that is written to it.
      abort.abort(new Error('stopped on request'));
      progress.settled(cancelled());
      progress.end([cancelled()]);
      const seen = (await watching.all()).join('\n').replaceAll('\n', ' ');
      expect(seen).toMatch(
        /^stopping: .* for which Nx leaves 5 s; .* CANCELLED: api: stopped on request .* next: /,
      );
    },
  );

  it('without a terminal it is said where everything is said', async () => {
    const { watching, err, progress, abort } = await opened({ terminal: undefined });
    abort.abort(new Error('stopped on request'));
    progress.end([]);
    expect((await err.all())[0]).toMatch(/^stopping: /);
    expect(await watching.all()).toEqual([]);
  });
});

describe('a deployment line by line', () => {
  it('says each step, what is waited for and until when, and of a lost host once that it is', async () => {
    const world = new World(['www1', 'www2'], { bakeMs: 30_000 }).promote(artifactOf('api', 'a'));
    const lines: string[] = [];
    await world.deploy({
      ...hostLines((line) => lines.push(line)),
      faults: { www2: [{ phase: 'start', how: 'gone' }] },
    });
    const said = lines.map((line) => line.replaceAll(/\d\d:\d\d:\d\d/g, 'T'));
    expect(said).toContain('api: bake');
    expect(said).toContain('www1 health: waits for its health checks to pass, until T at most');
    expect(said).toContain('www1 switch: waits for requests at the old release to end, until T at most');
    expect(said).toContain('www1 watch: waits for the bake time to pass, until T at most');
    const lost = 'www2 start: the host does not answer; it is waited for until T at most';
    expect(said.filter((line) => line === lost)).toHaveLength(1);
  });
});

describe('the terminal of Nx', () => {
  it.each([
    ['/dev/pts/0', true],
    ['/dev/ttys003', true],
    ['/dev/console', true],
    ['/dev/null', false],
    ['pipe:[123]', false],
    ['/home/rita/nx.log', false],
  ])('%s: %s', (path, is) => expect(isTerminal(path)).toBe(is));

  it.each([{}, { NX_FORKED_TASK_EXECUTOR: 'true', NX_TUI: 'true' }])('is none with %j', async (env) =>
    expect(await nxTerminal(env)).toBeUndefined(),
  );

  it('is known by lsof where processes are no files; without that it is not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lsof-'));
    const lsof = join(folder, 'lsof');
    try {
      await writeFile(
        lsof,
        `#!/bin/sh\n[ "$*" = "-a -p 42 -d 1,2 -F n" ] && printf 'p42\\nf1\\nn/dev/ttys001\\nf2\\nn/dev/null\\n'\n`,
      );
      await chmod(lsof, 0o755);
      expect(await listedOutputs(42, lsof)).toEqual(['/dev/ttys001', '/dev/null']);
      expect(await listedOutputs(42, join(folder, 'none'))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
