import type { HostEvent } from '../../deployment/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import type { StepEvent } from '../../steps/index.ts';

/** What one package, service or host is doing. Times are milliseconds of one monotonic clock. */
export type Doing =
  | { is: 'runs'; what: string; since: number }
  /** For others, or (where there is a `next`) to try again after an error with this code; `until` is when it is given up. */
  | { is: 'waits'; what: string; since: number; for: string; next?: number; until?: number; why?: string }
  | { is: 'ended'; how: 'done' | 'failed' | 'blocked' | 'cancelled'; what: string; at: number };

export interface Line {
  id: string;
  begun: number;
  doing: Doing;
  /** Repeated attempts, in all rows. */
  retries: number;
  /** What the host said last. */
  said?: string;
}
export interface Subject extends Line {
  hosts: Map<string, Line>;
  /** What its hosts were at when it ended. */
  hostsThen: Line[];
  /** A person may be asked something just now. */
  asks: boolean;
}

/** What is known of everything that moves, kept from the engines' events. Draws nothing. */
export class Picture {
  readonly subjects = new Map<string, Subject>();

  /** True while nothing is asked of a person and something is under way. */
  get moves(): boolean {
    const all = [...this.subjects.values()];
    return all.some(({ doing }) => doing.is !== 'ended') && !all.some(({ asks }) => asks);
  }

  step(event: StepEvent, now: number): void {
    const subject = this.#subject(event.subject, now);
    if (event.event !== 'retrying') subject.asks = event.event === 'started' && event.asks === true;
    switch (event.event) {
      case 'started':
        subject.doing = { is: 'runs', what: event.row, since: now };
        return;
      case 'waiting': {
        const [first, ...rest] = event.for;
        const more = rest.length > 0 ? ` and ${rest.length} more` : '';
        const what = `${first}${more} to be ${event.state}`;
        subject.doing = { is: 'waits', what: event.row, since: now, for: what };
        return;
      }
      case 'retrying': {
        subject.retries += 1;
        // How long the row takes counts from its first attempt.
        const since = subject.doing.is === 'ended' ? now : subject.doing.since;
        const until = event.leftMs === undefined ? {} : { until: now + event.leftMs };
        const next = now + event.inMs;
        const { code, message: why } = event.error;
        subject.doing = { is: 'waits', what: event.row, since, for: code, next, ...until, why };
        return;
      }
      case 'ended': {
        const { status, reached } = event.outcome;
        const what = event.outcome.status === 'failed' ? event.outcome.error.code : reached.join(', ');
        this.#end(subject, { is: 'ended', how: status, what, at: now });
      }
    }
  }

  host(project: string, event: HostEvent, now: number): void {
    const { hosts } = this.#subject(project, now);
    const line = lineOf(hosts, event.host, event.phase, now);
    if (event.event === 'started') {
      delete line.said;
      const { phase: what, awaits } = event;
      line.doing = awaits
        ? { is: 'waits', what, since: now, for: awaits.for, until: now + awaits.ms }
        : { is: 'runs', what, since: now };
    } else if (event.event === 'lost') {
      line.retries += 1;
      const since = line.doing.is === 'ended' ? now : line.doing.since;
      const lost = 'the host, which does not answer';
      line.doing = { is: 'waits', what: event.phase, since, for: lost, until: now + event.leftMs };
    } else line.doing = { is: 'ended', how: event.event, what: event.phase, at: now };
  }

  /** Its fate is known, whether it had begun or not. */
  settle({ project, name, status, error, reached }: PackageResult, now: number): void {
    const subject = this.subjects.get(name) ?? this.#subject(project, now);
    const how = status === 'nothing' || status === 'planned' ? 'done' : status;
    const what = error?.code ?? (reached.join(', ') || 'nothing to do');
    this.#end(subject, { is: 'ended', how, what, at: now });
    subject.asks = false;
  }

  #end(subject: Subject, doing: Doing & { is: 'ended' }): void {
    subject.doing = doing;
    subject.hostsThen.push(...subject.hosts.values());
    subject.hosts.clear();
  }

  /** A line that a host's phase wrote. */
  heard(host: string, said: string): void {
    for (const { hosts } of this.subjects.values()) {
      const line = hosts.get(host);
      if (line && line.doing.is !== 'ended') line.said = said;
    }
  }

  #subject(id: string, now: number): Subject {
    const known = this.subjects.get(id);
    if (known) return known;
    const made: Subject = {
      id,
      begun: now,
      doing: { is: 'runs', what: 'begins', since: now },
      retries: 0,
      hosts: new Map(),
      hostsThen: [],
      asks: false,
    };
    this.subjects.set(id, made);
    return made;
  }
}

function lineOf(lines: Map<string, Line>, id: string, what: string, now: number): Line {
  const known = lines.get(id);
  if (known) return known;
  const made: Line = { id, begun: now, doing: { is: 'runs', what, since: now }, retries: 0 };
  lines.set(id, made);
  return made;
}
