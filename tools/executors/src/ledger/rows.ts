import type { FoldSource } from './fold.ts';
import { RECORD_TYPES } from './validate.ts';
import type { LedgerRecord } from './types.ts';

const COLUMNS = 8;
type Name = 'type' | 'stage' | 'name' | 'version' | 'batch' | 'start' | 'length' | 'services';
const COLUMN: Record<Name, number> = {
  type: 0,
  stage: 1,
  name: 2,
  version: 3,
  batch: 4,
  start: 5,
  length: 6,
  services: 7,
};

/** Strings by number, each stored once. */
class Dictionary {
  readonly list: string[];
  readonly #index: Map<string, number>;
  constructor(list: string[] = []) {
    this.list = list;
    this.#index = new Map(list.map((value, index) => [value, index]));
  }
  add(value: string): number {
    let index = this.#index.get(value);
    if (index === undefined) this.#index.set(value, (index = this.list.push(value) - 1));
    return index;
  }
}

export interface BatchPlace {
  path: string;
  blob: string;
  commit: string;
}

/** What goes to the disk, and comes back without being parsed. */
export interface PackedRows {
  stages: string[];
  names: string[];
  versions: string[];
  columns: Int32Array;
  batches: BatchPlace[];
  /** "<nonce> <row>" for each use of an approval, in lines. */
  spent: string;
  text: Buffer;
}

/**
 * All records, in columns of numbers: 100,000 of them load and fold without parsing one. A record is parsed when it
 * is looked at.
 */
export class Rows implements FoldSource {
  readonly #stages: Dictionary;
  readonly #names: Dictionary;
  readonly #versions: Dictionary;
  #cells: Int32Array;
  #length: number;
  readonly #text: Buffer;
  readonly #batches: BatchPlace[];
  /** Nonce -> rows that used it; made when it is first asked for. */
  #spenders: Map<string, number[]> | undefined;
  #spent: string;
  readonly #parsed = new Map<number, LedgerRecord>();
  #byPath: Map<string, number> | undefined;

  constructor(packed?: PackedRows) {
    this.#stages = new Dictionary(packed?.stages);
    this.#names = new Dictionary(packed?.names);
    this.#versions = new Dictionary(packed?.versions);
    this.#cells = packed?.columns ?? new Int32Array(COLUMNS * 64);
    this.#length = packed ? packed.columns.length / COLUMNS : 0;
    this.#text = packed?.text ?? Buffer.alloc(0);
    this.#batches = packed?.batches ?? [];
    this.#spent = packed?.spent ?? '';
  }

  add(records: LedgerRecord[], place: BatchPlace): void {
    const batch = this.#batches.push(place) - 1;
    this.#byPath?.set(place.path, batch);
    for (const record of records) {
      const row = this.#length++;
      if (this.#length * COLUMNS > this.#cells.length) {
        const grown = new Int32Array(Math.max(COLUMNS * 64, this.#cells.length * 2));
        grown.set(this.#cells);
        this.#cells = grown;
      }
      const set = (column: Name, value: number) => (this.#cells[row * COLUMNS + COLUMN[column]] = value);
      set('type', RECORD_TYPES.indexOf(record.type));
      set('stage', this.#stages.add(record.stage));
      set('name', this.#names.add('name' in record ? record.name : ''));
      set('version', this.#versions.add('version' in record ? record.version : ''));
      set('services', record.pipeline === 'services' ? 1 : 0);
      set('batch', batch);
      set('start', -1);
      this.#parsed.set(row, record);
      for (const nonce of record.type === 'promoted' ? record.approvals : []) {
        this.#spent += `${nonce} ${row}\n`;
        if (this.#spenders) note(this.#spenders, nonce, row);
      }
    }
  }

  /** Undefined where no batch has this path. */
  place(path: string): BatchPlace | undefined {
    this.#byPath ??= new Map(this.#batches.map((batch, index) => [batch.path, index]));
    const index = this.#byPath.get(path);
    return index === undefined ? undefined : this.#batches[index];
  }

  get batches(): number {
    return this.#batches.length;
  }

  pack(): PackedRows {
    const columns = this.#cells.slice(0, this.#length * COLUMNS);
    const pieces: Buffer[] = [];
    let end = 0;
    for (let row = 0; row < this.#length; row++) {
      const start = this.#cell(row, 'start');
      const piece =
        start >= 0
          ? this.#text.subarray(start, start + this.#cell(row, 'length'))
          : Buffer.from(JSON.stringify(this.#parsed.get(row)));
      columns[row * COLUMNS + COLUMN.start] = end;
      columns[row * COLUMNS + COLUMN.length] = piece.length;
      end += piece.length;
      pieces.push(piece);
    }
    return {
      stages: this.#stages.list,
      names: this.#names.list,
      versions: this.#versions.list,
      columns,
      batches: this.#batches,
      spent: this.#spent,
      text: Buffer.concat(pieces),
    };
  }

  get length(): number {
    return this.#length;
  }
  type(row: number): LedgerRecord['type'] {
    return RECORD_TYPES[this.#cell(row, 'type')] as LedgerRecord['type'];
  }
  isService(row: number): boolean {
    return this.#cell(row, 'services') === 1;
  }
  spenders(nonce: string): number[] {
    if (!this.#spenders) {
      this.#spenders = new Map();
      for (const line of this.#spent.split('\n')) {
        const space = line.lastIndexOf(' ');
        if (space > 0) note(this.#spenders, line.slice(0, space), Number(line.slice(space + 1)));
      }
    }
    return this.#spenders.get(nonce) ?? [];
  }
  stage(row: number): string {
    return this.#stages.list[this.#cell(row, 'stage')] as string;
  }
  name(row: number): string {
    return this.#names.list[this.#cell(row, 'name')] as string;
  }
  version(row: number): string {
    return this.#versions.list[this.#cell(row, 'version')] as string;
  }
  batch(row: number): string {
    return (this.#batches[this.#cell(row, 'batch')] as BatchPlace).path;
  }
  record(row: number): LedgerRecord {
    let record = this.#parsed.get(row);
    if (!record) {
      const start = this.#cell(row, 'start');
      record = JSON.parse(
        this.#text.toString('utf8', start, start + this.#cell(row, 'length')),
      ) as LedgerRecord;
      this.#parsed.set(row, record);
    }
    return record;
  }

  #cell(row: number, column: Name): number {
    return this.#cells[row * COLUMNS + COLUMN[column]] as number;
  }
}

function note(spenders: Map<string, number[]>, nonce: string, row: number): void {
  const rows = spenders.get(nonce);
  if (rows) rows.push(row);
  else spenders.set(nonce, [row]);
}
