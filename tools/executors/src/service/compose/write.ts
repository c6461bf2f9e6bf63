import { stringify } from 'yaml';
import { isMapping } from './parse.ts';

/**
 * A compose file for the host. Every text is quoted, and every `$` doubled, so that neither YAML 1.1 nor 1.2, neither compose 1.29 nor
 * v2, finds anything in a value but that value. Without `version`: 1.27 and newer take the file as of the compose specification then.
 */
export function writeCompose(file: object): string {
  return stringify(doubled(file), {
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'QUOTE_DOUBLE',
    lineWidth: 0,
  });
}

function doubled(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(doubled);
  if (isMapping(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, doubled(item)]));
  return value;
}
