import type {
  Deployed,
  DeployFailed,
  Entry,
  Held,
  LedgerRecord,
  LedgerState,
  Promoted,
  Published,
  RecordColumns,
  Returned,
  Setback,
} from './types.ts';

/** Records by their place in the ledger's order; the columns that the fold needs are there without parsing the record. */
export interface FoldSource {
  readonly length: number;
  type(row: number): LedgerRecord['type'];
  stage(row: number): string;
  /** '' for records that are not about one item. */
  name(row: number): string;
  version(row: number): string;
  isService(row: number): boolean;
  /** Rows of the promotions that used this approval up, ascending. */
  spenders(nonce: string): number[];
  record(row: number): LedgerRecord;
  /** Path of the batch. */
  batch(row: number): string;
}

/** Rows of one package in one stage, in ledger order. */
interface Track {
  entries: number[];
  rollbacks: number[];
  /** What was tried on hosts. */
  deployments: number[];
}
interface Package {
  /** Version -> row of its first `published`: an artifact comes to be once. */
  published: Map<string, number>;
  publications: number[];
  /** Rows of `held` and `released`. */
  holds: number[];
}

/**
 * What the records add up to. Grows with its source and never changes what it said of earlier rows, so that a view
 * taken before stays true. Pure.
 */
export class Fold {
  readonly #source: FoldSource;
  #done = 0;
  readonly #tracks = new Map<string, Map<string, Track>>();
  readonly #packages = new Map<string, Package>();
  readonly #approvals = new Map<string, number[]>();
  readonly #overrides = new Map<string, number[]>();

  constructor(source: FoldSource) {
    this.#source = source;
  }

