/** `not checked` says why; it is neither good nor bad. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'not checked';

/** What a check came to. */
export interface Finding {
  verdict: Verdict;
  /** One line: what was found; of a warning and a problem what is wrong; where it was not checked, why. */
  said: string;
  /** The command that mends it (or that tells more). */
  next?: string;
  /** Code of the error of the catalogue that a run would have ended with. */
  code?: string;
}

export type Room =
  'tools' | 'repository' | 'versioning' | 'gates' | 'registry' | 'services' | 'hosts' | 'github';

/** One question about the world. Asking changes nothing: no registry, ledger, host or repository. */
export interface Check {
  room: Room;
  /** What is looked at: a few words, the same in every run. */
  title: string;
  /** The stage that it is about. */
  stage?: string;
  /** Milliseconds that it may take; 20 s unless said. */
  limitMs?: number;
  run(signal: AbortSignal): Promise<Finding>;
}

export type Checked = Finding & Pick<Check, 'room' | 'title' | 'stage'> & { ms: number };

/** The whole answer; what `--json` prints. */
export interface Diagnosis {
  profile: 'local' | 'live';
  /** The stage that was asked for; all of them without it. */
  stage?: string;
  /** No problem: warnings and what could not be checked do not count. */
  ok: boolean;
  counts: Record<Verdict, number>;
  checks: Checked[];
}
