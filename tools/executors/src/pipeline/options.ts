import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { errors } from '../foundation/index.ts';
import { checker, type Check } from '../schema/index.ts';
import { isRegistryUrl } from './addresses.ts';
import { crossChecks } from './checks.ts';
import schema from './options.schema.json' with { type: 'json' };
import type { SluiceOptions } from './types.ts';

/** Names under which a workspace registers the plugin; the last one is its folder, as this repository itself does. */
const OURS = /^@sluice\/nx(\/plugin)?$|(^|[/\\])tools[/\\]executors([/\\].*)?$/;

/**
 * The options with the schema's defaults filled in; `raw` is left as it is.
 * @param file named in messages; where the options come from
 * @throws CONFIG_INVALID with one line for each wrong option, led by its path
 */
export function parseOptions(raw: unknown, file = 'nx.json'): SluiceOptions {
  const options = structuredClone(raw ?? {});
  const wrong = (check ??= checker(schema, FORMATS))(options);
  const problems = wrong.length > 0 ? wrong : crossChecks(options as SluiceOptions);
  if (problems.length > 0) throw errors.CONFIG_INVALID({ file, problems }, { details: { problems } });
  return options as SluiceOptions;
}

/** The options in the text of an nx.json, for instance one out of a git commit. Throws CONFIG_INVALID, PLUGIN_NOT_REGISTERED. */
export function optionsFromNxJson(text: string, file = 'nx.json'): SluiceOptions {
  const mistakes: ParseError[] = [];
  const nxJson = parse(text, mistakes, { allowTrailingComma: true }) as { plugins?: unknown } | undefined;
  const mistake = mistakes[0];
  if (mistake) {
    const line = text.slice(0, mistake.offset).split('\n').length;
    throw errors.CONFIG_INVALID({
      file,
      problems: [`line ${line}: is not JSON (${printParseErrorCode(mistake.error)})`],
    });
  }
  const plugins = Array.isArray(nxJson?.plugins) ? (nxJson.plugins as unknown[]) : [];
  for (const entry of plugins) {
    const { plugin, options } = (typeof entry === 'string' ? { plugin: entry } : (entry ?? {})) as Record<
      string,
      unknown
    >;
    if (typeof plugin === 'string' && OURS.test(plugin)) return parseOptions(options, file);
  }
  throw errors.PLUGIN_NOT_REGISTERED({ file });
}

/** The options of the workspace as they stand in its nx.json now. Throws CONFIG_INVALID, PLUGIN_NOT_REGISTERED. */
export async function readOptions(workspaceRoot: string): Promise<SluiceOptions> {
  const file = join(workspaceRoot, 'nx.json');
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? errors.PLUGIN_NOT_REGISTERED({ file }, { cause }) : cause;
  });
  return optionsFromNxJson(text);
}

/** Compiled at first use: most commands of Nx load the plugin's options, none should pay for it twice. */
let check: Check | undefined;

const FORMATS = {
  uri: isRegistryUrl,
  'date-time': (text: string) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text)),
  'time-zone': isTimeZone,
};

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
