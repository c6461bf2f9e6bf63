import { expect } from 'vitest';
import { blocksIn, patternOf, type Block, type Command } from './page.ts';
import type { Reader, Typed } from './reader.ts';
import { leftOut, type Story } from './stories.ts';

/** What stands in a page for something of the reader's own (a hash, an address), and what it is here. */
export type Values = Record<string, string | (() => string | Promise<string>)>;

/** Types a story's commands in order, each of which has to end as the page says; then what was on the screen is compared with what the page shows. */
export async function tell(story: Story, reader: Reader, values: Values = {}): Promise<void> {
  for (const block of blocksIn(story.page).filter(({ under }) => isTold(story, under))) {
    let screen = '';
    for (const command of block.commands) {
      if (leftOut(story.page, command.text)) continue;
      const line = await filled(command.text, values);
      const { code, out } = await reader.type(line, story.until?.[command.text]);
      const at = `${story.page}:${command.line}: ${line}\n${out}`;
      judge(command, block, { code, out }, at);
      screen += out;
    }
    compare(block.shows, screen, story);
  }
}

export const isTold = (story: Story, under: string): boolean =>
  story.under === undefined || story.under.some((heading) => under.startsWith(heading));

async function filled(text: string, values: Values): Promise<string> {
  let line = text;
  for (const [word, value] of Object.entries(values))
    if (line.includes(word)) line = line.replaceAll(word, typeof value === 'string' ? value : await value());
  return line;
}

function judge(command: Command, block: Block, { code, out }: Typed, at: string): void {
  // Output that begins with an error's code is that of a command that fails.
  const shown = /^([A-Z]+(?:_[A-Z]+)+):/.exec(block.shows[0] ?? '')?.[1];
  const ends = command.ends ?? (command === block.commands.at(-1) ? shown : undefined) ?? 0;
  if (typeof ends === 'number') expect(code, at).toBe(ends);
  else {
    expect(code, at).not.toBe(0);
    expect(out).toContain(ends);
  }
}

function compare(shows: string[], screen: string, { page, otherwise }: Story): void {
  const text = screen.replace(/[^\S\n]+/g, ' ');
  for (const shown of shows) {
    const pattern = patternOf(otherwise?.(shown) ?? shown);
    if (pattern) expect(text, `${page} shows: ${shown}`).toMatch(pattern);
  }
}
