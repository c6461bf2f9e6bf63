import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { errors } from '../foundation/index.ts';
import { checker, type Check } from '../schema/index.ts';
import { crossChecks, unknownStages, type ComposeNames } from './checks.ts';
import { parseCompose } from './compose/parse.ts';
import { isPathBelow, isRelativePath } from './paths.ts';
import schema from './service.schema.json' with { type: 'json' };
import { SERVICE_FILE, type ServiceConfig } from './types.ts';

export interface ReadOptions {
  /** Names of the services' stages in nx.json; where given, `stages` may speak of no other. */
  stages?: readonly string[];
}

/**
 * The configuration of a service, with the schema's defaults filled in, checked against the compose files that it names.
 * @param folder of the project, absolute
 * @throws SERVICE_CONFIG_MISSING; SERVICE_CONFIG_INVALID with one line for each wrong option, led by its path
 */
export function readService(folder: string, options: ReadOptions = {}): ServiceConfig {
  const file = join(folder, SERVICE_FILE);
  const text = readText(file);
  if (text === undefined) throw errors.SERVICE_CONFIG_MISSING({ file });
  return parseService(text, (path) => readText(join(folder, path)), { ...options, file });
}

/**
 * The configuration in the text of a sluice.json.
 * @param read gives the text of a file below the project; undefined where there is none
 * @throws SERVICE_CONFIG_INVALID
 */
export function parseService(
  text: string,
  read: (path: string) => string | undefined,
  { file = SERVICE_FILE, stages }: ReadOptions & { file?: string } = {},
): ServiceConfig {
  const invalid = (problems: string[]) =>
    errors.SERVICE_CONFIG_INVALID({ file, problems }, { details: { problems } });
  const config = json(text, invalid);
  const wrong = (check ??= checker(schema, FORMATS, SERVICE_FILE))(config);
  if (wrong.length > 0) throw invalid(wrong);

  const problems: string[] = [];
  const names = (at: string, path: string): ComposeNames | undefined => {
    const content = read(path);
    const found = content === undefined ? ['does not exist'] : parseCompose(content);
    if (!Array.isArray(found))
      return { services: Object.keys(found.services), volumes: Object.keys(found.volumes) };
    problems.push(...found.map((problem) => `${at}: ${path}: ${problem}`));
    return undefined;
  };
  const compose = names('compose', config.compose);
  const smoke = config.smoke?.compose === undefined ? compose : names('smoke.compose', config.smoke.compose);
  if (compose && smoke) problems.push(...crossChecks(config, compose, smoke));
  if (stages) problems.push(...unknownStages(config, stages));
  if (problems.length > 0) throw invalid(problems);
  return config;
}

/** Compiled at first use. */
let check: Check | undefined;
const FORMATS = { 'path-below': isPathBelow, 'relative-path': isRelativePath };

function json(text: string, invalid: (problems: string[]) => Error): ServiceConfig {
  const mistakes: ParseError[] = [];
  const value = parse(text, mistakes, { allowTrailingComma: true }) as unknown;
  const mistake = mistakes[0];
  if (mistake) {
    const line = text.slice(0, mistake.offset).split('\n').length;
    throw invalid([`line ${line}: is not JSON (${printParseErrorCode(mistake.error)})`]);
  }
  if (typeof value === 'object' && value !== null) delete (value as Record<string, unknown>)['$schema'];
  return value as ServiceConfig;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}
