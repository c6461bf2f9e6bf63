import { Header } from 'tar';

const BLOCK = 512;

/** A tar of text files, only for their owner's eyes. All of it is text itself (UTF-8), so that it can be a script's standard input. */
export function tarOf(files: Record<string, string>): string {
  const parts = Object.entries(files).map(([path, content]) => {
    const size = Buffer.byteLength(content);
    const header = new Header({ path, mode: 0o600, size, type: 'File', mtime: new Date(0), uid: 0, gid: 0 });
    if (header.encode()) throw new RangeError(`the name ${path} is too long for a tar`);
    return `${header.block?.toString('latin1')}${content}${'\0'.repeat(padding(size))}`;
  });
  return `${parts.join('')}${'\0'.repeat(2 * BLOCK)}`;
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
