import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { formatFiles, logger, readNxJson, type GeneratorCallback, type Tree } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { parseAddress } from '../../host/index.ts';
import { parseOptions, stagesOf } from '../../pipeline/index.ts';
import type { ServiceStageOptions } from '../../pipeline/types.ts';
import { explained, registeredOptions, withOptions, writeNxJson } from '../nx-json.ts';
import syncWorkflows from '../sync-workflows/generator.ts';
import { withStage } from '../stage/change.ts';
import { prepare, type Line, type Preparation } from './prepare.ts';
import { deployTarget, publicKeyOf, valuesFor, type HostSchema } from './values.ts';

/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  prepare(mode: 'look' | 'do', preparation: Preparation, onLine?: (line: Line) => void): Promise<Line[]>;
  /** Text of a file of public keys; undefined where there is none. */
  readKey(file: string): Promise<string | undefined>;
  say(line: string): void;
}

const OWN_KEYS = ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub'].map((name) =>
  join(homedir(), '.ssh', name),
);

/** Looks at the server and says what is to be done there; does it in the callback, which Nx leaves out in a dry run. */
export default async function host(
  tree: Tree,
  schema: HostSchema & { skipFormat?: boolean },
  around: Surroundings = REAL,
): Promise<GeneratorCallback> {
  return explained(async () => {
    const { user = 'deploy' } = schema;
    const stage = stageIn(tree, schema.stage);
    const login = parseAddress(schema.host).user;
    const key = await keyOf(schema, around);
    // Who logs in as that user already has a key there.
    if (!key && (schema.publicKey !== undefined || login !== user))
      throw errors.PUBLIC_KEY_MISSING({ file: schema.publicKey ?? OWN_KEYS[0] ?? '' });
    const sshConfig = schema.sshConfig ?? stage?.sshConfig;
    const preparation = { host: schema.host, sshConfig, values: valuesFor(schema, stage, key) };
    const target = deployTarget(schema.host, user);
    if (stage) await addTo(tree, stage, target, schema.skipFormat);

    const found = await around.prepare('look', preparation);
    const todo = found.filter(({ kind }) => kind === 'todo');
    for (const { text } of found.filter(({ kind }) => kind === 'same')) around.say(`  is so   ${text}`);
    for (const { text } of todo) around.say(`  to do   ${text}`);
    if (todo.length === 0) {
      around.say(`${schema.host} is ready for deployments as ${target}.`);
      return () => {};
    }
    around.say(`${todo.length} of ${found.length} steps are to be done on ${schema.host}.`);
    return () =>
      explained(async () => {
        await around.prepare('do', preparation, ({ kind, text }) => {
          if (kind === 'did') around.say(`  done    ${text}`);
          if (kind === 'note') around.say(`note: ${text}`);
        });
        around.say(`${schema.host} is ready. Look at it as deployments do: ssh ${target} true`);
      });
  });
}

/** @throws PLUGIN_NOT_REGISTERED, STAGE_UNKNOWN */
function stageIn(tree: Tree, name: string | undefined): ServiceStageOptions | undefined {
  if (name === undefined) return undefined;
  const registered = registeredOptions(readNxJson(tree) ?? {});
  if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
  const options = parseOptions(registered);
  const stage = options.services?.stages.find((one) => one.name === name);
  if (!stage) throw errors.STAGE_UNKNOWN({ stage: name, stages: stagesOf(options, 'services') });
  return stage;
}

async function addTo(
  tree: Tree,
  { name, hosts = [] }: ServiceStageOptions,
  target: string,
  skipFormat?: boolean,
): Promise<void> {
  if (hosts.includes(target)) return;
  const nxJson = readNxJson(tree) ?? {};
  const options = withStage(registeredOptions(nxJson) ?? {}, {
    name,
    pipeline: 'services',
    hosts: [...hosts, target],
  });
  parseOptions(options);
  writeNxJson(tree, withOptions(nxJson, options));
  await syncWorkflows(tree);
  if (!skipFormat) await formatFiles(tree);
}

/** The key that was named, or the first of one's own. */
async function keyOf({ publicKey }: HostSchema, { readKey }: Surroundings): Promise<string | undefined> {
  for (const file of publicKey === undefined ? OWN_KEYS : [publicKey]) {
    const key = publicKeyOf((await readKey(file)) ?? '');
    if (key) return key;
  }
  return undefined;
}

const REAL: Surroundings = {
  prepare,
  readKey: (file) => readFile(file, 'utf8').catch(() => undefined),
  say: (line) => logger.info(line),
};
