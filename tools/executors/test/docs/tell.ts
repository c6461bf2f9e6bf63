import assert from 'node:assert/strict';
import { blocksIn, patternOf, type Block, type Command } from './page.ts';
import type { Keys, Reader, Typed } from './reader.ts';
import { isTold, leftOut, type Story } from './stories.ts';

/** How a shell says that Ctrl-C ended a command. */
const INTERRUPTED = 130;

/** What a page leaves to its reader. */
export interface Circumstances {
  /** Words of the page that stand for something of the reader's own (a hash, an address), and what that is here. */
  values?: Record<string, string | (() => string | Promise<string>)>;
  /** The line that is typed, made of it; before the values. */
  typed?: (text: string) => string;
  /** What the prose says, or somebody else does, before a command. */
  before?: Record<string, () => unknown>;
  keys?: Record<string, Keys>;
  /** A shown line as it is here; an empty one is not looked for. */
  otherwise?: (shown: string) => string;
}

/** Types a story's commands in order, each of which has to end as the page says; then what was on the screen is compared with what the page shows. */
export async function tell(story: Story, reader: Reader, circumstances: Circumstances = {}): Promise<void> {
  const { before = {}, keys = {} } = circumstances;
  for (const block of blocksIn(story.page).filter(({ under }) => isTold(story, under))) {
    let screen = '';
    for (const command of block.commands) {
      if (leftOut(story.page, command.text)) continue;
      await before[command.text]?.();
      const line = await filled(command.text, circumstances);
      const typed = await reader.type(line, keys[command.text]);
      const at = `${story.page}:${command.line}: ${line}\n${typed.out}`;
      if (keys[command.text]?.until) assert.ok(typed.code === 0 || typed.code === INTERRUPTED, at);
      else judge(command, block, typed, at);
      screen += typed.out;
    }
    compare(story.page, block.shows, screen, circumstances);
  }
}

async function filled(text: string, { typed, values = {} }: Circumstances): Promise<string> {
  let line = typed?.(text) ?? text;
  for (const [word, value] of Object.entries(values))
    if (line.includes(word)) line = line.replaceAll(word, typeof value === 'string' ? value : await value());
  return line;
}

function judge(command: Command, block: Block, { code, out }: Typed, at: string): void {
  // Output that begins with an error's code is that of a command that fails.
  const shown = /^([A-Z]+(?:_[A-Z]+)+):/.exec(block.shows[0] ?? '')?.[1];
  const ends = command.ends ?? (command === block.commands.at(-1) ? shown : undefined) ?? 0;
  if (typeof ends === 'number') return assert.equal(code, ends, at);
  assert.notEqual(code, 0, at);
  assert.ok(out.includes(ends), at);
}

function compare(page: string, shows: string[], screen: string, { otherwise }: Circumstances): void {
  const text = screen.replaceAll(/[^\S\n]+/g, ' ');
  for (const shown of shows) {
    const pattern = patternOf(otherwise?.(shown) ?? shown);
    if (pattern) assert.match(text, pattern, `${page} shows: ${shown}\n${text}`);
  }
}
