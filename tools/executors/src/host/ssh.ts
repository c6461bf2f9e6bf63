import { execFile, spawn, type ChildProcess } from 'node:child_process';
import type { Address } from './address.ts';

export interface SshOptions {
  address: Address;
  /** File given to `ssh -F`. */
  config: string | undefined;
  /** Path of the control socket: short, in a folder of ours alone. */
  socket: string | undefined;
  /** Ports on loopback that the host reaches as its own. */
  forwards: readonly number[];
  connectTimeoutSeconds: number;
  command: string;
}

/**
 * argv of the one execution that carries a deployment: the system's OpenSSH with the user's config and agent. What stands
 * here goes before what that config says.
 */
function sshArguments(options: SshOptions): string[] {
  const { address, config, socket, forwards } = options;
  const settings = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    ConnectTimeout: String(options.connectTimeoutSeconds),
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    // A master of the user's own would outlive us, with our forwards in it.
    ...(socket === undefined
      ? { ControlPath: 'none' }
      : { ControlMaster: 'yes', ControlPath: socket, ControlPersist: 'no' }),
    RequestTTY: 'no',
    RemoteCommand: 'none',
    PermitLocalCommand: 'no',
    // Another connection of ours may have the port already; the host reaches the same registry by it.
    ExitOnForwardFailure: 'no',
    ForwardX11: 'no',
    // The words on standard error tell what went wrong, so they must be there.
    LogLevel: 'INFO',
  };
  return [
    ...(config === undefined ? [] : ['-F', config]),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...reached(forwards),
    ...(address.port === undefined ? [] : ['-p', String(address.port)]),
    ...(address.user === undefined ? [] : ['-l', address.user]),
    '--',
    address.host,
    options.command,
  ];
}

const reached = (ports: readonly number[]): string[] =>
  ports.flatMap((port) => ['-R', `127.0.0.1:${port}:127.0.0.1:${port}`]);

/**
 * Asks a connection that stands for its forwards once more: this is a word to our own `ssh`, not another execution on the host.
 * Resolves to whether it has them; without a control socket nobody can be asked.
 */
export async function forwardAgain(
  { address, config, socket, forwards }: Omit<SshOptions, 'command' | 'connectTimeoutSeconds'>,
  program = 'ssh',
): Promise<boolean> {
  if (socket === undefined) return false;
  const words = [...(config === undefined ? [] : ['-F', config]), '-S', socket];
  const ask = (what: 'cancel' | 'forward') =>
    new Promise<boolean>((resolve) => {
      execFile(
        program,
        [...words, '-O', what, ...reached(forwards), '--', address.host],
        { timeout: 10_000, env: { ...process.env, LC_ALL: 'C' }, windowsHide: true },
        (error) => resolve(error === null),
      );
    });
  // It remembers those that failed, and would say that they are there.
  await ask('cancel');
  return ask('forward');
}

/** Starts `ssh`; where it is missing the process ends with the error ENOENT. */
export function startSsh(options: SshOptions, program = 'ssh'): ChildProcess {
  return spawn(program, sshArguments(options), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    windowsHide: true,
    // Ctrl-C goes to a terminal's whole process group: the way back has to be able to use the connection.
    detached: process.platform !== 'win32',
  });
}