  /** The state after all rows that the source has now. */
  view(head: string | null): LedgerState {
    const source = this.#source;
    for (; this.#done < source.length; this.#done++) this.#add(this.#done);
    const end = this.#done;
    const entry = <R extends LedgerRecord>(row: number): Entry<R> => ({
      record: source.record(row) as R,
      batch: source.batch(row),
      order: row,
    });
    const track = (stage: string, name: string): Track => {
      const found = this.#tracks.get(stage)?.get(name);
      return {
        entries: upTo(found?.entries, end),
        rollbacks: upTo(found?.rollbacks, end),
        deployments: upTo(found?.deployments, end),
      };
    };
    const names = (services: boolean) =>
      [...this.#packages]
        .filter(([, { publications }]) =>
          publications.some((row) => row < end && source.isService(row) === services),
        )
        .map(([name]) => name)
        .sort();
    const serving = (stage: string, name: string, is: (row: number) => boolean) => {
      const row = track(stage, name).deployments.findLast(
        (one) => source.type(one) !== 'deploy-failed' && is(one),
      );
      return row === undefined ? undefined : entry<Deployed | Returned>(row);
    };
    const newest = (entries: number[], holds: (row: number) => boolean) => {
      const row = entries.findLast(holds);
      return row === undefined ? undefined : entry<Published | Promoted>(row);
    };
    const hold = (name: string, version: string): number | undefined => {
      const rows = upTo(this.#packages.get(name)?.holds, end).filter(
        (row) => source.version(row) === version,
      );
      const released = new Set<string>();
      for (const row of rows.toReversed()) {
        const { integrity } = source.record(row) as Held;
        if (source.type(row) === 'released') released.add(integrity);
        else if (!released.has(integrity)) return row;
      }
      return undefined;
    };
    const newestFirst = <R extends LedgerRecord>(rows: number[] | undefined) =>
      upTo(rows, end)
        .toReversed()
        .map((row) => entry<R>(row));

    return {
      head,
      count: end,
      published: (name, version) => {
        const row = this.#packages.get(name)?.published.get(version);
        return row === undefined || row >= end ? undefined : entry<Published>(row);
      },
      entered: (stage, name, version) =>
        newest(track(stage, name).entries, (row) => source.version(row) === version),
      standing: (stage, name, version) => {
        const { entries, rollbacks } = track(stage, name);
        const row = entries.findLast((one) => source.version(one) === version);
        return row === undefined || this.#rolledBack(row, rollbacks) ? undefined : entry(row);
      },
      history: (stage, name) => track(stage, name).entries.map((row) => entry(row)),
      position: (stage, name) => {
        const { entries, rollbacks } = track(stage, name);
        return newest(
          entries,
          (row) => hold(name, source.version(row)) === undefined && this.#stands(row, entries, rollbacks),
        );
      },
      newest: (stage, name) => {
        const { entries, rollbacks } = track(stage, name);
        return newest(entries, (row) => this.#stands(row, entries, rollbacks));
      },
      hold: (name, version) => {
        const row = hold(name, version);
        return row === undefined ? undefined : entry<Held>(row);
      },
      setbacks: (name) => {
        const tracks = [...this.#tracks.values()].flatMap((stage) => stage.get(name)?.rollbacks ?? []);
        const rows = [...tracks, ...(this.#packages.get(name)?.holds ?? [])].sort((a, b) => a - b);
        return upTo(rows, end).map((row) => entry<Setback>(row));
      },
      approvals: (stage) => newestFirst(this.#approvals.get(stage)),
      spent: (nonce) => {
        const rows = upTo(source.spenders(nonce), end);
        return new Set(rows.map((row) => `${source.name(row)}@${source.version(row)}`));
      },
      overrides: (stage, now) =>
        newestFirst<Extract<LedgerRecord, { type: 'freeze-overridden' }>>(this.#overrides.get(stage)).filter(
          ({ record }) => Date.parse(record.until) > now.getTime(),
        ),
      packages: () => names(false),
      services: () => names(true),
      deployments: (stage, name) =>
        track(stage, name).deployments.map((row) => entry<Deployed | DeployFailed | Returned>(row)),
      deployed: (stage, name, version) => serving(stage, name, (row) => source.version(row) === version),
      running: (stage, name) => serving(stage, name, () => true),
      project: (name) => {
        const row = upTo(this.#packages.get(name)?.publications, end).at(-1);
        return row === undefined ? undefined : (source.record(row) as Published).project;
      },
      records: (keep = () => true) => {
        const rows: number[] = [];
        for (let row = 0; row < end; row++)
          if (keep(columnsOf(source, row), () => source.record(row))) rows.push(row);
        return {
          length: rows.length,
          at: (index) => {
            const row = rows[index];
            return row === undefined ? undefined : entry(row);
          },
        };
      },
    };
  }

  #add(row: number): void {
    const source = this.#source;
    const [type, stage, name] = [source.type(row), source.stage(row), source.name(row)];
    if (type === 'approved') listOf(this.#approvals, stage).push(row);
    else if (type === 'freeze-overridden') listOf(this.#overrides, stage).push(row);
    else if (type === 'held' || type === 'released') this.#package(name).holds.push(row);
    else if (type === 'rolled-back') this.#track(stage, name).rollbacks.push(row);
    else if (type === 'deployed' || type === 'deploy-failed' || type === 'returned')
      this.#track(stage, name).deployments.push(row);
    else this.#track(stage, name).entries.push(row);
    if (type === 'published') {
      const { published, publications } = this.#package(name);
      publications.push(row);
      if (!published.has(source.version(row))) published.set(source.version(row), row);
    }
  }

  #stands(row: number, entries: number[], rollbacks: number[]): boolean {
    return !this.#rolledBack(row, rollbacks) && !this.#passedOver(row, entries, rollbacks);
  }

  /** Whether the stage went back from this entry, and was not set to its version again by a later rollback. */
  #rolledBack(entry: number, rollbacks: number[]): boolean {
    const version = this.#source.version(entry);
    let back = false;
    for (const row of rollbacks) {
      if (row < entry) continue;
      if (this.#source.version(row) === version) back = true;
      else if (this.#to(row) === version) back = false;
    }
    return back;
  }

  /** Whether the last rollback of the same dist-tag set it to a version that had entered before this one. */
  #passedOver(entry: number, entries: number[], rollbacks: number[]): boolean {
    if (rollbacks.length === 0) return false;
    const { tag } = this.#source.record(entry) as Promoted;
    const last = rollbacks.findLast(
      (row) => row > entry && (this.#source.record(row) as Promoted).tag === tag,
    );
    const to = last === undefined ? undefined : this.#to(last);
    if (last === undefined || to === undefined || to === this.#source.version(entry)) return false;
    const target = entries.findLast((row) => row < last && this.#source.version(row) === to);
    return target !== undefined && target < entry;
  }

  #to(row: number): string | undefined {
    return (this.#source.record(row) as Extract<LedgerRecord, { type: 'rolled-back' }>).to;
  }

  #track(stage: string, name: string): Track {
    const stages = mapOf(this.#tracks, stage);
    let track = stages.get(name);
    if (!track) stages.set(name, (track = { entries: [], rollbacks: [], deployments: [] }));
    return track;
  }

  #package(name: string): Package {
    let found = this.#packages.get(name);
    if (!found) this.#packages.set(name, (found = { published: new Map(), publications: [], holds: [] }));
    return found;
  }
}

function columnsOf(source: FoldSource, row: number): RecordColumns {
  return {
    type: source.type(row),
    stage: source.stage(row),
    name: source.name(row),
    version: source.version(row),
    pipeline: source.isService(row) ? 'services' : 'packages',
  };
}

function listOf<K>(map: Map<K, number[]>, key: K): number[] {
  let list = map.get(key);
  if (!list) map.set(key, (list = []));
  return list;
}

function mapOf<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = map.get(key);
  if (!inner) map.set(key, (inner = new Map()));
  return inner;
}

/** The rows before `end`; lists are ascending, and nearly always wholly before it. */
function upTo(rows: number[] | undefined, end: number): number[] {
  if (!rows) return [];
  return (rows.at(-1) ?? -1) < end ? rows : rows.filter((row) => row < end);
}
