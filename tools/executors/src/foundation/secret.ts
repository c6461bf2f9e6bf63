import { existsSync } from 'node:fs';

const REDACTED = '[redacted]';
/** Shorter strings would blank out ordinary words. */
const SHORTEST = 6;
const known = new Set<string>();

/**
 * A value that never prints itself. `reveal()` is called only where it is put on the wire.
 * Making one also teaches the output sink to redact it, raw, URL-encoded and in base64.
 */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
    remember(value);
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return REDACTED;
  }
  toJSON(): string {
    return REDACTED;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

function remember(value: string): void {
  if (value.length < SHORTEST) return;
  known.add(value);
  known.add(encodeURIComponent(value));
  known.add(JSON.stringify(value).slice(1, -1));
  // Base64 of the value at each of the three alignments it can have inside a longer text, without the
  // characters that depend on its neighbours.
  for (const prefix of ['', 'x', 'xx']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.from(prefix + value)
        .toString(encoding)
        .replace(/=+$/, '');
      const start = prefix.length === 0 ? 0 : prefix.length + 1;
      const end = Buffer.byteLength(prefix + value) % 3 === 0 ? encoded.length : encoded.length - 1;
      if (end - start >= SHORTEST) known.add(encoded.slice(start, end));
    }
  }
}

/** The text with every known secret, in each of its forms, replaced. */
export function redact(text: string): string {
  let out = text;
  for (const form of [...known].sort((a, b) => b.length - a.length)) out = out.replaceAll(form, REDACTED);
  return out;
}

/** Every environment variable whose name says that its value is a secret becomes known to `redact`. */
export function rememberEnvironment(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    if (value) rememberAddress(value);
    if (
      value &&
      /token|secret|passw|_key$|_auth(?!or)|credential|private_?key/i.test(name) &&
      !/^(SSH_AUTH_SOCK|SLUICE_SIGNING_KEY)$/.test(name) &&
      // A file that holds a secret is none itself; base64 may begin with a slash as well.
      !(value.startsWith('/') && existsSync(value))
    )
      remember(value);
  }
}

/** The password of an address such as `https://user:password@host/` becomes known to `redact`. */
export function rememberAddress(text: string): void {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@:]*:([^\s/?#@]+)@/i.exec(text)?.[1];
  if (password === undefined) return;
  remember(password);
  remember(decoded(password));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Wraps the process's own output streams, so that nothing printed by us or by a library shows a secret. */
export function redactOutput(streams: NodeJS.WriteStream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    const marked = stream as NodeJS.WriteStream & { sluiceRedacts?: boolean };
    if (marked.sluiceRedacts) continue;
    marked.sluiceRedacts = true;
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = ((chunk: unknown, ...rest: unknown[]) =>
      write(redactChunk(chunk), ...rest)) as typeof stream.write;
  }
}

/** Bytes that hold no secret go on as they are: they need not be text. */
function redactChunk(chunk: unknown): unknown {
  if (typeof chunk === 'string') return redact(chunk);
  if (!(chunk instanceof Uint8Array)) return chunk;
  const text = Buffer.from(chunk).toString('utf8');
  const redacted = redact(text);
  return redacted === text ? chunk : Buffer.from(redacted);
}
