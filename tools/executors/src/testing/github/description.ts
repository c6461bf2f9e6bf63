import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import type { Operation } from './operations.ts';

export interface Schema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  enum?: unknown[];
  format?: string;
  default?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}
interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required?: boolean;
  schema: Schema;
}
type Content = { content?: Record<string, { schema?: Schema }> };
interface Described {
  parameters?: ({ $ref: string } | Parameter)[];
  requestBody?: Content & { required?: boolean };
  responses: Record<string, { $ref: string } | Content>;
}
interface Description {
  paths: Record<string, Record<string, Described>>;
  components: {
    schemas: Record<string, Schema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Content>;
  };
}

/** GitHub's own description of its API, as far as `operations.ts` names it; read when it is first asked. */
let read: Description | undefined;
const description = (): Description =>
  (read ??= JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')) as Description);

/** What a request is, and what its address says; undefined for what GitHub's description does not know. */
export function operationOf(
  method: string,
  path: string,
): { operation: Operation; params: Record<string, string> } | undefined {
  for (const { operation, verb, pattern, names } of (routes ??= makeRoutes())) {
    const found = verb === method ? pattern.exec(path) : null;
    if (!found) continue;
    const values = found.slice(1).map((value) => decodeURIComponent(value));
    return { operation, params: Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])) };
  }
  return undefined;
}

interface Route {
  operation: Operation;
  verb: string;
  pattern: RegExp;
  names: string[];
}
let routes: Route[] | undefined;

/** What is spelled out comes before what is a variable: `releases/latest` is no id of a release. */
function makeRoutes(): Route[] {
  const all = Object.entries(description().paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, verb: method.toUpperCase() })),
  );
  const literal = (path: string) => path.replaceAll(/\{[^}]+\}/g, '').length;
  return all
    .sort((a, b) => literal(b.path) - literal(a.path))
    .map(({ path, verb }) => ({
      operation: `${verb} ${path}` as Operation,
      verb,
      // A name of a ref may have slashes in it.
      pattern: new RegExp(`^${path.replace(/\{ref\}$/, '(.+)').replaceAll(/\{[^}]+\}/g, '([^/]+)')}$`),
      names: [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? ''),
    }));
}

/** What is wrong with a request by the description; one line each. */
export function requestProblems(operation: Operation, query: URLSearchParams, body: unknown): string[] {
  const { parameters = [], requestBody } = described(operation);
  const known = parameters
    .map((one) => ('$ref' in one ? component('parameters', one.$ref) : one))
    .filter((one) => one.in === 'query');
  const problems = [...query].flatMap(([name, value]) => {
    const parameter = known.find((one) => one.name === name);
    if (!parameter) return [`the query has "${name}", which is no parameter`];
    const wanted = resolve(parameter.schema).type;
    const typed = /^(integer|number|boolean)$/.test(wanted ?? '') ? parsed(value) : value;
    return errorsOf(parameter.schema, typed).map((problem) => `query ${name}${problem}`);
  });
  const schema = requestBody?.content?.['application/json']?.schema;
  if (!schema) return problems;
  if (body === undefined) return requestBody?.required ? [...problems, 'the body is missing'] : problems;
  const said = LABELS === operation && Array.isArray(body) ? { labels: body } : body;
  return [...problems, ...unknownFields(schema, said), ...errorsOf(schema, said).map((one) => `body${one}`)];
}

/** "You can also pass an `array` of labels directly" stands in the words of the description alone. */
const LABELS: Operation = 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels';

/** What is wrong with an answer by the description. A refusal that it does not mention has to look like all of them. */
export function answerProblems(operation: Operation, status: number, body: unknown): string[] {
  const schema = schemaOf(operation, status);
  if (schema) return errorsOf(schema, body).map((problem) => `answer ${status}${problem}`);
  if (status >= 400) return errorsOf({ $ref: '#/components/schemas/basic-error' }, body);
  const known = described(operation).responses[String(status)];
  if (!known) return [`${status} is no answer to ${operation}`];
  return body === undefined ? [] : [`the answer ${status} has no body`];
}

/** A body with all that the description asks for; what is not given has some value of the right type. */
export function filled(operation: Operation, status: number, given: unknown): unknown {
  const schema = schemaOf(operation, status);
  return schema ? fill(schema, given) : given;
}

