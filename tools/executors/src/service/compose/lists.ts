import { isMapping, type Mapping } from './parse.ts';

/** Compose takes many things as a list of texts or as a mapping. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** `KEY=value` entries or a mapping, as a mapping; `null` where there is a key alone. */
export function pairs(value: unknown): Record<string, string | null> {
  const entries = Array.isArray(value)
    ? value.map((entry): [string, string | null] => {
        const text = textOf(entry);
        const at = text.indexOf('=');
        return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
      })
    : isMapping(value)
      ? Object.entries(value).map(([key, item]): [string, string | null] => [
          key,
          item === null ? null : textOf(item),
        ])
      : [];
  return Object.fromEntries(entries);
}

/** Names in a list, or keys of a mapping. */
export const names = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(textOf) : isMapping(value) ? Object.keys(value) : [];

/** The same list or mapping with other names; a name may become several, or none. */
export function renamed(value: unknown, to: (name: string) => string[]): unknown {
  if (Array.isArray(value)) return value.flatMap((name) => to(textOf(name)));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => to(name).map((other) => [other, item])),
  );
}

export const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || names(value).length === 0;

/** Without these keys, and without extensions (`x-...`). */
export function without(service: Mapping, keys: readonly string[]): Mapping {
  return Object.fromEntries(
    Object.entries(service).filter(([key]) => !keys.includes(key) && !key.startsWith('x-')),
  );
}
