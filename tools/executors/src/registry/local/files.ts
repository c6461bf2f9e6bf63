import { readFile } from 'node:fs/promises';
import { writeWhole } from '../../foundation/index.ts';

/** Writes a file that only its owner may read, in one step: a reader sees the old text or the new one. */
export function writePrivate(file: string, text: string): Promise<void> {
  return writeWhole(file, text, { mode: 0o600 });
}

/** The JSON in a file; undefined where there is none, or none that can be read. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** The last lines of a log, for an error; empty where there is none. */
export async function lastLines(file: string, count = 10): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').filter(Boolean).slice(-count);
}
