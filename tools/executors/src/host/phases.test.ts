import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles } from '../artifact/files.ts';
import { checkClock } from './clock.ts';
import { defaultInput, phaseError, phaseScript, quote, readLines, scriptOf } from './phases.ts';
import { openLocalHost } from './testing/local-host.ts';
import type { PhaseName } from './types.ts';

const folder = join(import.meta.dirname, 'phases');
const scripts = readdirSync(folder).map((file) => file.replace(/\.sh$/, ''));
/** As in types.ts; those whose file is not there have no test here. */
const phases = (
  [
    'preflight lock unlock truth prepare backup pull migrate start health switch watch finish undo prune restore releases',
    'maintenance',
  ]
    .join(' ')
    .split(' ') as PhaseName[]
).filter((name) => scripts.includes(name));
const whole: [string, string][] = [
  ...phases.map((name): [string, string] => [name, phaseScript(name)]),
  ['session', scriptOf('process', 'session')],
  ['guard', scriptOf('process', 'lib', 'lease', 'guard')],
];

const noShellcheck = spawnSync('shellcheck', ['--version']).error !== undefined;

describe('the script of', () => {
  it.skipIf(noShellcheck).each(whole)(
    `%s passes shellcheck${noShellcheck ? ' (left out: shellcheck is not installed)' : ''}`,
    (_, text) => {
      // SC2034: parts set what other parts read; SC2317: and hold functions that not every phase calls.
      const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-e', 'SC2034,SC2317', '-'], { input: text });
      expect(stdout.toString()).toBe('');
    },
  );

  it.each(whole)('%s fits into a variable of a program', (_, text) => {
    // Linux takes 128 KiB for one.
    expect(Buffer.byteLength(text)).toBeLessThan(120_000);
  });

  it('lock brings what its guardian needs, each file whole', () => {
    const input = defaultInput('lock');
    expect(input.match(/^#### .*$/gm)).toEqual(['#### guard.sh', '#### undo.sh']);
    expect(input).toContain(phaseScript('undo'));
  });

  it('a phase holds no value: those travel apart from it', async () => {
    const host = await openLocalHost({
      root: '/srv/sl uice',
      service: 'api',
      environment: 'staging',
      run: "r'1",
    });
    const text = host.script('lock', { values: { OWNER: '$(id)\n`id`', TTL: '60' } });
    const shown = spawnSync('sh', [
      '-c',
      `${text.split('\nsh -c ')[0]}\nprintf "%s|" "$SLUICE_OWNER" "$SLUICE_RUN" "$SLUICE_ROOT"`,
    ]);
    expect(shown.stdout.toString()).toBe("$(id)\n`id`|r'1|/srv/sl uice|");
    expect(spawnSync('sh', ['-n'], { input: text }).status).toBe(0);
    await host.close();
  });

  it('a phase with input shows that there is some, and not what', async () => {
    const host = await openLocalHost({ root: '/srv/sluice' });
    const text = host.script('preflight', { stdin: 'password=hunter2' });
    expect(text).not.toContain('hunter2');
    expect(text).toContain("<<'SLUICE_INPUT'\n<secret>\nSLUICE_INPUT");
    await host.close();
  });

  it.each(scripts)('%s travels in the package', async (name) => {
    const root = join(import.meta.dirname, '../../../..');
    const packageFolder = join(root, 'tools/executors');
    const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as never;
    packed ??= (await listFiles(packageFolder, manifest, root)).files.map(({ path }) => path);
    expect(packed).toContain(`src/host/phases/${name}.sh`);
  });
});
let packed: string[] | undefined;

describe('what a phase prints', () => {
  it('is facts, log and the reason of its failure', () => {
    const lines = [
      'hello',
      '@key',
      '@key a\\nb\\\\n\\tc',
      '@ not a fact',
      '@error LOCK_HELD\trun=a=b\\n',
      '@error SECOND',
    ];
    expect(readLines(lines)).toEqual({
      facts: [
        { key: 'key', value: '' },
        { key: 'key', value: 'a\nb\\n\tc' },
      ],
      log: ['hello', '@ not a fact'],
      error: { code: 'LOCK_HELD', fields: { run: 'a=b\n' } },
    });
  });

  it('becomes the error of the catalogue, and one of its own where that is not known', () => {
    const known = phaseError(
      'box',
      'lock',
      10,
      readLines(['@error LOCK_HELD\towner=ann\trun=r1\tage=3\tttl=60\ttransient=yes']),
    );
    expect(known).toMatchObject({ code: 'LOCK_HELD', transient: true, details: { run: 'r1', host: 'box' } });
    const unknown = phaseError('box', 'pull', 10, readLines(['why', '@error toString']));
    expect(unknown).toMatchObject({ code: 'PHASE_FAILED', details: { exit: 10, log: ['why'] } });
  });

  it('survives the way through lib.sh, whatever it holds', async () => {
    const values = [
      '',
      'plain',
      ' a  b ',
      'a\\nb',
      'a\nb\\\n',
      '\t\\t',
      '\'"$(id)`',
      '☃',
      '-n',
      '@x',
      '%s %%',
    ];
    for (const shell of ['fact', 'fail']) {
      const script = `${scriptOf('process', 'lib')}\nset -- ${values
        .map(quote)

        .join(' ')}
        i=; if [ ${shell} = fact ]; then for v; do fact v "$v"; done; else for v; do i=x$i; set -- "$@" "v$i=$v"; shift; done; fail X "$@"; fi`;
      const { stdout } = spawnSync('sh', ['-c', script], {
        env: {
          ...process.env,
          SLUICE_SERVICE: 's',
          SLUICE_ENVIRONMENT: 'e',
          SLUICE_RUN: 'r',
          SLUICE_ROOT: '/r',
        },
      });
      const { facts, error } = readLines(stdout.toString().replace(/\n$/, '').split('\n'));
      expect(shell === 'fact' ? facts.map(({ value }) => value) : Object.values(error?.fields ?? {})).toEqual(
        values,
      );
    }
  });
});

describe('the clock of a host', () => {
  const said = (seconds: number) => ({ facts: [{ key: 'clock', value: String(seconds) }], log: [] });
  const between = { from: 1_000_000_000_500, to: 1_000_000_003_500 };
  it.each([
    [1_000_000_000, true],
    [1_000_000_003, true],
    [1_000_000_063, true],
    [999_999_940, true],
    [1_000_000_064, false],
    [999_999_939, false],
    [Number.NaN, false],
  ])('%d: %s', (seconds, fits) => {
    const check = () => checkClock('box', said(seconds), between);
    const code = fits ? undefined : 'CLOCK_SKEW';
    expect(codeOf(check)).toBe(code);
  });
});

function codeOf(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
