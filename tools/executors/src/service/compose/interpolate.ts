export interface Interpolated {
  text: string;
  /** Variables that are needed and have no value, in their order. */
  missing: string[];
  /** What is wrong with the text itself: a `$` that begins nothing. */
  mistake?: string;
}

export type Values = Readonly<Record<string, string>>;

/**
 * Compose's own language: `$VAR`, `${VAR}`, `${VAR:-x}`, `${VAR-x}`, `${VAR:?e}`, `${VAR?e}`, `${VAR:+x}`, `${VAR+x}`, nested, and `$$`
 * for one `$`. What compose would only warn of, a variable without value or default, is missing here: on a server it is never meant.
 */
export function interpolate(text: string, values: Values): Interpolated {
  const reader = new Reader(text, values);
  const read = reader.until('');
  return {
    text: read,
    missing: [...new Set(reader.missing)],
    ...(reader.mistake === undefined ? {} : { mistake: reader.mistake }),
  };
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-?+]/y;

class Reader {
  readonly missing: string[] = [];
  mistake: string | undefined;
  private at = 0;
  private readonly text: string;
  private readonly values: Values;
  /** Above 0 within a word that is not used: nothing is missing there. */
  private unused = 0;

  constructor(text: string, values: Values) {
    this.text = text;
    this.values = values;
  }

  /** Up to an `end` of this level, or to the end of the text. */
  until(end: '' | '}'): string {
    let out = '';
    while (this.at < this.text.length && this.mistake === undefined) {
      const char = this.text[this.at] as string;
      if (char === end) return out;
      this.at += 1;
      out += char === '$' ? this.variable() : char;
    }
    return out;
  }

  private variable(): string {
    const start = this.at - 1;
    if (this.text[this.at] === '$') {
      this.at += 1;
      return '$';
    }
    const braced = this.text[this.at] === '{';
    if (braced) this.at += 1;
    const name = this.take(NAME);
    if (name === '') return this.wrong(start);
    if (!braced) return this.need(name);
    const operator = this.take(OPERATOR);
    if (operator === '') {
      const value = this.need(name);
      return this.close(start, value);
    }
    return this.close(start, this.operated(name, operator));
  }

  private operated(name: string, operator: string): string {
    const value = this.own(name);
    const there = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    const kind = operator.slice(-1);
    // The word is read in any case, to get past it.
    const used = kind === '+' ? there : kind === '-' && !there;
    if (!used) this.unused += 1;
    const word = this.until('}');
    if (!used) this.unused -= 1;
    if (kind === '+') return there ? word : '';
    if (there) return value as string;
    if (kind === '-') return word;
    if (this.unused === 0) this.missing.push(name);
    return '';
  }

  private need(name: string): string {
    const value = this.own(name);
    if (value === undefined && this.unused === 0) this.missing.push(name);
    return value ?? '';
  }

  private own(name: string): string | undefined {
    return Object.hasOwn(this.values, name) ? this.values[name] : undefined;
  }

  private close(start: number, value: string): string {
    if (this.text[this.at] !== '}') return this.wrong(start);
    this.at += 1;
    return value;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private wrong(start: number): string {
    this.mistake ??= `"${this.text.slice(start, start + 20)}" is no variable (write $$ for one $)`;
    return '';
  }
}
