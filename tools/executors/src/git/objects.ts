import type { Repository } from './repository.ts';

/**
 * Contents of many objects through one `git cat-file --batch`, handed over one by one in the order asked for;
 * undefined for one that is not there.
 */
export async function readObjects(
  repository: Repository,
  hashes: readonly string[],
  each: (content: Buffer | undefined, index: number) => void,
): Promise<void> {
  if (hashes.length === 0) return;
  let held: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  let have = 0;
  /** Bytes needed before there is anything to do; saves joining the pieces of a large object again and again. */
  let need = 1;
  let index = 0;
  const onStdout = (chunk: Buffer) => {
    pieces.push(chunk);
    have += chunk.length;
    if (have < need) return;
    held = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    let at = 0;
    need = 1;
    for (;;) {
      const end = held.indexOf(10, at);
      if (end === -1) break;
      // "<hash> <type> <size>" or "<hash> missing".
      const size = Number(held.toString('latin1', held.lastIndexOf(32, end) + 1, end));
      if (Number.isNaN(size)) {
        each(undefined, index++);
        at = end + 1;
        continue;
      }
      if (held.length < end + 1 + size + 1) {
        need = end + 1 + size + 1 - at;
        break;
      }
      each(held.subarray(end + 1, end + 1 + size), index++);
      at = end + 1 + size + 1;
    }
    held = held.subarray(at);
    pieces = [held];
    have = held.length;
  };
  await repository.run(['cat-file', '--batch'], { input: `${hashes.join('\n')}\n`, onStdout });
}
