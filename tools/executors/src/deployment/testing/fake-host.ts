import { errors, type SluiceError } from '../../foundation/index.ts';
import type { Fact, Host, PhaseInput, PhaseName, PhaseResult } from '../../host/types.ts';
import type { ReleaseManifest } from '../types.ts';

/** How a phase goes wrong on a host. */
export interface Fault {
  phase: PhaseName;
  /** Which call of the phase, from 1; every one from then on where `ever`. */
  nth?: number;
  ever?: boolean;
  /**
   * `fails` before its effect, `fails-late` after it; `cut-before` and `cut-after`: the connection is lost around the effect;
   * `gone`: and the host never comes back; `stop`: somebody presses Ctrl-C while it runs.
   */
  how: 'fails' | 'fails-late' | 'cut-before' | 'cut-after' | 'gone' | 'gone-after' | 'stop';
}

/** All that a host remembers of one service in one environment; shared by the connections of all runs. */
export class FakeMachine {
  readonly name: string;
  current: string | undefined;
  previous: string | undefined;
  readonly releases = new Map<string, { manifest: ReleaseManifest; state: string }>();
  /** Weights at the proxy. */
  routes = new Map<string, number>();
  readonly containers = new Set<string>();
  lock: { run: string; owner: string } | undefined;
  readonly journal: { run: string; step: string; what: string }[] = [];
  readonly backups: { file: string; serving: string; pinned: boolean; unverified?: boolean }[] = [];
  /** Names of the migrations that ran, and the backup that the databases were last restored from. */
  readonly migrated: string[] = [];
  restored: string | undefined;
  restoredWith: Record<string, string> | undefined;
  maintenance = false;
  /** Images that the engine has, or can pull. */
  readonly missingImages = new Set<string>();
  /** Releases that do not answer. */
  readonly sick = new Set<string>();
  away = false;

  constructor(name: string) {
    this.name = name;
  }

  /** A release that serves, as an earlier deployment left it. */
  serve(manifest: ReleaseManifest): void {
    if (this.current !== undefined) {
      this.containers.delete(this.current);
      const before = this.releases.get(this.current);
      if (before) before.state = 'stopped';
    }
    this.previous = this.current;
    this.current = manifest.release;
    this.releases.set(manifest.release, { manifest, state: 'serving' });
    this.routes = new Map([[manifest.release, 100]]);
    this.containers.add(manifest.release);
  }

  /** What the guardian does when the heartbeat has stayed away for too long. */
  expire(): void {
    this.away = false;
    if (!this.lock) return;
    this.undo();
    this.lock = undefined;
  }

  undo(): void {
    this.routes = this.current === undefined ? new Map() : new Map([[this.current, 100]]);
    if (this.current !== undefined) this.containers.add(this.current);
    for (const release of this.containers) if (release !== this.current) this.containers.delete(release);
    for (const [name, release] of this.releases)
      if (name !== this.current && !['stopped', 'failed'].includes(release.state)) release.state = 'failed';
  }

  /** What a test compares: what people get, and what was left behind. */
  get summary() {
    const { current, routes, containers, lock, maintenance } = this;
    return {
      current,
      routes: Object.fromEntries(routes),
      containers: [...containers].sort(),
      lock: lock?.run,
      maintenance,
    };
  }
}

const changes = new Set<PhaseName>([
  'prepare',
  'backup',
  'pull',
  'migrate',
  'start',
  'switch',
  'watch',
  'health',
  'finish',
  'undo',
  'prune',
  'restore',
  'maintenance',
]);

/** One run's connection to a machine. */
export class FakeHost implements Host {
  readonly name: string;
  executions = 0;
  /** Phases in the order in which they were run. */
  readonly calls: PhaseName[] = [];
  beats = false;
  readonly #machine: FakeMachine;
  readonly #run: string;
  readonly #faults: Fault[];
  readonly #stop: () => void;
  readonly #now: Date;
  readonly #log: ((host: string, phase: PhaseName) => void) | undefined;
  #open = false;

