import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors, orAborted, type SluiceError } from '../foundation/index.ts';
import { parseAddress } from './address.ts';
import { connectionError } from './connection-errors.ts';
import { defaultInput, phaseError, phaseScript, readableScript, readLines } from './phases.ts';
import { COMMAND, Session, type Ended } from './session.ts';
import { forwardAgain, startSsh } from './ssh.ts';
import type { Host, PhaseInput, PhaseName, PhaseResult } from './types.ts';

/** Values that every phase of one deployment gets. */
export interface HostValues {
  /** The project's name. */
  service: string;
  environment: string;
  /** Unique for each run of the deployer; who resumes a run after a lost connection says the same. */
  run: string;
  /** State folder on the host: absolute, or below the user's home. */
  root: string;
}
export interface HostOptions extends HostValues {
  /** `deploy@www1.example.com`, `user@host:port`, `ssh://...`, or a `Host` of the user's ssh config. */
  name: string;
  /** File given to `ssh -F`. */
  sshConfig?: string;
  /** Ports on this machine's loopback that the host reaches under the same numbers: a registry of the local profile. */
  forwards?: readonly number[];
  connectTimeoutSeconds?: number;
}

/** How a session's process is started, and what its end before an answer means. */
export interface Transport {
  name: string;
  start(): ChildProcess;
  failed(ended: Ended): SluiceError;
  /** Instead of the scripts in `phases/`: for tests. */
  script?: (phase: PhaseName) => string;
  /** Milliseconds that a phase has to end by itself after SIGTERM; 5 s unless said. */
  graceMs?: number;
  /** Asks the connection that stands for the ports that it could not forward when it was made; whether it has them now. */
  forward?(): Promise<boolean>;
  close?(): Promise<void>;
}

/**
 * A host, reached by the system's OpenSSH. Connects with the first `run`.
 * @throws HOST_NAME_INVALID
 */
export async function openHost(options: HostOptions): Promise<Host> {
  return new SessionHost(options, sshTransport(options));
}

