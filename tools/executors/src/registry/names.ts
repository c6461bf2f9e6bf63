/** The name as one path segment, the way npm's client writes it: `@scope%2fname`. */
export function escaped(name: string): string {
  return name.startsWith('@')
    ? `@${encodeURIComponent(name.slice(1)).replace(/%2F/g, '%2f')}`
    : encodeURIComponent(name);
}