  constructor(
    machine: FakeMachine,
    run: string,
    options: {
      now: Date;
      faults?: Fault[];
      stop?: () => void;
      log?: (host: string, phase: PhaseName) => void;
    },
  ) {
    this.name = machine.name;
    this.#machine = machine;
    this.#run = run;
    this.#faults = options.faults ?? [];
    this.#stop = options.stop ?? (() => undefined);
    this.#log = options.log;
    this.#now = options.now;
  }

  async run(phase: PhaseName, input: PhaseInput = {}): Promise<PhaseResult> {
    await new Promise((resolve) => setImmediate(resolve));
    input.signal?.throwIfAborted();
    const machine = this.#machine;
    if (machine.away)
      throw errors.HOST_UNREACHABLE({ host: this.name, said: '', command: 'ssh' }, { transient: true });
    if (!this.#open) this.executions += 1;
    this.#open = true;
    this.calls.push(phase);
    this.#log?.(this.name, phase);
    const how = this.#fault(phase);
    const lost = (): SluiceError => {
      this.#open = false;
      return errors.CONNECTION_LOST({ host: this.name, phase, said: '' }, { transient: true });
    };
    if (how === 'gone') machine.away = true;
    if (how === 'cut-before' || how === 'gone') throw lost();
    if (how === 'fails') {
      this.#journal(phase, 'failed');
      input.onLine?.(`${phase}: no`);
      throw errors.PHASE_FAILED({ host: this.name, phase, code: 1, said: `${phase}: no` });
    }
    if (how === 'stop') {
      this.#stop();
      input.signal?.throwIfAborted();
    }
    if (changes.has(phase) && machine.lock?.run !== this.#run)
      throw errors.LOCK_LOST({ host: this.name, run: this.#run });
    const facts = this.#effect(phase, input);
    if (changes.has(phase)) this.#journal(phase, 'done');
    if (how === 'gone-after') machine.away = true;
    if (how === 'cut-after' || how === 'gone-after') throw lost();
    if (how === 'fails-late')
      throw errors.PHASE_FAILED({ host: this.name, phase, code: 1, said: `${phase}: late` });
    return { facts, log: [] };
  }

  script(phase: PhaseName, input: PhaseInput = {}): string {
    const values = Object.entries(input.values ?? {}).map(([name, value]) => `${name}=${value}`);
    return `# ${phase}\n${values.join('\n')}\n${input.stdin === undefined ? '' : '<secret>'}`;
  }
  startHeartbeat(): void {
    this.beats = true;
  }
  stopHeartbeat(): void {
    this.beats = false;
  }
  async close(): Promise<void> {
    this.stopHeartbeat();
  }

  #fault(phase: PhaseName): Fault['how'] | undefined {
    const count = this.calls.filter((call) => call === phase).length;
    return this.#faults.find(
      (fault) =>
        fault.phase === phase && (fault.ever ? count >= (fault.nth ?? 1) : count === (fault.nth ?? 1)),
    )?.how;
  }
  #journal(step: string, what: string): void {
    this.#machine.journal.push({ run: this.#run, step, what });
  }

  #effect(phase: PhaseName, { values = {}, stdin = '' }: PhaseInput): Fact[] {
    const machine = this.#machine;
    const release = values['RELEASE'] ?? '';
    const fact = (key: string, value: string | undefined): Fact[] =>
      value === undefined ? [] : [{ key, value }];
    switch (phase) {
      case 'truth':
        return [
          ...fact('current', machine.current),
          ...fact('previous', machine.previous),
          ...fact('serving', [...machine.routes.keys()].join(' ') || undefined),
          ...fact('lock', machine.lock && JSON.stringify({ state: 'held', ...machine.lock })),
          ...machine.journal
            .filter(({ run }) => run === this.#run)
            .flatMap(({ run, step, what }) => fact('journal', `2026-01-01T00:00:00Z ${run} ${step} ${what}`)),
          ...[...machine.containers].flatMap((name) =>
            Object.entries(machine.releases.get(name)?.manifest.images ?? {}).flatMap(([service, image]) =>
              fact(
                'container',
                JSON.stringify({
                  image,
                  state: 'running',
                  labels: { 'com.sluice.release': name, 'com.sluice.part': service },
                }),
              ),
            ),
          ),
        ];
      case 'releases':
        return [
          ...[...machine.releases]
            .toReversed()
            .flatMap(([name, { manifest, state }]) =>
              fact('release', JSON.stringify({ release: name, state, manifest: JSON.stringify(manifest) })),
            ),
          ...machine.backups.toReversed().flatMap(({ file, serving, pinned, unverified }) =>
            fact(
              'backup',
              JSON.stringify({
                file,
                bytes: 1_000,
                pinned,
                manifest: JSON.stringify({ ...(unverified ? {} : { verified: 'then' }), serving }),
              }),
            ),
          ),
        ];
      case 'lock':
        if (machine.lock && machine.lock.run !== this.#run)
          throw errors.LOCK_HELD({ host: this.name, ...machine.lock, age: '1', ttl: '60' });
        machine.lock = { run: this.#run, owner: values['OWNER'] ?? '' };
        return [];
      case 'unlock':
        if (machine.lock && machine.lock.run !== this.#run)
          throw errors.LOCK_LOST({ host: this.name, run: this.#run });
        machine.lock = undefined;
        return [];
      case 'prepare':
        if (stdin.startsWith('\0')) {
          if (!machine.releases.has(release)) throw new Error('there is no such release');
        } else machine.releases.set(release, { manifest: manifestIn(stdin), state: 'prepared' });
        return [];
      case 'backup': {
        const file = `backup_staging_${machine.backups.length + 1}.tar.gz`;
        machine.backups.push({ file, serving: machine.current ?? '', pinned: false });
        return fact('backup', file);
      }
      case 'pull':
        for (const image of (values['IMAGES'] ?? '').split('\n'))
          if (machine.missingImages.has(image))
            throw errors.PHASE_FAILED({ host: this.name, phase, code: 1, said: `${image} is not there` });
        return [];
      case 'migrate':
        machine.migrated.push(values['COMMAND'] ?? '');
        return [];
      case 'start':
        machine.containers.add(release);
        return [];
      case 'switch': {
        const weight = Number(values['WEIGHT']);
        const { current } = machine;
        machine.routes =
          weight < 100 && current !== undefined
            ? new Map([
                [current, 100 - weight],
                [release, weight],
              ])
            : new Map([[release, 100]]);
        return [];
      }
      case 'health':
      case 'watch':
        if (machine.sick.has(release) || !machine.containers.has(release))
          throw errors.PHASE_FAILED({ host: this.name, phase, code: 1, said: `${release} is sick` });
        if (phase === 'watch' && !machine.routes.has(release))
          throw errors.PHASE_FAILED({
            host: this.name,
            phase,
            code: 1,
            said: `${release} is not at the proxy`,
          });
        return [];
      case 'finish': {
        const manifest = machine.releases.get(release)?.manifest;
        if (machine.current !== release && manifest) machine.serve(manifest);
        return [];
      }
      case 'undo':
        machine.undo();
        return [];
      case 'restore':
        machine.restored = values['FILE'] ?? '';
        machine.restoredWith = values;
        return [];
      case 'maintenance':
        machine.maintenance = values['PAGE'] === 'on';
        return [];
      case 'preflight':
        return fact('clock', String(Math.floor(this.#now.getTime() / 1_000)));
      case 'prune':
        return [];
    }
  }
}

/** `release.json` out of the tar that `prepare` gets. */
function manifestIn(tar: string): ReleaseManifest {
  const bytes = Buffer.from(tar);
  for (let at = 0; bytes[at];) {
    const name = bytes.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = parseInt(bytes.toString('latin1', at + 124, at + 136), 8);
    if (name === 'release.json')
      return JSON.parse(bytes.toString('utf8', at + 512, at + 512 + size)) as ReleaseManifest;
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('the tar holds no release.json');
}
