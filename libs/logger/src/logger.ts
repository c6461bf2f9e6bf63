import { stringify } from './stringify.ts';

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type Fields = Record<string, unknown>;

const ORDER: Record<Level | 'silent', number> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: 60,
};

export interface LoggerOptions {
  /** Lines below this level are not written. Default: `info`. */
  level?: Level | 'silent';
  /** Fields of every line. */
  fields?: Fields;
  /** Takes one finished line, without the line break. Default: standard output. */
  write?: (line: string) => void;
  /** The clock, for tests. */
  now?: () => Date;
}

type Write = (message: string, fields?: Fields) => void;

/** Writes one JSON object a line: `time`, `level`, `message`, then the fields. No field makes it throw. */
export interface Logger extends Record<Level, Write> {
  readonly level: Level | 'silent';
  /** Whether a line of this level would be written; for fields that are costly to make. */
  enabled(level: Level): boolean;
  /** A logger that adds fields to every line; later fields win. */
  child(fields: Fields, options?: Pick<LoggerOptions, 'level'>): Logger;
}

export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info', fields: bound = {}, now = () => new Date() } = options;
  const write = options.write ?? ((line) => void process.stdout.write(`${line}\n`));
  const enabled = (wanted: Level): boolean => ORDER[wanted] >= ORDER[level];
  const at =
    (wanted: Level): Write =>
    (message, fields) => {
      if (!enabled(wanted)) return;
      // The three names are the logger's own: a field cannot pretend to be another level or time.
      const head = { time: now().toISOString(), level: wanted, message };
      write(line(head, bound, fields));
    };
  return {
    level,
    enabled,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields, changed = {}) =>
      createLogger({ ...options, write, ...changed, fields: { ...bound, ...fields } }),
  };
}

function line(head: Fields, bound: Fields, fields: Fields | undefined): string {
  try {
    return stringify({ ...head, ...bound, ...fields, ...head });
  } catch (error) {
    return stringify({ ...head, ...bound, ...head, fields: `[unreadable: ${String(error)}]` });
  }
}

/** A logger that writes nothing: the default of a library. */
export const silent: Logger = /* @__PURE__ */ createLogger({ level: 'silent' });
