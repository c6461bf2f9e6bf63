import { relative, sep } from 'node:path';
import { asSluiceError } from '../foundation/index.ts';
import type { LedgerState, Records } from '../ledger/types.ts';
import type { Context } from '../promotion/context.ts';
import { workspaceProjects } from '../promotion/workspace-packages.ts';
import { changesBetweenStages } from './changes.ts';
import { filesSince } from './files-since.ts';
import { judgeWaiting, type Judged } from './judging.ts';
import { assembleBoard, stageHeads, type KnownProject } from './model/board.ts';
import { word } from './model/cells.ts';
import { evidenceOf } from './model/evidence.ts';
import { selectEvents, timelinePage, type TimelineQuery } from './model/timeline.ts';
import type { Board, Changes, Evidence, Timeline } from './model/types.ts';
import { placesOf, type Place } from './places.ts';

/** What the page asks for. */
export interface BoardSource {
  /** What is known now; at first without what takes longer (gates, affected projects), which `watch` tells of. */
  board(): Promise<Board>;
  /** The board with everything found out. */
  whole(): Promise<Board>;
  timeline(query: TimelineQuery, from: number, count: number): Promise<Timeline>;
  evidence(name: string, version: string): Promise<Evidence | undefined>;
  changes(name: string, stage: string): Promise<Changes | undefined>;
  /** Calls back whenever the board changed; the ledger is looked at as long as somebody watches. */
  watch(listener: () => void): () => void;
  close(): Promise<void>;
}

/** How often this clone's ledger is looked at, and how often its remote is asked. */
const LOOK_MS = 700;
const ASK_MS = 30_000;
/** Gates open by time, too. */
const JUDGE_MS = 60_000;

/** Reads the ledger, the policy, the options and git for the board; changes nothing and asks no registry. */
export async function openBoard(context: Context): Promise<BoardSource> {
  const [state, projects] = await Promise.all([
    context.ledger().then((ledger) => ledger.state()),
    knownProjects(context.workspaceRoot),
  ]);
  return new LiveBoard(context, placesOf(context), projects, state);
}

async function knownProjects(workspaceRoot: string): Promise<KnownProject[]> {
  const projects = await workspaceProjects(workspaceRoot);
  return projects.map(({ folder, ...project }) => ({
    ...project,
    root: relative(workspaceRoot, folder).split(sep).join('/'),
  }));
}