function schemaOf(operation: Operation, status: number): Schema | undefined {
  const response = described(operation).responses[String(status)];
  if (!response) return undefined;
  const { content } = '$ref' in response ? component('responses', response.$ref) : response;
  return content?.['application/json']?.schema;
}

function described(operation: Operation): Described {
  const [method = '', path = ''] = operation.split(' ');
  const found = description().paths[path]?.[method.toLowerCase()];
  if (!found) throw new Error(`${operation} is not in openapi.json`);
  return found;
}

function component<K extends keyof Description['components']>(
  kind: K,
  ref: string,
): Description['components'][K][string] {
  return description().components[kind][ref.split('/').at(-1) ?? ''] as Description['components'][K][string];
}

function resolve(schema: Schema): Schema {
  return schema.$ref ? resolve(component('schemas', schema.$ref)) : schema;
}

/** GitHub passes over fields that it does not know; whoever sends one meant another. */
function unknownFields(schema: Schema, body: unknown): string[] {
  const { properties, anyOf, oneOf, additionalProperties } = resolve(schema);
  if (!properties || anyOf || oneOf || additionalProperties) return [];
  return Object.keys(body ?? {})
    .filter((name) => !(name in properties))
    .map((name) => `the body has "${name}", which is no field`);
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

let ajv: Ajv | undefined;
const compiled = new Map<string, ValidateFunction>();

function errorsOf(schema: Schema, value: unknown): string[] {
  ajv ??= new Ajv({
    strict: false,
    allErrors: true,
    formats: {
      // Where there is none, GitHub's own default is the empty text.
      uri: (text: string) => text === '' || URL.canParse(text),
      'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
      email: /@/,
      int64: true,
    },
  }).addSchema({ $id: 'github', components: plain(description().components) } as object);
  const key = JSON.stringify(schema);
  const check = compiled.get(key) ?? ajv.compile(absolute(plain(schema)) as object);
  compiled.set(key, check);
  if (check(value)) return [];
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

/** OpenAPI 3.0 says `nullable` where JSON schema lists null. */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (node === null || typeof node !== 'object') return node;
  const { nullable, ...rest } = node as Schema;
  const copy = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, plain(value)]));
  return nullable === true ? { anyOf: [copy, { type: 'null' }] } : copy;
}

function absolute(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(absolute);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [
      name,
      name === '$ref' ? `github${String(value)}` : absolute(value),
    ]),
  );
}

function fill(schema: Schema, given: unknown): unknown {
  const { type, nullable, allOf, anyOf, oneOf, items, properties, required } = resolve(schema);
  const choices = anyOf ?? oneOf;
  if (given === null) return null;
  if (choices && !properties) return fill(bestOf(choices, given), given);
  if (given === undefined) {
    if (nullable) return null;
    if (!allOf && !properties && type !== 'object' && type !== 'array') return someValue(resolve(schema));
  }
  if (type === 'array' || Array.isArray(given))
    return ((given ?? []) as unknown[]).map((one) => (items ? fill(items, one) : one));
  if (given !== undefined && typeof given !== 'object') return given;
  const result: Record<string, unknown> = { ...(given as object) };
  for (const part of allOf ?? []) Object.assign(result, fill(part, result));
  for (const [name, property] of Object.entries(properties ?? {}))
    if (required?.includes(name) || result[name] !== undefined) result[name] = fill(property, result[name]);
  return result;
}

function bestOf(choices: Schema[], given: unknown): Schema {
  const fits = (schema: Schema): boolean => {
    const { properties, type, allOf } = resolve(schema);
    if (given === undefined || given === null) return true;
    if (typeof given !== 'object') return type === (typeof given === 'number' ? 'integer' : typeof given);
    const names = Object.keys({
      ...properties,
      ...Object.assign({}, ...(allOf ?? []).map((one) => resolve(one).properties)),
    });
    return Object.keys(given).every((name) => names.includes(name));
  };
  return choices.find(fits) ?? choices[0] ?? {};
}

function someValue({ type, format, enum: values, default: standard }: Schema): unknown {
  if (standard !== undefined) return standard;
  if (values) return values[0];
  if (type === 'integer' || type === 'number') return 0;
  if (type === 'boolean') return false;
  if (format === 'uri') return 'https://github.example.com/';
  if (format === 'date-time') return '2026-11-01T00:00:00Z';
  if (format === 'email') return 'nobody@example.com';
  return type === 'string' ? '' : undefined;
}