export function sshTransport(options: HostOptions): Transport {
  const address = parseAddress(options.name);
  // Windows' OpenSSH has no control sockets. The path must stay below a hundred characters.
  const folder = process.platform === 'win32' ? undefined : mkdtempSync(join(tmpdir(), 'sluice-'));
  let connections = 0;
  const connection = () => ({
    address,
    config: options.sshConfig,
    socket: folder === undefined ? undefined : join(folder, String(connections)),
    forwards: options.forwards ?? [],
  });
  return {
    name: options.name,
    start: () => {
      connections += 1;
      return startSsh({
        ...connection(),
        connectTimeoutSeconds: options.connectTimeoutSeconds ?? 10,
        command: COMMAND,
      });
    },
    forward: () => forwardAgain(connection()),
    failed: (ended) =>
      ended.error?.code === 'ENOENT'
        ? errors.SSH_MISSING({}, { cause: ended.error })
        : connectionError({ host: options.name, address, config: options.sshConfig, ...ended }),
    close: async () => {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What all transports share: one session at a time, one phase at a time, a new session after a lost one. */
export class SessionHost implements Host {
  readonly name: string;
  executions = 0;
  readonly #common: Record<string, string>;
  readonly #transport: Transport;
  #session: Session | undefined;
  /** What ssh said of ports that it could not forward. */
  #unforwarded: string[] = [];
  #connecting: Promise<Session> | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(values: HostValues, transport: Transport) {
    this.name = transport.name;
    this.#transport = transport;
    this.#common = {
      SERVICE: values.service,
      ENVIRONMENT: values.environment,
      RUN: values.run,
      ROOT: values.root,
    };
  }

  run(phase: PhaseName, input: PhaseInput = {}): Promise<PhaseResult> {
    const turn = this.#queue.then(() => this.#run(phase, input));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  script(phase: PhaseName, input: PhaseInput = {}): string {
    return readableScript(phase, { ...this.#common, ...input.values }, input);
  }

  startHeartbeat(everyMs: number): void {
    this.stopHeartbeat();
    // Also between phases: while other hosts have their turn, nothing else would notice a lost connection.
    const beat = () =>
      void this.#connected().then(
        (session) => session.beat(),
        () => {},
      );
    this.#heartbeat = setInterval(beat, everyMs).unref();
  }

  stopHeartbeat(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  async close(): Promise<void> {
    this.stopHeartbeat();
    await this.#connecting?.catch(() => {});
    await this.#session?.close();
    this.#session = undefined;
    await this.#transport.close?.();
  }

  async #run(phase: PhaseName, input: PhaseInput): Promise<PhaseResult> {
    const { signal, timeoutMs } = input;
    signal?.throwIfAborted();
    const session = await orAborted(this.#connected(), signal);
    const said: string[] = [];
    if (phase === 'pull') await this.#reachRegistry();
    const stop = stopper(session, this.#transport.graceMs ?? 5_000);
    let timedOut = false;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            stop.now();
          }, timeoutMs);
    signal?.addEventListener('abort', stop.now, { once: true });
    try {
      const code = await session.run({
        phase,
        script: (this.#transport.script ?? phaseScript)(phase),
        values: input.values ?? {},
        stdin: input.stdin ?? defaultInput(phase),
        onLine: (line) => {
          said.push(line);
          if (!line.startsWith('@')) input.onLine?.(line);
        },
      });
      stop.rest();
      signal?.throwIfAborted();
      if (timedOut) throw errors.PHASE_TIMED_OUT({ host: this.name, phase, ms: timeoutMs ?? 0 });
      if (code === undefined) throw await this.#lost(session, phase);
      const result = readLines(said);
      if (code !== 0 && session.lost)
        throw errors.LOCK_LOST({ host: this.name, run: this.#common['RUN'] ?? '' });
      if (code !== 0 && phase === 'pull') this.#explainPull(input.onLine);
      if (code !== 0) throw phaseError(this.name, phase, code, result);
      return { facts: result.facts, log: result.log };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop.now);
    }
  }

  #connected(): Promise<Session> {
    if (this.#session?.open) return Promise.resolve(this.#session);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(again = this.#session !== undefined): Promise<Session> {
    this.executions += 1;
    const session = new Session(this.#transport.start(), this.#common);
    if (!(await session.opened)) throw this.#transport.failed(await session.ended);
    // ssh said its own before the session answered, by another pipe.
    await new Promise((resolve) => setImmediate(resolve));
    const said = session.said.filter((line) => NO_FORWARD.test(line));
    if (again && said.length > 0) {
      // A connection that was cut without the host's notice held the port; the new session has just ended it.
      await session.close();
      return this.#connect(false);
    }
    this.#unforwarded = said;
    this.#session = session;
    return session;
  }

  /**
   * Several services of a run, and several runs, share a port of the host: the first connection has it. Where that one is gone
   * by now, this one takes it over; where it is not, images come through it.
   */
  async #reachRegistry(): Promise<void> {
    if (this.#unforwarded.length === 0) return;
    if (await this.#transport.forward?.()) this.#unforwarded = [];
  }

  /** Where a pull failed, it may be another program that has the port. */
  #explainPull(onLine: PhaseInput['onLine']): void {
    for (const notice of this.#unforwarded)
      onLine?.(`ssh: ${notice} (another connection has it, and images come through that one)`);
  }

  async #lost(session: Session, phase: PhaseName): Promise<SluiceError> {
    const { said } = await session.ended;
    return errors.CONNECTION_LOST(
      { host: this.name, phase, said: said.split('\n').slice(-2).join('; ') },
      { transient: true },
    );
  }
}

const NO_FORWARD = /remote port forwarding failed/;

/** Ends the phase that runs, and what it started: asked first, then made to, and at last by leaving the connection. */
function stopper(session: Session, graceMs: number) {
  const timers: NodeJS.Timeout[] = [];
  return {
    now: () => {
      session.kill('TERM');
      timers.push(
        setTimeout(() => session.kill('KILL'), graceMs),
        setTimeout(() => session.destroy(), 2 * graceMs + 3_000),
      );
    },
    rest: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
