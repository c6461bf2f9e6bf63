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
    ...sections(new Walk(schema)),
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

function sections(walk: Walk): string[] {
  return [`## All options`, optionTable(walk, '', walk.root), ...below(walk, '', walk.root)];
}

/** A section for every object below, depth first. */
function below(walk: Walk, path: string, schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, raw]) => {
    const option = walk.resolve(raw);
    const list = option.type === 'array' && option.items !== undefined;
    const object = list ? walk.resolve(option.items as Schema) : option;
    if (!object.properties) return [];
    const here = `${path}${path && '.'}${name}${list ? '[]' : ''}`;
    const key = definition(list ? (option.items as Schema) : raw);
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

/** Where an option can be written short, its section shows the long form. */
function example(option: Schema): string[] {
  const long = option.examples?.find((one) => typeof one === 'object');
  return long === undefined ? [] : ['```json\n' + JSON.stringify(long, null, 2) + '\n```'];
}

function optionTable(walk: Walk, path: string, object: Schema): string {
  const rows = Object.entries(object.properties ?? {}).map(([name, raw]) => {
    const option = walk.resolve(raw);
    const nested = option.properties ?? (option.items && walk.resolve(option.items).properties);
    return [
      code(name),
      `${typeOf(option)}${object.required?.includes(name) ? ' (needed)' : ''}`,
      simple(option.default) ? code(String(option.default)) : '',
      `${option.description ?? ''}${nested ? ' See below.' : ''}`,
      nested ? '' : examples(option),
    ];
  });
  return table(['option', 'value', 'default', '', 'example'], rows);
}

const simple = (value: unknown) => value !== undefined && typeof value !== 'object';

function examples(option: Schema): string {
  const [first] = option.examples ?? [];
  return first === undefined ? '' : code(typeof first === 'string' ? first : JSON.stringify(first));
}
