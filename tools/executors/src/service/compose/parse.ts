import { isScalar, parseDocument, visit } from 'yaml';

export type Mapping = Record<string, unknown>;

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys of a compose file that we read. The rest of it goes through as it is. */
export interface ComposeFile {
  services: Record<string, Mapping>;
  volumes: Mapping;
  networks: Mapping;
  configs: Mapping;
  secrets: Mapping;
  include?: unknown;
}

/** A compose file's text as values, aliases and merges resolved; or lines that say what is wrong with it, and where. */
export function parseCompose(text: string): ComposeFile | string[] {
  const document = parseDocument(text, { merge: true });
  const mistakes = document.errors.map(({ code, message, linePos }) => {
    const line = linePos?.[0].line;
    return `${line === undefined ? '' : `line ${line}: `}${message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')} (${code})`;
  });
  if (mistakes.length > 0) return mistakes;
  visit(document, {
    // `0640` and `1.10` are texts to whoever wrote them, and compose reads them as such where it needs a number.
    Scalar: (_, node) => {
      if (isScalar(node) && typeof node.value === 'number' && node.source !== String(node.value))
        node.value = node.source ?? String(node.value);
    },
  });
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch {
    return ['the file repeats itself too often by its aliases'];
  }
  if (!isMapping(content) || !isMapping(content['services'])) return ['services: is missing, or no mapping'];
  const problems: string[] = [];
  const section = (name: string): Mapping => {
    const value = content[name] ?? {};
    if (isMapping(value)) return value;
    problems.push(`${name}: is no mapping`);
    return {};
  };
  const services = Object.fromEntries(
    Object.entries(content['services']).map(([name, service]) => {
      if (!isMapping(service)) problems.push(`services.${name}: is no mapping`);
      return [name, isMapping(service) ? service : {}];
    }),
  );
  if (problems.length > 0) return problems;
  return {
    services,
    volumes: section('volumes'),
    networks: section('networks'),
    configs: section('configs'),
    secrets: section('secrets'),
    ...(content['include'] === undefined ? {} : { include: content['include'] }),
  };
}
