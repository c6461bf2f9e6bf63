import { parseDocument } from 'yaml';
import type { ComposeNames } from './checks.ts';

/** The services and named volumes of a compose file's text; a line that says what is wrong where it is none. */
export function composeNames(text: string): ComposeNames | string {
  const document = parseDocument(text, { merge: true });
  const mistake = document.errors[0];
  if (mistake) {
    const line = mistake.linePos?.[0].line;
    return `is not YAML${line === undefined ? '' : ` in line ${line}`} (${mistake.code})`;
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch {
    return 'repeats itself too often by its aliases';
  }
  const { services, volumes } = (content ?? {}) as Record<string, unknown>;
  if (!isMapping(services)) return 'has no mapping "services"';
  return { services: Object.keys(services), volumes: isMapping(volumes) ? Object.keys(volumes) : [] };
}

const isMapping = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
