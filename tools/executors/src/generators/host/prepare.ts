import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '../../foundation/index.ts';
import { connectionError, parseAddress, quote, startSsh } from '../../host/index.ts';
import { TEMPLATES } from '../workspace.ts';

/** One step of the script, or a line for a person. */
export interface Line {
  kind: 'same' | 'todo' | 'did' | 'note';
  text: string;
}
export interface Preparation {
  host: string;
  sshConfig: string | undefined;
  values: Record<string, string>;
}

/** The script of a run, readable and runnable by hand. */
export function scriptFor(mode: 'look' | 'do', values: Record<string, string>): string {
  const given = Object.entries({ SLUICE_MODE: mode, ...values }).map(
    ([name, value]) => `${name}=${quote(value)}`,
  );
  return `${given.join('\n')}\n${readFileSync(join(TEMPLATES, 'host/prepare.sh'), 'utf8')}`;
}

/** As root, whoever logs in; sudo would forget by which port. */
const COMMAND =
  'if [ "$(id -u)" = 0 ]; then exec sh -s; else exec sudo -n env "SSH_CONNECTION=$SSH_CONNECTION" sh -s; fi';
/** The login shell need not be POSIX; it leaves what stands between these quotes alone. */
const LOGIN = `sh -c '${COMMAND}'`;

/**
 * Runs the script on the host: `look` changes nothing.
 * @throws HOST_UNREACHABLE, HOST_KEY_UNKNOWN and what else ssh says; HOST_NEEDS_ROOT, HOST_SYSTEM_UNKNOWN, HOST_PREPARE_FAILED
 */
export async function prepare(
  mode: 'look' | 'do',
  { host, sshConfig, values }: Preparation,
  onLine: (line: Line) => void = () => {},
): Promise<Line[]> {
  const address = parseAddress(host);
  const child = startSsh({
    address,
    config: sshConfig,
    socket: undefined,
    forwards: [],
    connectTimeoutSeconds: 10,
    command: LOGIN,
  });
  const lines: Line[] = [];
  const printed: string[] = [];
  let said = '';
  let failed: { code: string; text: string } | undefined;
  let ended = false;
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const pieces = (rest + chunk).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) take(piece);
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-20_000)));
  child.stdin?.on('error', () => {});
  child.stdin?.end(scriptFor(mode, values));

  const code = await new Promise<number | undefined>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? errors.SSH_MISSING({}, { cause: error }) : error),
    );
    child.once('close', (status) => resolve(status ?? undefined));
  });
  if (failed) throw stepError(host, failed, said);
  if (ended) return lines;
  if (code !== 255 && /^sudo:/m.test(said)) throw errors.HOST_NEEDS_ROOT({ host });
  if (code === 255)
    throw connectionError({ host, address, config: sshConfig, code, said, printed: printed.join('\n') });
  throw errors.HOST_PREPARE_FAILED({ host, step: 'the script', said: tail(said) });

  function take(text: string): void {
    const [, kind = '', more = ''] = /^(same|todo|did|note|fail|end)(?: (.*))?$/.exec(text) ?? [];
    if (kind === '') printed.push(text);
    else if (kind === 'end') ended = true;
    else if (kind === 'fail') {
      const [word = '', ...words] = more.split(' ');
      failed = { code: word, text: words.join(' ') };
    } else {
      const line = { kind: kind as Line['kind'], text: more };
      lines.push(line);
      onLine(line);
    }
  }
}

function stepError(host: string, { code, text }: { code: string; text: string }, said: string): Error {
  if (code === 'NEEDS_ROOT') return errors.HOST_NEEDS_ROOT({ host });
  if (code === 'SYSTEM_UNKNOWN') return errors.HOST_SYSTEM_UNKNOWN({ host, said: text });
  return errors.HOST_PREPARE_FAILED({ host, step: text, said: tail(said) });
}

const tail = (text: string): string =>
  text
    .trim()
    .split('\n')
    .slice(-8)
    .map((line) => `    ${line}`)
    .join('\n');
