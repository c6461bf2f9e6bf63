import { join, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';
import { errors, once, redact, rememberEnvironment } from '../foundation/index.ts';
import {
  checkClientFile,
  jobRules,
  loadPolicy,
  runningJob,
  type Policy,
  type RunningJob,
} from '../gate/index.ts';
import { openRepository, type Repository } from '../git/index.ts';
import { openGitHub } from '../github/index.ts';
import { openLedger } from '../ledger/index.ts';
import type { Ledger, Signer } from '../ledger/types.ts';
import { mayRequestToken } from '../oidc/index.ts';
import {
  localStages,
  profileOf,
  readOptions,
  resolveStages,
  stageNamed,
  type ImagePlace,
  type ServicePipeline,
} from '../pipeline/index.ts';
import type { Profile, SluiceOptions, Stage } from '../pipeline/types.ts';
import { readClientConfig, type ClientConfig } from '../registry/client-config.ts';
import { CONNECTIONS, openContentStore, openNpmStore, type ContentStore } from '../registry/index.ts';
import { leaseLocalRegistries } from '../registry/local/index.ts';
import type { StageStore } from '../registry/types.ts';
import { findSigner, openJobSigner } from '../signing/index.ts';
import type { ServiceStage } from '../service/types.ts';
import { openImages, resolveServices, type ImageRegistry } from './image/registry.ts';

/** Everything that a command needs of the world, opened when it is first asked for. */
export interface Context {
  workspaceRoot: string;
  env: NodeJS.ProcessEnv;
  profile: Profile;
  options: SluiceOptions;
  repository: Repository;
  /** Identity of the repository in records. */
  identity: string;
  /** Names this run in records. */
  run: string;
  ledger(): Promise<Ledger>;
  /** All package stages with address and token; in the local profile this starts the local registries. */
  stages(): Promise<Stage[]>;
  stage(name: string | undefined, target: string): Promise<Stage>;
  store(stage: Stage): Promise<StageStore>;
  /** The services' half; undefined without one. In the local profile this starts the local image registry. */
  services(): Promise<ServicePipeline | undefined>;
  serviceStage(name: string | undefined, target: string): Promise<ServiceStage>;
  /** The image registry of a service stage, or of `images`. */
  images(place: string): Promise<ImageRegistry>;
  client(): Promise<ClientConfig>;
  /** Where true bytes are kept for registries that serve others; undefined unless the options name it. */
  contentStore(): ContentStore | undefined;
  policy(): Promise<Policy>;
  /** Who signs this run's records; undefined only in the local profile. */
  signer(): Promise<Signer | undefined>;
  /** The CI job that this runs in, where GitHub vouches for it; only in the live profile. */
  job(): Promise<RunningJob | undefined>;
  close(): Promise<void>;
}

export interface ContextOptions {
  workspaceRoot: string;
  env?: NodeJS.ProcessEnv;
  /** A private key file to sign with, and the principal to sign as. */
  key?: string;
  principal?: string;
}

export async function openContext(given: ContextOptions): Promise<Context> {
  const { workspaceRoot } = given;
  const env = given.env ?? process.env;
  rememberEnvironment(env);
  const profile = profileOf(env);
  const [options, repository] = await Promise.all([
    readOptions(workspaceRoot),
    openRepository(workspaceRoot),
  ]);
  const [remote, identity] = await Promise.all([
    remoteOf(repository, options.ledger.remote),
    repository.identity(options.ledger.remote),
  ]);
  const stores = new Map<string, Promise<StageStore>>();
  const closing: (() => Promise<void>)[] = [];

  const client = once(() => readClientConfig(workspaceRoot, env));
  const stages = once(async () => {
    if (profile === 'live') await checkClientFile(repository, await policy());
    const { registry: defaultRegistry, tokenFor } = await client();
    const names = localStages(options, env);
    const pipeline = options.packages.stages.map((stage) => stage.name);
    const lease =
      names.length > 0
        ? await leaseLocalRegistries({ workspaceRoot, stages: names, pipeline, env })
        : undefined;
    if (lease) closing.push(() => lease.release());
    for (const note of lease?.notes ?? []) process.stderr.write(`${note}\n`);
    const local = lease?.addresses ?? new Map();
    return resolveStages({ options, profile, env, defaultRegistry, local, clientToken: tokenFor });
  });
  const services = once(async () => {
    const { pipeline, release } = await resolveServices({ workspaceRoot, options, profile, env });
    closing.push(release);
    return pipeline;
  });
  const registries = new Map<string, Promise<ImageRegistry>>();
  const policy = once(() => loadPolicy({ repository, profile, remote: options.ledger.remote }));
  /** A key that somebody named comes before the job's own token. */
  const jobSignerOf = async () => {
    if (profile !== 'live' || given.key || env['SLUICE_SIGNING_KEY'] || !mayRequestToken(env))
      return undefined;
    const rules = jobRules(await policy(), identity);
    return openJobSigner({ env, rules });
  };
  const job = once(async () => {
    if (profile !== 'live') return undefined;
    const current = await policy();
    return runningJob({
      env,
      rules: jobRules(current, identity),
      // The policy's address: a job must not choose who tells of its approvals.
      github: () => openGitHub({ options: current.options.github, identity, env }),
    });
  });
  const signer = once(async () => {
    const { allowedSigners } = await policy();
    const asJob = await jobSignerOf();
    if (asJob) return asJob;
    const found = await findSigner({
      repository,
      env,
      allowedSigners,
      ...(given.key ? { keyFile: given.key } : {}),
      ...(given.principal ? { principal: given.principal } : {}),
    });
    if (!found && profile === 'live') throw errors.SIGNER_MISSING({ approvers: options.approvers });
    return found;
  });
  const ledger = once(() =>
    openLedger({
      repository,
      branch: options.ledger.branch,
      repositoryIdentity: identity,
      requireSignature: profile === 'live',
      push: profile === 'live' && remote !== undefined,
      ...(profile === 'local' ? { gitDir: join(workspaceRoot, '.sluice/local/ledger.git') } : {}),
      ...(profile === 'live' && remote !== undefined ? { remote } : {}),
    }),
  );
  return {
    workspaceRoot,
    env,
    profile,
    options,
    repository,
    identity,
    run: env['GITHUB_RUN_ID'] ? `github-${env['GITHUB_RUN_ID']}` : `local-${randomBytes(5).toString('hex')}`,
    ledger,
    stages,
    stage: async (name, target) => {
      // A wrong name is said before any registry is started or asked.
      stageNamed(options.packages.stages, name, target);
      return stageNamed(await stages(), name, target);
    },
    store: (stage) => {
      const opened =
        stores.get(stage.name) ??
        client().then((config) => {
          const dispatcher = config.dispatcher(CONNECTIONS);
          closing.push(() => dispatcher.destroy());
          return openNpmStore(stage, {
            dispatcher,
            env,
            note: (line) => process.stderr.write(`${redact(line)}\n`),
          });
        });
      stores.set(stage.name, opened);
      return opened;
    },
    services,
    serviceStage: async (name, target) => {
      stageNamed(options.services?.stages ?? [], name, target);
      return stageNamed((await services())?.stages ?? [], name, target);
    },
    images: (place) => {
      const opened =
        registries.get(place) ??
        services().then((pipeline) => openImages(pipeline?.places.get(place) as ImagePlace, env));
      registries.set(place, opened);
      return opened;
    },
    client,
    contentStore: () =>
      options.packages.store
        ? openContentStore(resolve(workspaceRoot, options.packages.store.path))
        : undefined,
    policy,
    signer,
    job,
    close: async () => {
      for (const store of stores.values())
        await store.then((opened) => opened.close()).catch(() => undefined);
      for (const registry of registries.values())
        await registry.then((opened) => opened.close()).catch(() => undefined);
      for (const end of closing.splice(0)) await end();
    },
  };
}

async function remoteOf(repository: Repository, name: string): Promise<string | undefined> {
  const remotes = (await repository.run(['remote'])).split('\n');
  return remotes.includes(name) ? name : undefined;
}
