import { Transform, type TransformCallback } from 'node:stream';
import { Header, Pax } from 'tar';

const BLOCK = 512;
const LONGEST_META = 1024 * 1024;
/** Where in a header its time and its checksum stand. */
const TIME = { at: 136, length: 12 };
const SUM = { at: 148, length: 8 };
const PAX_TIMES = /^(mtime|atime|ctime|LIBARCHIVE\.creationtime)$/;

/** An entry of a layer. */
export interface LayerEntry {
  /** Without `./` and `/` in front, and without `/` behind. */
  path: string;
  type: string;
  size: number;
  linkpath: string;
}

export interface LayerReader {
  /** Whether the content of an entry is wanted. */
  wants(entry: LayerEntry): boolean;
  /** Called for every entry; with its content where that was wanted. */
  entry(entry: LayerEntry, content: Buffer | undefined): void;
}

/**
 * Passes a layer through, tells of its entries on the way, and sets every time later than `latest` (seconds since 1970) to
 * it. Without `latest` not a bit is changed. Order, owners, modes and everything else stay as they are. Only what is later
 * is changed, so that a layer out of the builder's cache is the same layer in the next release, and is moved to no host twice.
 */
export class LayerTar extends Transform {
  readonly #reader: LayerReader;
  readonly #latest: number | undefined;
  /** What has come and is not a whole header (or extended header) yet. */
  #waiting: Buffer = Buffer.alloc(0);
  /** Bytes of content, with its padding, that pass as they are. */
  #passing = 0;
  #open: { entry: LayerEntry; content: Buffer[] | undefined; left: number } | undefined;
  #pax: Pax | undefined;
  #longPath: string | undefined;
  #longLink: string | undefined;

  constructor(reader: LayerReader, latest?: number) {
    super();
    this.#reader = reader;
    this.#latest = latest;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#take(chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.#passing > 0 || this.#waiting.length > 0 ? new Error('a layer was cut off') : null);
  }

  #take(chunk: Buffer): void {
    let rest = this.#waiting.length > 0 ? Buffer.concat([this.#waiting, chunk]) : chunk;
    this.#waiting = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#passing > 0) {
        const piece = rest.subarray(0, this.#passing);
        this.#content(piece);
        this.push(piece);
        this.#passing -= piece.length;
        rest = rest.subarray(piece.length);
        continue;
      }
      const used = this.#header(rest);
      if (used === 0) {
        this.#waiting = Buffer.from(rest);
        return;
      }
      rest = rest.subarray(used);
    }
  }

  #content(piece: Buffer): void {
    const open = this.#open;
    if (!open) return;
    const part = piece.subarray(0, open.left);
    open.content?.push(part);
    open.left -= part.length;
    if (open.left > 0) return;
    this.#reader.entry(open.entry, open.content && Buffer.concat(open.content));
    this.#open = undefined;
  }

  /** Takes one header, with the whole content of an extended one; 0 where not enough has come yet. */
  #header(bytes: Buffer): number {
    if (bytes.length < BLOCK) return 0;
    const block = Buffer.from(bytes.subarray(0, BLOCK));
    const header = new Header(block, 0, this.#pax);
    if (header.nullBlock) {
      this.push(block);
      return BLOCK;
    }
    if (!header.cksumValid) throw new Error('a layer is no tar file');
    const { type } = header;
    const size = header.size ?? 0;
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    if (
      type === 'ExtendedHeader' ||
      type === 'NextFileHasLongPath' ||
      type === 'NextFileHasLongLinkpath' ||
      type === 'OldGnuLongPath'
    ) {
      if (size > LONGEST_META) throw new Error('a layer has an extended header that is too long');
      if (bytes.length < BLOCK + padded) return 0;
      this.#extended(type, block, bytes.subarray(BLOCK, BLOCK + size));
      return BLOCK + padded;
    }
    this.push(this.#clamped(block));
    this.#passing = padded;
    this.#begin({
      path: clean(this.#longPath ?? header.path ?? ''),
      type,
      size,
      linkpath: this.#longLink ?? header.linkpath ?? '',
    });
    this.#pax = undefined;
    this.#longPath = this.#longLink = undefined;
    return BLOCK;
  }

  #begin(entry: LayerEntry): void {
    if (entry.type === 'GlobalExtendedHeader') return;
    const content = entry.type !== 'Link' && this.#reader.wants(entry) ? [] : undefined;
    if (this.#passing === 0) this.#reader.entry(entry, content && Buffer.alloc(0));
    else this.#open = { entry, content, left: entry.size };
  }

  #extended(type: string, block: Buffer, content: Buffer): void {
    let records = content;
    if (type === 'ExtendedHeader') {
      this.#pax = Pax.parse(content.toString('utf8'));
      if (this.#latest !== undefined) records = clampRecords(content, this.#latest);
    } else if (type === 'NextFileHasLongLinkpath') this.#longLink = text(content);
    else this.#longPath = text(content);
    if (records !== content) block.write(`${records.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    this.push(records === content ? this.#clamped(block) : sealed(this.#clamped(block)));
    this.push(Buffer.concat([records, Buffer.alloc((BLOCK - (records.length % BLOCK)) % BLOCK)]));
  }

  #clamped(block: Buffer): Buffer {
    const latest = this.#latest;
    if (latest === undefined || timeOf(block) <= latest) return block;
    block.write(`${latest.toString(8).padStart(TIME.length - 1, '0')}\0`, TIME.at, 'latin1');
    return sealed(block);
  }
}

/** Seconds; a header holds them as octal text, or beyond its range in base 256. */
function timeOf(block: Buffer): number {
  const field = block.subarray(TIME.at, TIME.at + TIME.length);
  const first = field[0] ?? 0;
  if (first === 0xff) return -1;
  if (first === 0x80) return Number(field.readBigUInt64BE(TIME.length - 8));
  return Number.parseInt(field.toString('latin1').replace(/[\0 ].*$/s, ''), 8) || 0;
}

/** With the checksum that belongs to it: the sum of all bytes, those of the checksum itself taken as spaces. */
function sealed(block: Buffer): Buffer {
  block.fill(' ', SUM.at, SUM.at + SUM.length);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, SUM.at, 'latin1');
  return block;
}

/** The records of a pax header (`<length> <key>=<value>\n`) with times that are not too late; the same buffer where all are right. */
function clampRecords(content: Buffer, latest: number): Buffer {
  const records: Buffer[] = [];
  let changed = false;
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number.parseInt(content.toString('latin1', at, space), 10);
    if (space === -1 || !(length > 0) || at + length > content.length)
      throw new Error('a layer has an unreadable extended header');
    const record = content.subarray(at, at + length);
    const [, key = '', value = ''] = /^\d+ ([^=]*)=(.*)\n$/s.exec(record.toString('latin1')) ?? [];
    const late = PAX_TIMES.test(key) && Number(value) > latest;
    records.push(late ? recordOf(key, String(latest)) : record);
    changed ||= late;
    at += length;
  }
  return changed ? Buffer.concat(records) : content;
}

/** Its length counts its own digits. */
function recordOf(key: string, value: string): Buffer {
  const tail = ` ${key}=${value}\n`;
  let length = tail.length + 1;
  while (String(length).length + tail.length !== length) length += 1;
  return Buffer.from(`${length}${tail}`, 'latin1');
}

const text = (content: Buffer): string => content.toString('utf8').replace(/\0.*$/s, '');
const clean = (path: string): string => path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
