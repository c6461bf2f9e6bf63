import { parse } from 'yaml';

/** What the files of a workspace say about where its packages are published to. */
export interface Evidence {
  /** Text of .npmrc, without what a person or a machine has. */
  npmrc?: string;
  /** Text of .yarnrc.yml. */
  yarnrc?: string;
  packages: { name: string; publishConfig?: Record<string, unknown> }[];
}
export interface StageOption {
  name: string;
  registry?: string;
  tokenEnv?: string;
  access?: string;
}

const GITHUB = 'https://npm.pkg.github.com';

/**
 * The stages that the workspace's own configuration speaks of, in the order in which packages would move: GitHub Packages, other
 * registries, the client's own default. Empty where it speaks of none.
 * @param isDefault whether an address is that of the client's own default registry, whose host stands nowhere here
 */
export function inferredStages(evidence: Evidence, isDefault: (address: string) => boolean): StageOption[] {
  const npm = npmrcOf(evidence.npmrc ?? '');
  const yarn = yarnrcOf(evidence.yarnrc ?? '');
  const scopes = { ...yarn.scopes, ...npm.scopes };
  const tokens = { ...yarn.tokens, ...npm.tokens };
  const found = new Map<string, StageOption>();
  for (const { name, publishConfig = {} } of evidence.packages) {
    const scope = /^@[^/]+/.exec(name)?.[0] ?? '';
    const own = publishConfig[`${scope}:registry`] ?? publishConfig['registry'];
    const access = publishConfig['access'] === 'public' || publishConfig['access'] === 'restricted';
    // Where a scope comes from is where it was published to; a registry for everything may be a mirror.
    const named = scope === '' ? undefined : scopes[scope];
    const from = named ?? (own === undefined ? scopes[''] : undefined);
    const places = [from, typeof own === 'string' ? own : undefined].filter((one) => one !== undefined);
    for (const address of places.map(trimmed)) {
      const key = isDefault(address) ? '' : address;
      const before = found.get(key);
      found.set(key, {
        ...(before ?? stageAt(key, tokens)),
        ...(access ? { access: publishConfig['access'] as string } : {}),
      });
    }
  }
  return named([...found.values()].sort((a, b) => rank(a) - rank(b)));
}

function stageAt(address: string, tokens: Record<string, string>): StageOption {
  if (address === '') return { name: 'public' };
  const isGitHub = address === GITHUB;
  const tokenEnv = tokens[address.replace(/^https?:/, '')] ?? (isGitHub ? 'GITHUB_TOKEN' : undefined);
  return {
    name: isGitHub ? 'github' : nameFor(address),
    registry: address,
    ...(tokenEnv ? { tokenEnv } : {}),
  };
}

/** `npm.test.example.com` is "test": the first word of the host that says something. */
function nameFor(address: string): string {
  const words = (URL.parse(address)?.hostname ?? '')
    .split('.')
    .filter((word) => !/^(npm|registry|packages|www|\d+)$/.test(word));
  const word = (words[0] ?? 'registry').replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^[^a-z]+|-+$/g, '');
  return word === '' || word === 'localhost' ? 'registry' : word;
}

/** Two registries of one name get numbers. */
function named(stages: StageOption[]): StageOption[] {
  const count = new Map<string, number>();
  return stages.map((stage) => {
    const seen = (count.get(stage.name) ?? 0) + 1;
    count.set(stage.name, seen);
    return seen === 1 ? stage : { ...stage, name: `${stage.name}-${seen}` };
  });
}

const rank = ({ name, registry }: StageOption): number =>
  name === 'github' ? 0 : registry === undefined ? 2 : 1;
const trimmed = (address: string): string => address.trim().replace(/\/+$/, '');

interface Read {
  /** Scope (empty: all others) -> address. */
  scopes: Record<string, string>;
  /** Address without its scheme -> variable that holds the token. */
  tokens: Record<string, string>;
}

function npmrcOf(text: string): Read {
  const read: Read = { scopes: {}, tokens: {} };
  for (const line of text.split(/\r?\n/)) {
    const [, key = '', value = ''] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const [, scope] = /^(?:(@[^:]+):)?registry$/.exec(key) ?? [undefined, undefined];
    if (/(^|:)registry$/.test(key) && /^https?:\/\//.test(value)) read.scopes[scope ?? ''] = value;
    const [, at] = /^(\/\/.+?)\/?:_authToken$/.exec(key) ?? [];
    const variable = variableIn(value);
    if (at !== undefined && variable) read.tokens[at] = variable;
  }
  return read;
}

interface YarnScope {
  npmRegistryServer?: unknown;
  npmPublishRegistry?: unknown;
  npmAuthToken?: unknown;
}

function yarnrcOf(text: string): Read {
  const read: Read = { scopes: {}, tokens: {} };
  let content: (YarnScope & { npmScopes?: Record<string, YarnScope> }) | null;
  try {
    content = parse(text) as typeof content;
  } catch {
    // Whose file is broken hears it from yarn.
    return read;
  }
  const take = (scope: string, one: YarnScope): void => {
    const address = one.npmPublishRegistry ?? one.npmRegistryServer;
    if (typeof address !== 'string') return;
    read.scopes[scope] = address;
    const variable = variableIn(String(one.npmAuthToken ?? ''));
    if (variable) read.tokens[trimmed(address).replace(/^https?:/, '')] = variable;
  };
  take('', content ?? {});
  for (const [scope, one] of Object.entries(content?.npmScopes ?? {})) take(`@${scope}`, one);
  return read;
}

/** The name alone: a token that stands in a file is not read. */
const variableIn = (value: string): string | undefined => /^\$\{([A-Za-z_]\w*)[^}]*\}$/.exec(value)?.[1];
