import { spawn, type ChildProcess } from 'node:child_process';
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
export function sshArguments(options: SshOptions): string[] {
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
    ForwardX11: 'no',
    // The words on standard error tell what went wrong, so they must be there.
    LogLevel: 'INFO',
  };
  return [
    ...(config === undefined ? [] : ['-F', config]),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...forwards.flatMap((port) => ['-R', `127.0.0.1:${port}:127.0.0.1:${port}`]),
    ...(address.port === undefined ? [] : ['-p', String(address.port)]),
    ...(address.user === undefined ? [] : ['-l', address.user]),
    '--',
    address.host,
    options.command,
  ];
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
