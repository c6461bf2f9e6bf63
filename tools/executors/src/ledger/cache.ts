import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeWhole } from '../foundation/index.ts';
import type { Problem } from './history.ts';
import type { BatchPlace, PackedRows } from './rows.ts';

/** What was read of the ledger up to `head`. A convenience: nothing breaks, and nothing opens, by its loss. */
export interface Snapshot {
  head: string;
  problems: Problem[];
  rows: PackedRows;
}

interface Header {
  format: 'sluice-ledger';
  version: 3;
  head: string;
  problems: Problem[];
  stages: string[];
  names: string[];
  versions: string[];
  /** Bytes of the parts after the header. */
  sizes: [columns: number, batches: number, spent: number, text: number];
  crc: number;
}

/** Undefined where there is none, or a broken one, or one of another version. */
export async function readSnapshot(file: string): Promise<Snapshot | undefined> {
  try {
    const bytes = await readFile(file);
    const end = bytes.indexOf(10);
    const header = JSON.parse(bytes.toString('utf8', 0, end)) as Header;
    const body = bytes.subarray(end + 1);
    const [columns, batches, spent, text] = header.sizes;
    if (header.format !== 'sluice-ledger' || header.version !== 3) return undefined;
    if (body.length !== columns + batches + spent + text || crc32(body) !== header.crc) return undefined;
    // Numbers of four bytes must start at a multiple of four.
    const aligned = new Uint8Array(body.subarray(0, columns));
    return {
      head: header.head,
      problems: header.problems,
      rows: {
        stages: header.stages,
        names: header.names,
        versions: header.versions,
        columns: new Int32Array(aligned.buffer),
        batches: body
          .toString('utf8', columns, columns + batches)
          .split('\n')
          .filter(Boolean)
          .map(readPlace),
        spent: body.toString('utf8', columns + batches, columns + batches + spent),
        text: body.subarray(columns + batches + spent),
      },
    };
  } catch {
    return undefined;
  }
}

/** A disk without space only means that there is no snapshot. */
export async function writeSnapshot(file: string, { head, problems, rows }: Snapshot): Promise<void> {
  try {
    const columns = Buffer.from(rows.columns.buffer, rows.columns.byteOffset, rows.columns.byteLength);
    const batches = Buffer.from(
      rows.batches.map(({ path, blob, commit }) => `${path} ${blob} ${commit}\n`).join(''),
    );
    const spent = Buffer.from(rows.spent);
    const body = Buffer.concat([columns, batches, spent, rows.text]);
    const header: Header = {
      format: 'sluice-ledger',
      version: 3,
      head,
      problems,
      stages: rows.stages,
      names: rows.names,
      versions: rows.versions,
      sizes: [columns.length, batches.length, spent.length, rows.text.length],
      crc: crc32(body),
    };
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, [Buffer.from(`${JSON.stringify(header)}\n`), body]);
  } catch {
    // The next one to read only takes longer.
  }
}

function readPlace(line: string): BatchPlace {
  const [path = '', blob = '', commit = ''] = line.split(' ');
  return { path, blob, commit };
}
