import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errors, type SluiceError } from '../foundation/index.ts';
import type { Fact, PhaseInput, PhaseName, PhaseResult } from './types.ts';

/** The scripts travel beside the compiled code, as they are: seen from `src/host` and from `dist/host` this is one folder. */
const FOLDER = join(import.meta.dirname, '../../src/host/phases');

/** What a phase's script is made of, besides itself. */
const PARTS: Partial<Record<PhaseName, string[]>> = {
  truth: ['proxy'],
  undo: ['proxy'],
  backup: ['databases', 'database-mysql', 'database-postgres', 'volumes', 'retention', 'archive'],
  restore: ['databases', 'database-mysql', 'database-postgres', 'volumes', 'retention', 'archive'],
  prune: ['retention'],
  releases: ['retention', 'archive'],
  prepare: ['proxy', 'containers'],
  pull: ['containers'],
  migrate: ['containers'],
  start: ['proxy', 'containers'],
  health: ['proxy', 'containers'],
  switch: ['proxy', 'containers'],
  watch: ['proxy', 'containers'],
  finish: ['proxy', 'containers'],
  maintenance: ['proxy'],
};
const BASE = ['process', 'lib', 'lease'];
const files = new Map<string, string>();

function file(name: string): string {
  const known = files.get(name) ?? readFileSync(join(FOLDER, `${name}.sh`), 'utf8');
  files.set(name, known);
  return known;
}

/** Text of several script files, one behind the other. */
export function scriptOf(...names: string[]): string {
  return names.map(file).join('\n');
}

/** Text that the host's `sh` runs for a phase. */
export function phaseScript(phase: PhaseName): string {
  return scriptOf(...BASE, ...(PARTS[phase] ?? []), phase);
}

/** What a phase reads where its caller gives it nothing: the lock gets the scripts that its guardian stays behind with. */
export function defaultInput(phase: PhaseName): string {
  if (phase !== 'lock') return '';
  return `#### guard.sh\n${scriptOf(...BASE, 'guard')}\n#### undo.sh\n${phaseScript('undo')}`;
}

const NAME = /^[A-Z][A-Z0-9_]*$/;

/** Values as the session takes them: `NAME=<value>` with the value as `printf %b` reads it, free of spaces and of shell. */
export function encodeValues(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (!NAME.test(name)) throw new TypeError(`not the name of a value: ${name}`);
      if (value.includes('\0')) throw errors.VALUE_WITH_NUL({ name });
      return `${name}=${encodeText(value)}`;
    })
    .join(' ');
}

/** Plain characters as they are, all other bytes in octal, as `printf %b` takes them: one line of ASCII without spaces. */
export function encodeText(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^A-Za-z0-9_.,:/@+=-]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** For a POSIX shell, whatever the text holds. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_./:@+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What `run` would send, as a script that a person can read, and run by hand on the host. */
export function readableScript(phase: PhaseName, values: Record<string, string>, input: PhaseInput): string {
  const lines = Object.entries(values).map(([name, value]) => `export SLUICE_${name}=${quote(value)}`);
  const stdin = input.stdin === undefined ? defaultInput(phase) : '<secret>';
  const redirect = stdin === '' ? '</dev/null' : `<<'SLUICE_INPUT'\n${stdin.trimEnd()}\nSLUICE_INPUT`;
  return `# ${phase}\n${lines.join('\n')}\nsh -c ${quote(phaseScript(phase))} ${redirect}\n`;
}

/** Facts, and all other lines. `error` is what the phase gave as the reason of its failure. */
export function readLines(lines: readonly string[]): PhaseResult & { error: ReportedError | undefined } {
  const facts: Fact[] = [];
  const log: string[] = [];
  let error: ReportedError | undefined;
  for (const line of lines) {
    const [, key, value = ''] = /^@([A-Za-z_][A-Za-z0-9_.-]*)(?: (.*))?$/.exec(line) ?? [];
    if (key === undefined) log.push(line);
    else if (key === 'error') error ??= readError(value);
    else facts.push({ key, value: decode(value) });
  }
  return { facts, log, error };
}

export interface ReportedError {
  code: string;
  fields: Record<string, string>;
}

function readError(text: string): ReportedError {
  const [code = '', ...fields] = text.split('\t');
  return {
    code,
    fields: Object.fromEntries(
      fields.map((field) => {
        const at = field.indexOf('=');
        return [field.slice(0, at), decode(field.slice(at + 1))];
      }),
    ),
  };
}

function decode(text: string): string {
  return text.replace(/\\([\\nt])/g, (_, sign: string) => ({ n: '\n', t: '\t' })[sign] ?? '\\');
}

/** The error of a phase that ended with a code other than 0: what it reported by `fail` (`transient=yes` among its fields where it may pass), else its last lines. */
export function phaseError(
  host: string,
  phase: PhaseName,
  code: number,
  result: ReturnType<typeof readLines>,
): SluiceError {
  const { error, log } = result;
  if (error && Object.hasOwn(errors, error.code)) {
    const make = (errors as unknown as Record<string, ReportedMaker>)[error.code] as ReportedMaker;
    return make(
      { ...error.fields, host, phase },
      { transient: error.fields['transient'] === 'yes', details: { host, phase, log, ...error.fields } },
    );
  }
  const full = log.findLast((line) => DISK_FULL.test(line));
  if (full !== undefined)
    return errors.HOST_DISK_FULL({ host, said: full }, { details: { host, phase, exit: code, log } });
  return errors.PHASE_FAILED(
    { host, phase, code, said: log.slice(-20).join('\n') },
    { details: { host, phase, exit: code, log } },
  );
}
/** In the words of the C library, which shells and tools all print. */
const DISK_FULL = /no space left on device|disk quota exceeded/i;
type ReportedMaker = (
  params: Record<string, string>,
  extras: { transient: boolean; details: Record<string, unknown> },
) => SluiceError;
