import { errors } from '../foundation/index.ts';

/** Parts of a workflow that people wrote, by their place (`<job>/before`, `<job>/after`, `jobs`). */
export type Kept = ReadonlyMap<string, string[]>;

const BEGIN = /^(\s*)# sluice:yours (\S+)\s*$/;
const END = /^\s*# sluice:end\s*$/;

/**
 * The marked parts of a file as it stands, their lines without the indentation of the mark. Wherever a part stands in the file,
 * its name says where it belongs.
 * @throws WORKFLOW_MARKS where a mark has no end, or two parts have one name
 */
export function keptParts(file: string, text: string): Kept {
  const parts = new Map<string, string[]>();
  let open: { place: string; indent: number; lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const begin = BEGIN.exec(line);
    if (begin) {
      const [, indent = '', place = ''] = begin;
      if (open) throw errors.WORKFLOW_MARKS({ file, place: open.place, what: 'has no "# sluice:end"' });
      if (parts.has(place)) throw errors.WORKFLOW_MARKS({ file, place, what: 'stands there twice' });
      open = { place, indent: indent.length, lines: [] };
    } else if (END.test(line)) {
      if (open) parts.set(open.place, open.lines);
      open = undefined;
    } else open?.lines.push(dedent(line, open.indent));
  }
  if (open) throw errors.WORKFLOW_MARKS({ file, place: open.place, what: 'has no "# sluice:end"' });
  return parts;
}

const dedent = (line: string, by: number): string =>
  line.slice(0, by).trim() === '' ? line.slice(by) : line.trimStart();

/** The line in generated text at which the part of that place is put back; the indentation is its own. */
export const slot = (place: string): string => `sluice-slot ${place}`;
const SLOT = /^(\s*)(?:- )?['"]?sluice-slot ([^'":]+)['"]?(?:: null)?$/;

/**
 * Generated text with the kept parts in their slots; slots without a part vanish.
 * @throws WORKFLOW_PLACE_GONE where the place of a part is not there any more
 */
export function withKept(file: string, generated: string, kept: Kept): string {
  const open = new Set(kept.keys());
  const lines = generated.split('\n').flatMap((line) => {
    const [, indent = '', place = ''] = SLOT.exec(line) ?? [];
    if (!place) return [line];
    const part = kept.get(place);
    if (!part) return [];
    open.delete(place);
    return [`# sluice:yours ${place}`, ...part, '# sluice:end'].map((one) =>
      one === '' ? '' : indent + one,
    );
  });
  const [homeless] = open;
  if (homeless !== undefined) throw errors.WORKFLOW_PLACE_GONE({ file, place: homeless });
  return lines.join('\n');
}
