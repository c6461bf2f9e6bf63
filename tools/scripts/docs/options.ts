import { code, heading, table } from './markdown.ts';
import { readSchema, typeOf, type Schema } from './schema.ts';

/** Every option of the plugin, a section for each object, in the order of the schema. */
export async function optionsPage(workspace: string): Promise<string> {
  const schema = await readSchema(workspace, 'src/pipeline/options.schema.json');
  return [
    heading('Options', 'tools/executors/src/pipeline/options.schema.json'),
    'They stand in `nx.json`, under the plugin: `"plugins": [{ "plugin": "@sluice/nx/plugin", "options": { ... } }]`.',
    'An option that is not listed here is an error; the message names its path. Durations are written `30s`, `15m`, `24h` or `7d`.',
    'What the stages and gates mean is told in [Stages](../guide/stages.md) and [Gates](../guide/gates.md).',
    ...sections(schema),
  ].join('\n\n');
}

class Walk {
  readonly root: Schema;
  /** Definitions that have their section already, by the path under which they were first met. */
  readonly met = new Map<string, string>();
  constructor(root: Schema) {
    this.root = root;
  }

  /** The schema with what its `$ref` adds; its own words win. */
  resolve(schema: Schema): Schema {
    const name = definition(schema);
    return name === undefined ? schema : { ...this.root.definitions?.[name], ...schema };
  }
}

const definition = (schema: Schema) => schema.$ref?.replace('#/definitions/', '');

/** All options of a schema: a table of the first level, and a section for every object below. */
export function sections(schema: Schema): string[] {
  const walk = new Walk(schema);
  return [`## All options`, optionTable(walk, '', walk.root), ...below(walk, '', walk.root)];
}

/** A section for every object below, depth first. */
function below(walk: Walk, path: string, schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, raw]) => {
    const option = walk.resolve(raw);
    const inner = innerOf(option);
    const object = inner ? walk.resolve(inner.schema) : option;
    if (!object.properties) return [];
    const here = `${path}${path && '.'}${name}${inner?.suffix ?? ''}`;
    const key = definition(inner?.schema ?? raw);
    const before = key === undefined ? undefined : walk.met.get(key);
    if (key !== undefined && before === undefined) walk.met.set(key, here);
    const title = `## ${code(here)}`;
    if (before !== undefined) return [title, `The same as ${code(before)}.`];
    return [
      title,
      ...(option.description ? [option.description] : []),
      ...example(option),
      optionTable(walk, here, object),
      ...below(walk, here, object),
    ];
  });
}

/** What stands in a list, or under the names of a map. */
function innerOf(option: Schema): { schema: Schema; suffix: string } | undefined {
  if (option.type === 'array' && option.items !== undefined) return { schema: option.items, suffix: '[]' };
  const { additionalProperties: named } = option;
  return typeof named === 'object' ? { schema: named, suffix: '.<name>' } : undefined;
}

/** Where an option can be written short, its section shows the long form. */
function example(option: Schema): string[] {
  const long = option.examples?.find((one) => typeof one === 'object');
  return long === undefined ? [] : ['```json\n' + JSON.stringify(long, null, 2) + '\n```'];
}

function optionTable(walk: Walk, path: string, object: Schema): string {
  const rows = Object.entries(object.properties ?? {}).map(([name, raw]) => {
    const option = walk.resolve(raw);
    const inner = innerOf(option);
    const nested = option.properties ?? (inner && walk.resolve(inner.schema).properties);
    return [
      code(name),
      `${typeOf(option)}${object.required?.includes(name) ? ' (needed)' : ''}`,
      simple(option.default) ? code(String(option.default)) : '',
      `${option.description ?? ''}${nested ? ' See below.' : ''}`,
      nested ? '' : examples(option),
    ];
  });
  return table(['option', 'value', 'default', 'meaning', 'example'], rows);
}

const simple = (value: unknown) => value !== undefined && typeof value !== 'object';

function examples(option: Schema): string {
  const [first] = option.examples ?? [];
  return first === undefined ? '' : code(typeof first === 'string' ? first : JSON.stringify(first));
}
