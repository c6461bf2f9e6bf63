import type { Context } from '../promotion/context.ts';
import { loadPolicy, policyFrom, type Policy } from '../gate/policy.ts';
import { workspaceProjects, type WorkspaceProject } from '../promotion/workspace-packages.ts';
import {
  localStages,
  needsLocalImages,
  overrideName,
  resolveServiceStages,
  resolveStages,
  type ServicePipeline,
} from '../pipeline/index.ts';
import type { Stage } from '../pipeline/types.ts';
import { presentEnvironments, type Present } from '../environments/index.ts';
import { errors, once, Secret } from '../foundation/index.ts';
import { githubToken, openGitHub, type GitHub } from '../github/index.ts';
import { readClientConfig, type ClientConfig } from '../registry/client-config.ts';
import { CONNECTIONS, openNpmStore, type StageStore } from '../registry/index.ts';
import { openHttp, type Http } from '../registry/http.ts';
import { given } from './findings.ts';
import { ping, type Ping } from './registry/ping.ts';
import { openReading, type Reading } from './repository/reading.ts';

/** Stands where the local profile would start a registry: the doctor starts none. */
const NOT_STARTED = 'http://127.0.0.1:1';

/** What the checks look at, opened when the first of them asks for it, and in ways that write nothing. */
export interface Patient {
  readonly context: Context;
  /** Packages and services of the workspace. */
  projects(): Promise<WorkspaceProject[]>;
  client(): Promise<ClientConfig>;
  /** A package stage with its address and token. */
  stage(name: string): Promise<Stage>;
  /** Whether the local profile would start the stage's registry on this machine. */
  isEmbedded(name: string): boolean;
  store(name: string): Promise<StageStore>;
  http(name: string): Promise<Http>;
  /** What the registry answers to nobody in particular. */
  ping(name: string): Promise<Ping>;
  services(): Promise<ServicePipeline | undefined>;
  /** Hosts of a service stage, as the environment or nx.json name them. */
  hosts(stage: string): readonly string[];
  /** Whether images lie in the registry that the local profile would start. */
  readonly hasEmbeddedImages: boolean;
  /** The remote's branches as they are now, without a trace of it in this clone. */
  reading(): Promise<Reading>;
  /** The rules as they stand on the default branch now. */
  policy(): Promise<Policy>;
  /** @throws GITHUB_TOKEN_MISSING, GITHUB_REPOSITORY_UNKNOWN */
  github(): Promise<GitHub>;
  /** The environments that GitHub has. */
  environments(): Promise<Present[]>;
  close(): Promise<void>;
}

/** @param context of which nothing is used that starts, fetches or records */
export function openPatient(context: Context): Patient {
  const { workspaceRoot, env, profile, options, repository } = context;
  const closing: (() => Promise<void>)[] = [];
  const embedded = new Set(localStages(options, env));
  const hasEmbeddedImages = needsLocalImages(options, env, profile);

  const client = once(() => readClientConfig(workspaceRoot, env));
  const connections = once(async () => {
    const dispatcher = (await client()).dispatcher(CONNECTIONS);
    closing.push(() => dispatcher.destroy());
    return dispatcher;
  });
  const stages = once(async () => {
    const { registry: defaultRegistry, tokenFor: clientToken } = await client();
    const nowhere = { url: NOT_STARTED, token: new Secret('') };
    const local = new Map([...embedded].map((name) => [name, nowhere]));
    return resolveStages({ options, profile, env, defaultRegistry, local, clientToken });
  });
  const stage = async (name: string): Promise<Stage> =>
    (await stages()).find((one) => one.name === name) as Stage;
  const github = once(async () => {
    const opened = openGitHub({ options: options.github, identity: context.identity, env });
    // Without a token each request would say so.
    if (!githubToken(env))
      throw errors.GITHUB_TOKEN_MISSING({ repository: `${opened.owner}/${opened.repo}` });
    return opened;
  });
  const reading = once(async () => {
    const opened = await openReading(repository, options.ledger.remote);
    closing.push(opened.close);
    return opened;
  });
  return {
    context,
    hasEmbeddedImages,
    projects: once(() => workspaceProjects(workspaceRoot)),
    client,
    stage,
    isEmbedded: (name) => embedded.has(name),
    store: byName(async (name) =>
      openNpmStore(await given(stage(name), ADDRESS), { dispatcher: await connections() }),
    ),
    http: byName(async (name) => openHttp(await given(stage(name), ADDRESS), await connections())),
    ping: byName(async (name) => {
      const at = await given(stage(name), ADDRESS);
      return ping(at, await connections());
    }),
    services: once(async () =>
      resolveServiceStages({
        options,
        profile,
        env,
        ...(hasEmbeddedImages
          ? { local: { host: new URL(NOT_STARTED).host, username: '', password: new Secret('') } }
          : {}),
      }),
    ),
    hosts: (name) => {
      const said = env[overrideName(name, 'HOSTS')];
      if (said && profile === 'local') return said.split(',').map((host) => host.trim());
      return options.services?.stages.find((one) => one.name === name)?.hosts ?? [];
    },
    reading,
    policy: once(async () => {
      // The local profile reads commits of this clone; the live one fetches, which must leave no trace here.
      if (profile === 'local') return loadPolicy({ repository, profile, remote: options.ledger.remote });
      const here = await reading();
      const { branch, commit } = await here.defaultBranch();
      return policyFrom({ repository: here, branch, commit, optionsFile: 'nx.json' });
    }),
    github,
    environments: once(async () => presentEnvironments(await github())),
    close: async () => {
      for (const end of closing.splice(0)) await end();
    },
  };
}

const ADDRESS = 'the address of the stage is not known';

function byName<T>(make: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (name) => {
    const known = made.get(name) ?? make(name);
    made.set(name, known);
    return known;
  };
}
