/**
 * JSON of anything, for a log line: errors with their stack and causes, bigints as text, maps and sets as what they
 * hold, a circle as `[circular]`, and a getter or `toJSON` that throws as `[unreadable: ...]`.
 */
export function stringify(value: unknown): string {
  return JSON.stringify(plain(value, []));
}

function plain(value: unknown, above: object[]): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (typeof value === 'symbol') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  const path = [...above, value];
  try {
    if (value instanceof Error) return plain(errorFields(value), path);
    if (value instanceof Map) return plain(Object.fromEntries(value), path);
    if (value instanceof Set) return plain([...value], path);
    if (Array.isArray(value)) return value.map((item) => plain(item, path));
    if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), path);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, path)]));
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.message : String(error)}]`;
  }
}

function errorFields(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return { ...error, name, message, stack, ...(cause === undefined ? {} : { cause }) };
}
