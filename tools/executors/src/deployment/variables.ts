import { scrypt, type ScryptOptions } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { canonicalJson, errors, Secret } from '../foundation/index.ts';
import type { ServiceBundle } from '../service/types.ts';

/** Values of the compose file's variables; those that are secret do not print themselves. */
export type Variables = Record<string, string | Secret>;

export interface VariableInput {
  bundle: ServiceBundle;
  stage: string;
  /** The deployer's environment: only `secrets` are taken from it. */
  env: Readonly<Record<string, string | undefined>>;
  /** Content of `--env-file`, which wins over all. */
  given?: Readonly<Record<string, string | undefined>>;
}

/**
 * What the compose file's variables are: the service's own values, then the stage's, then `--env-file`; secrets from there
 * or from the deployer's environment, and from nowhere else.
 * @throws VARIABLE_MISSING with the names of all secrets that have no value
 */
export function resolveVariables({ bundle, stage, env, given = {} }: VariableInput): Variables {
  const { config, project } = bundle;
  const variables: Variables = { ...config.environment, ...config.stages[stage]?.environment };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) variables[name] = value;
  const missing: string[] = [];
  for (const name of config.secrets) {
    const value = given[name] ?? env[name];
    // An empty secret is what a CI system hands over where it has none of that name.
    if (value === undefined || value === '') missing.push(name);
    else variables[name] = new Secret(value);
  }
  if (missing.length > 0) throw errors.VARIABLE_MISSING({ project, stage, names: missing });
  return variables;
}

/** What a service may say of itself, without saying so in sluice.json; not a part of the environment that two releases are compared by. */
export const ownVariables = (of: { version: string; stage: string; release: string }) => ({
  SLUICE_VERSION: of.version,
  SLUICE_ENVIRONMENT: of.stage,
  SLUICE_RELEASE: of.release,
});

/** The variables of an env file (`NAME=value` lines, quotes, comments). Throws ENV_FILE_UNREADABLE. */
export async function readEnvFile(workspaceRoot: string, file: string): Promise<Record<string, string>> {
  try {
    return parseEnv(await readFile(resolve(workspaceRoot, file), 'utf8')) as Record<string, string>;
  } catch (cause) {
    throw errors.ENV_FILE_UNREADABLE(
      { file, why: (cause as NodeJS.ErrnoException).code ?? 'it is no text' },
      { cause },
    );
  }
}

export const plainText = (value: string | Secret): string =>
  value instanceof Secret ? value.reveal() : value;

const slow = promisify<string, string, number, ScryptOptions, Buffer>(scrypt);

/**
 * Tells whether two releases ran with the same variables. It stands in the ledger, which many can read: a slow hash, salted with
 * the place, so that guessing a short secret costs as much as guessing it elsewhere.
 */
export async function environmentHash(variables: Variables, salt: string): Promise<string> {
  const plain = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, plainText(value)]),
  );
  const cost = { N: 2 ** 15, maxmem: 2 ** 26 };
  const hash = await slow(canonicalJson(plain), `sluice environment ${salt}`, 32, cost);
  return `scrypt:${hash.toString('hex')}`;
}
