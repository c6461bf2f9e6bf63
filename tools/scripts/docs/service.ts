import { heading } from './markdown.ts';
import { sections } from './options.ts';
import { readSchema } from './schema.ts';

/** Every option of sluice.json, in the order of the schema. */
export async function servicePage(workspace: string): Promise<string> {
  const file = 'src/service/service.schema.json';
  const schema = await readSchema(workspace, file);
  return [
    heading('sluice.json', `tools/executors/${file}`),
    `${schema.description ?? ''} Where its stages are is told in [Options](options.md).`,
    'An option that is not listed here is an error; the message names its path. Durations are written `30s`, `15m` or `2h`.',
    ...sections(schema),
  ].join('\n\n');
}