class LiveBoard implements BoardSource {
  readonly #context: Context;
  readonly #places: readonly Place[];
  readonly #projects: readonly KnownProject[];
  readonly #listeners = new Set<() => void>();
  #state: LedgerState;
  #judged: Judged | undefined;
  #files: ReadonlyMap<string, readonly string[]> = new Map();
  #problems: string[] = [];
  #ledgerProblem: string | undefined;
  #board: Board | undefined;
  #asked = 0;
  #judgedAt = 0;
  /** The newest question about the timeline: its windows are asked for one after the other. */
  #selected: { question: string; records: Records } | undefined;
  #deepening: Promise<void> | undefined;
  #deepenedFor: string | null | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(
    context: Context,
    places: readonly Place[],
    projects: readonly KnownProject[],
    state: LedgerState,
  ) {
    this.#context = context;
    this.#places = places;
    this.#projects = projects;
    this.#state = state;
  }

  async board(): Promise<Board> {
    // Where somebody watches, the ledger is looked at anyway.
    if (!this.#timer) await this.#look('here');
    void this.#deepen();
    return this.#current();
  }

  async whole(): Promise<Board> {
    await this.#look('remote');
    await this.#deepen();
    return this.#current();
  }

  async timeline(query: TimelineQuery, from: number, count: number): Promise<Timeline> {
    const question = JSON.stringify([this.#state.head, query]);
    if (this.#selected?.question !== question)
      this.#selected = { question, records: selectEvents(this.#state, query) };
    return timelinePage(this.#selected.records, from, count);
  }

  async evidence(name: string, version: string): Promise<Evidence | undefined> {
    const kind = this.#state.published(name, version)?.record.pipeline;
    const stages = this.#places.filter(({ pipeline }) => pipeline === kind).map((place) => place.name);
    const { profile, options } = this.#context;
    const local = profile === 'local' ? ' --git-dir=.sluice/local/ledger.git' : '';
    const reading = (batch: string) => `git${local} show ${word(options.ledger.branch)}:${word(batch)}`;
    return evidenceOf(this.#state, { name, version }, stages, reading);
  }

  async changes(name: string, stage: string): Promise<Changes | undefined> {
    const before = this.#places.find((place) => place.name === stage)?.before;
    if (before === undefined) return undefined;
    return changesBetweenStages(this.#context.repository, this.#state, { name, stage, before });
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      this.#looking ??= this.#look('both').finally(() => (this.#looking = undefined));
    }, LOOK_MS);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await Promise.allSettled([this.#looking, this.#deepening]);
  }

  #current(): Board {
    const { options, identity, profile } = this.#context;
    this.#board ??= assembleBoard({
      state: this.#state,
      at: new Date(),
      repository: identity,
      profile,
      options,
      places: this.#heads(),
      projects: this.#projects,
      changedSince: (commit) => this.#files.get(commit),
      ...(this.#judged ? { judged: this.#judged } : {}),
      problems: [...(this.#ledgerProblem ? [this.#ledgerProblem] : []), ...this.#problems],
    });
    return this.#board;
  }

  #heads() {
    const known = new Map(this.#places.map((place) => [place.name, place]));
    const { packages, services } = stageHeads(this.#context.options, (stage) => known.get(stage)?.identity);
    // The environment may move hosts; what is resolved is what a deployment would use.
    const resolved = services.map((head) => ({ ...head, hosts: known.get(head.name)?.hosts ?? head.hosts }));
    return { packages, services: resolved };
  }

  /** Whether the ledger moved: in this clone at every look, at its remote now and then. */
  async #look(where: 'here' | 'remote' | 'both'): Promise<void> {
    const ledger = await this.#context.ledger();
    const head = await ledger.repository.call([
      'rev-parse',
      '--verify',
      '--quiet',
      `refs/heads/${this.#context.options.ledger.branch}`,
    ]);
    const due = where === 'remote' || (where === 'both' && Date.now() - this.#asked > ASK_MS);
    if (!due && head.stdout.trim() === (this.#state.head ?? '')) {
      if (Date.now() - this.#judgedAt > JUDGE_MS) void this.#deepen();
      return;
    }
    this.#asked = Date.now();
    const before = this.#ledgerProblem;
    try {
      const state = await ledger.refresh();
      this.#ledgerProblem = undefined;
      if (state.head !== this.#state.head) {
        this.#state = state;
        this.#changed();
        void this.#deepen();
      }
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown);
      this.#ledgerProblem = `${code}: ${message}`;
    }
    if (this.#ledgerProblem !== before) this.#changed();
  }

  /** What takes longer than a page may: which projects are new, and what the gates say. */
  #deepen(): Promise<void> {
    if (this.#deepening) {
      this.#again ||= this.#state.head !== this.#deepenedFor;
      return this.#deepening;
    }
    const isFresh = this.#state.head === this.#deepenedFor && Date.now() - this.#judgedAt < JUDGE_MS;
    if (isFresh) return Promise.resolve();
    this.#deepening = this.#findOut().finally(() => {
      this.#deepening = undefined;
      if (this.#again && !this.#closed) {
        this.#again = false;
        void this.#deepen();
      }
    });
    return this.#deepening;
  }

  async #findOut(): Promise<void> {
    const state = this.#state;
    this.#deepenedFor = state.head;
    this.#judgedAt = Date.now();
    try {
      this.#files = await filesSince(this.#context.repository, this.#commits(state), this.#files);
      if (this.#closed) return;
      this.#changed();
      const { judged, problems } = await judgeWaiting(this.#context, state, this.#places, new Date());
      this.#judged = judged;
      this.#problems = problems;
    } catch (thrown) {
      this.#problems = [asSluiceError(thrown).message];
    }
    this.#changed();
  }

  /** Commits of what the first stages have. */
  #commits(state: LedgerState): Set<string> {
    const commits = new Set<string>();
    for (const { name: stage, pipeline, before } of this.#places) {
      if (before !== undefined) continue;
      for (const name of pipeline === 'packages' ? state.packages() : state.services()) {
        const version = state.newest(stage, name)?.record.version;
        const source = version === undefined ? undefined : state.published(name, version)?.record.source;
        if (source) commits.add(source.commit);
      }
    }
    return commits;
  }

  #changed(): void {
    this.#board = undefined;
    for (const listener of this.#listeners) listener();
  }
}
