import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { code, table } from './markdown.ts';

/** As much of JSON schema as ours use. */
export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  default?: unknown;
  examples?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  minimum?: number;
  definitions?: Record<string, Schema>;
  'x-priority'?: string;
}

export async function readSchema(workspace: string, file: string): Promise<Schema> {
  return JSON.parse(await readFile(join(workspace, 'tools/executors', file), 'utf8')) as Schema;
}

/** What a value of this option looks like. */
export function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.type === 'array')
    return `list of ${schema.items?.enum ? typeOf(schema.items) : plural(schema.items)}`;
  if (schema.format === 'uri') return 'address';
  if (schema.format === 'date-time') return 'instant';
  if (typeof schema.additionalProperties === 'object') return 'object, by name';
  return [schema.type ?? 'object'].flat().map(word).join(' or ');
}

const word = (type: string): string =>
  type === 'boolean' ? 'true or false' : type === 'integer' ? 'number' : type;
const plural = (schema: Schema | undefined): string => `${[schema?.type ?? 'object'].flat()[0]}s`;

/** Options of an executor or a generator as command-line flags. */
export function flagTable(schema: Schema): string {
  const own = Object.entries(schema.properties ?? {}).filter(([, one]) => one['x-priority'] !== 'internal');
  return table(
    ['option', 'value', 'default', 'meaning'],
    own.map(([name, one]) => [
      code(`--${name}`),
      `${typeOf(one)}${schema.required?.includes(name) ? ' (needed)' : ''}`,
      one.default === undefined ? '' : code(String(one.default)),
      one.description ?? '',
    ]),
  );
}
