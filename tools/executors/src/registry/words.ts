/** Enough of an error's body for its words; the rest is drained, where there is not too much of it. */
const WORDS = 64 * 1024;

/** What a registry said beside its status. */
export async function wordsOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      if (size < WORDS) chunks.push(chunk);
      size += chunk.length;
      if (size > 16 * WORDS) break;
    }
  } catch {
    // The status decides; words that were cut off are still words.
  }
  return Buffer.concat(chunks).subarray(0, WORDS).toString('utf8');
}

/** The first words of a body, for one line: a proxy's page is all markup. */
export function excerpt(text: string): string {
  const line = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
