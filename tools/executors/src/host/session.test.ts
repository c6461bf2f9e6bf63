import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalHost, type LocalHostOptions } from './testing/local-host.ts';
import { shellFolder, shells } from './testing/shells.ts';
import type { Host } from './types.ts';

let root: string;
const open: Host[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'host-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((host) => host.close()));
  rmSync(root, { recursive: true, force: true });
});

/** A host whose every phase is this script. */
async function scripted(script: string, options: Partial<LocalHostOptions> = {}): Promise<Host> {
  const host = await openLocalHost({ root, script: () => script, ...options });
  open.push(host);
  return host;
}

const EVIL = [
  '',
  ' two  spaces ',
  "it's",
  '"; touch pwned; "',
  '$(touch pwned)',
  '`touch pwned`',
  '${HOME} $HOME',
  'line one\nline two\n\n',
  '\n',
  '\\n \\0101 \\\\ %s %b %d',
  '-n',
  '-e -- --help',
  '*',
  '~root',
  'ünï ☃ 🜁 ＇',
  '\t\r\u0007\u001b[31m',
  '| & ; < > ( ) # !',
  'A=B C=D',
];

describe.each(shells)('a session of $name', ({ program }) => {
  const shell = () => ({ path: [shellFolder(join(root, 'shell'), program)] });

  it('gives every value unchanged, and runs none of them', async () => {
    const host = await scripted(
      'printf %s "$SLUICE_VALUE" | od -An -v -tx1 | tr -d " \\n"; pwd >&2',
      shell(),
    );
    for (const value of EVIL) {
      const { log } = await host.run('truth', { values: { VALUE: value } });
      expect(Buffer.from(log[0]?.replace(/\/.*/, '') ?? '', 'hex').toString()).toBe(value);
    }
    expect(readdirSync(root)).toEqual(['shell']);
  });

  it('brings every byte of the input, and many of them', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
    const host = await scripted('od -An -v -tx1 | tr -d " \\n"; echo', shell());
    const { log } = await host.run('truth', { stdin: bytes });
    expect(Buffer.from(log[0] ?? '', 'hex').toString()).toBe(bytes);
    const counting = await scripted('wc -c | tr -d " "', { ...shell(), path: [join(root, 'shell')] });
    expect((await counting.run('truth', { stdin: 'x'.repeat(1_000_000) })).log).toEqual(['1000000']);
  });

  it('tells the exit code, all lines, and a last one without its end', async () => {
    const host = await scripted('echo one; echo; echo " two \\\\ |x"; printf "%s" end; exit 7', shell());
    await expect(host.run('truth')).rejects.toMatchObject({
      code: 'PHASE_FAILED',
      details: { exit: 7, log: ['one', '', ' two \\ |x', 'end'] },
    });
    const empty = await scripted('echo; echo', { path: [join(root, 'shell')] });
    expect((await empty.run('truth')).log).toEqual(['', '']);
  });

  it('shows lines while the phase runs', async () => {
    const go = join(root, 'go');
    const host = await scripted(
      `echo first; until [ -e "${go}" ]; do sleep 0.05; done; echo second`,
      shell(),
    );
    const seen: string[] = [];
    await host.run('truth', {
      onLine: (line) => {
        seen.push(line);
        if (line === 'first') writeFileSync(go, '');
      },
    });
    expect(seen).toEqual(['first', 'second']);
  });

  it('ends a phase with all that it started when it is cancelled', async () => {
    const host = await scripted(
      'trap "" TERM; sleep 300 & echo "$! $$"; sleep 300; echo survived; sleep 300',
      { ...shell(), graceMs: 300 },
    );
    const stop = new AbortController();
    let pids: number[] = [];
    const run = host.run('truth', {
      signal: stop.signal,
      onLine: (line) => {
        pids = pids.length > 0 ? pids : line.split(' ').map(Number);
        stop.abort(new Error('stopped by the test'));
      },
    });
    await expect(run).rejects.toThrow('stopped by the test');
    expect(pids).toHaveLength(2);
    await until(() => !pids.some(running));
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether a process is there and not only waits to be collected. */
function running(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('a session', () => {
  it('ends a phase that takes too long', async () => {
    const host = await scripted('sleep 300');
    await expect(host.run('truth', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'PHASE_TIMED_OUT' });
    expect((await (await scripted('echo after')).run('truth')).log).toEqual(['after']);
    await expect(host.run('truth', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'PHASE_TIMED_OUT' });
    expect(host.executions).toBe(1);
  });

  it('does not start a phase that was cancelled before', async () => {
    const host = await scripted('touch "$HOME/ran"');
    await expect(host.run('truth', { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(readdirSync(root)).toEqual([]);
  });

  it('runs one phase at a time, in order', async () => {
    const host = await scripted('echo "begin $SLUICE_N"; sleep 0.05; echo "end $SLUICE_N"');
    const seen: string[] = [];
    const onLine = (line: string) => seen.push(line);
    await Promise.all(['1', '2', '3'].map((n) => host.run('truth', { values: { N: n }, onLine })));
    expect(seen).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
    expect(host.executions).toBe(1);
  });

  it('does not wait for what a phase leaves behind with its output open', async () => {
    const host = await scripted('sleep 20 & echo $!');
    const begun = performance.now();
    const { log } = await host.run('truth');
    expect(performance.now() - begun).toBeLessThan(5_000);
    process.kill(Number(log[0]));
  });

  it('shows neither values nor input to others on the host', async () => {
    const host = await scripted('cat >/dev/null; ps -eo args');
    const { log } = await host.run('truth', {
      values: { VALUE: 'value-of-somebody' },
      stdin: 'secret-of-somebody',
    });
    const text = log.join('\n');
    expect(text).toContain('ps -eo args');
    expect(text).not.toContain('value-of-somebody');
    expect(text).not.toContain('secret-of-somebody');
    expect(text).not.toContain(Buffer.from('secret-of-somebody').toString('base64'));
    expect(readdirSync(root)).toEqual([]);
  });

  it('needs no disk', async () => {
    const host = await scripted('cat', { env: { TMPDIR: '/nowhere' } });
    expect((await host.run('truth', { stdin: 'through' })).log).toEqual(['through']);
    expect(readdirSync(root)).toEqual([]);
  });

  it('takes a NUL, and a name that is none, for bad input', async () => {
    const host = await scripted(':');
    await expect(host.run('truth', { values: { VALUE: 'a\0b' } })).rejects.toMatchObject({
      code: 'VALUE_WITH_NUL',
    });
    await expect(host.run('truth', { values: { 'A;B': '' } })).rejects.toThrow('not the name of a value');
  });

  it('says that there is no shell, with what was printed instead', async () => {
    const host = await openLocalHost({ root, shell: ['echo', 'This account is currently not available.'] });
    await expect(host.run('truth')).rejects.toMatchObject({
      code: 'HOST_WITHOUT_SHELL',
      message: expect.stringContaining('currently not available'),
    });
  });

  it.for(['fish', 'csh', 'zsh'])('works where the login shell is %s', async (shell, { skip }) => {
    skip(spawnSync(shell, ['-c', 'true']).error !== undefined, `${shell} is not installed`);
    const host = await openLocalHost({ root, shell: [shell], script: () => 'printf %s "$SLUICE_VALUE"' });
    open.push(host);
    const value = "it's $HOME `id` !! \\ %s";
    const { log } = await host.run('truth', { values: { VALUE: value } });
    expect(log).toEqual([value]);
  });

  it('is not misled by what login scripts print, with or without a line end', async () => {
    const noisy = join(root, 'noisy');
    writeFileSync(noisy, '#!/bin/sh\nprintf "Welcome!\\n@current evil\\nno end"\nexec sh "$@"\n', {
      mode: 0o755,
    });
    const host = await openLocalHost({ root, shell: [noisy], script: () => 'echo clean' });
    open.push(host);
    expect((await host.run('truth')).log).toEqual(['clean']);
  });

  it('tells a lost connection, and makes a new one', async () => {
    const host = await scripted(
      'if [ -e "$HOME/calm" ]; then echo back; else touch "$HOME/calm"; sleep 2; fi',
    );
    const lost = host.run('truth');
    await until(() => existsSync(join(root, 'calm')));
    const ours = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)]).stdout.toString();
    for (const [, pid] of ours.matchAll(/^ *(\d+) .*eval .*printf %b/gm))
      process.kill(Number(pid), 'SIGKILL');
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST', transient: true });
    expect((await host.run('truth')).log).toEqual(['back']);
    expect(host.executions).toBe(2);
  });
});
