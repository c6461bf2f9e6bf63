/** One server of a stage, over one multiplexed OpenSSH connection. One long-lived session carries all phases and the lease's heartbeat. */
export interface Host {
  /** As the options name it: `deploy@www1.example.com`. */
  readonly name: string;
  /** Counts `ssh` executions, for the benchmark and the tests. */
  readonly executions: number;
  /**
   * Runs one phase: `lib.sh` and the phase's script, by the host's own `sh`. Only one phase of a host runs at a time.
   * Reconnects after a lost connection (`ConnectionLost` is for the caller: ask `truth` before anything else).
   * @throws HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_REFUSED_KEY, CONNECTION_LOST (transient), PHASE_FAILED, and what the phase reports by `@error`
   */
  run(phase: PhaseName, input?: PhaseInput): Promise<PhaseResult>;
  /** Whole text of what `run` would send, for `--dry-run` and for running it by hand. Values are quoted; secrets are shown as `<secret>`. */
  script(phase: PhaseName, input?: PhaseInput): string;
  /** Renews the lease until it is released; from `lock` on. */
  startHeartbeat(everyMs: number): void;
  stopHeartbeat(): void;
  close(): Promise<void>;
}
/** One file each in `host/phases/<name>.sh`. */
export type PhaseName =
  | 'preflight'
  | 'lock'
  | 'unlock'
  | 'truth'
  | 'prepare'
  | 'backup'
  | 'pull'
  | 'migrate'
  | 'start'
  | 'health'
  | 'switch'
  | 'watch'
  | 'finish'
  | 'undo'
  | 'prune'
  | 'restore'
  | 'releases'
  | 'maintenance';
export interface PhaseInput {
  /** Become environment variables of the script (`SLUICE_` is put before each name). Never secrets. */
  values?: Record<string, string>;
  /** Standard input of the script: secrets go here. */
  stdin?: string;
  signal?: AbortSignal;
  /** Each line for a person as it comes. */
  onLine?: (line: string) => void;
  timeoutMs?: number;
  /** What the phase itself waits for, in words, and for how many milliseconds at most. For a person alone. */
  awaits?: { for: string; ms: number };
}
export interface PhaseResult {
  /** Lines `@<key> <value>` of the script's output, values decoded, in order. */
  facts: Fact[];
  /** All other lines. */
  log: string[];
}
export interface Fact {
  key: string;
  value: string;
}
