import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a command did. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
export interface RunOptions {
  input?: string | Buffer;
  /** Milliseconds until the command is killed; two minutes by default. */
  timeout?: number;
}

/** As `machine/paths.sh` says it: the two are kept equal by hand. */
export const cache =
  process.env['SLUICE_LAB_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-lab');
export const identity = join(cache, 'keys/id_ed25519');
export const GATEWAY = '10.213.0.1';
const hostScript = fileURLToPath(new URL('machine/host.sh', import.meta.url));

/** Runs a command to its end, whatever that is. `code` is -1 where it was killed. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: options.timeout ?? 120_000, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.on('error', reject);
    // A command that does not read its input has ended; that is no failure of ours.
    child.stdin.on('error', () => {});
    child.on('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a command that has to succeed; its standard output without the last line ends. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const ran = await run(command, args, options);
  if (ran.code !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran.stdout.replace(/\n+$/, '');
}

export const docker = (...args: string[]): Promise<string> => mustRun('docker', args);

/** Starts, or makes, the host of that name; its address. */
export const hostUp = (name: string): Promise<string> => mustRun(hostScript, ['up', name]);

export const hostDown = (name: string): Promise<string> => mustRun(hostScript, ['down', name]);

/** Why no host can be had on this machine, in one line; undefined where one can. */
export async function whyNoHosts(): Promise<string | undefined> {
  const prepare = 'run .ci/prepare-hosts as root';
  if (process.platform !== 'linux') return 'real hosts are containers on Linux';
  if (process.getuid?.() !== 0) return 'real hosts need root, for the file systems of their own';
  const engine = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
    timeout: 10_000,
  }).catch(() => undefined);
  if (!engine) return `there is no docker client: ${prepare}`;
  if (engine.code !== 0) return `no Docker engine answers: ${prepare}`;
  const image = await run('docker', ['image', 'inspect', 'sluice-lab/host']);
  const key = await access(identity).then(
    () => true,
    () => false,
  );
  return image.code === 0 && key ? undefined : `the hosts' images are not there: ${prepare}`;
}
