import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { errors, SluiceError } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import { optionsFromNxJson, resolveServiceStages, resolveStages } from '../pipeline/index.ts';
import type { GateOptions, Profile, SluiceOptions } from '../pipeline/types.ts';
import { defaultBranch } from './default-branch.ts';

/** The rules that gates go by: nx.json, approvers and revocations as one commit of the default branch has them. */
export interface Policy {
  commit: string;
  /** The default branch, for messages. */
  branch: string;
  options: SluiceOptions;
  /** Contents of the approvers' file; empty where there is none: then nobody may approve. */
  allowedSigners: string;
  /** Contents of the file of revoked keys; of today, also where the rest is of another time. */
  revoked: Buffer;
  /** Thumbprints of keys that the issuer of job tokens had before; of today, as revocations are. */
  formerKeys: readonly string[];
  /** What a person should know about where the rules came from. */
  notes: string[];
  /** The gate of a stage; undefined where it has none. Throws STAGE_NOT_IN_POLICY. */
  stage(name: string): GateOptions | undefined;
  /** What the ledger calls a stage's registry in the live profile; undefined for a stage that the policy does not have. */
  identity(name: string): string | undefined;
}

export interface PolicyInput {
  repository: Repository;
  profile: Profile;
  /** Name of the remote whose default branch holds the rules. */
  remote: string;
  optionsFile?: string;
}

/**
 * The policy of now. `live`: from the remote's default branch, fetched. `local`: from the local default branch as it
 * is committed; a stage that only the work tree has is judged by the work tree, with a note.
 * @throws POLICY_UNREACHABLE, POLICY_MISSING, POLICY_DIFFERS, CONFIG_INVALID, PLUGIN_NOT_REGISTERED
 */
export async function loadPolicy(input: PolicyInput): Promise<Policy> {
  const { repository, profile, optionsFile = 'nx.json' } = input;
  const { branch, commit } = profile === 'live' ? await fetched(input) : await committed(input);
  const policy = await policyFrom({ repository, branch, commit, optionsFile });
  const here = await workTreeOptions(repository, optionsFile);
  if (!here) return policy;
  if (profile === 'live') {
    sameLedger(policy, here);
    return policy;
  }
  return withStagesOf(policy, here);
}

/** The policy as one commit has it. Revocations are those given, since a stolen key was never good. */
export async function policyFrom(from: {
  repository: Pick<Repository, 'show' | 'showBytes'>;
  branch: string;
  commit: string;
  optionsFile: string;
  revoked?: Buffer;
  formerKeys?: readonly string[];
}): Promise<Policy> {
  const { repository, branch, commit, optionsFile } = from;
  const text = await repository.show(commit, optionsFile);
  if (text === undefined) throw errors.POLICY_MISSING({ branch, file: optionsFile });
  const options = optionsFromNxJson(text, `${optionsFile} on ${branch} (${commit.slice(0, 12)})`);
  return {
    commit,
    branch,
    options,
    allowedSigners: (await repository.show(commit, options.approvers)) ?? '',
    revoked: from.revoked ?? (await repository.showBytes(commit, options.revoked)) ?? Buffer.alloc(0),
    formerKeys: from.formerKeys ?? options.github.formerKeys,
    notes: [],
    stage(name) {
      const stage = stagesOf(options).find((one) => one.name === name);
      if (!stage) throw errors.STAGE_NOT_IN_POLICY({ stage: name, branch, commit });
      return stage.gate;
    },
    identity: (name) => identities(options).get(name),
  };
}

async function fetched({ repository, remote }: PolicyInput): Promise<{ branch: string; commit: string }> {
  // A name, never an address: nx.json of the work tree must not say whose rules count.
  const known = (await repository.run(['remote'])).split('\n');
  if (!known.includes(remote)) throw errors.POLICY_UNREACHABLE({ remote, reason: 'there is no such remote' });
  try {
    return await repository.fetchDefaultBranch(remote);
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause;
    const { transient, message: reason } = cause;
    throw errors.POLICY_UNREACHABLE({ remote, reason }, { cause, transient });
  }
}

async function committed({ repository, remote, optionsFile = 'nx.json' }: PolicyInput) {
  const found = await defaultBranch(repository, remote);
  if (!found)
    throw errors.POLICY_MISSING({ branch: (await repository.branch()) ?? 'HEAD', file: optionsFile });
  return found;
}

async function workTreeOptions(repository: Repository, file: string): Promise<SluiceOptions | undefined> {
  if (repository.root === '') return undefined;
  const text = await readFile(join(repository.root, file), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : optionsFromNxJson(text, file);
}

/** Another ledger would be one without the holds and the used-up approvals of the true one. */
function sameLedger(policy: Policy, here: SluiceOptions): void {
  for (const key of ['branch', 'remote'] as const) {
    const there = policy.options.ledger[key];
    if (here.ledger[key] === there) continue;
    const what = `options.ledger.${key}`;
    throw errors.POLICY_DIFFERS({ what, here: here.ledger[key], there, branch: policy.branch });
  }
}

function withStagesOf(policy: Policy, here: SluiceOptions): Policy {
  const known = new Set(stagesOf(policy.options).map((stage) => stage.name));
  const added = new Map(
    stagesOf(here).flatMap((one) => (known.has(one.name) ? [] : [[one.name, one] as const])),
  );
  const notes = [...added.keys()].map(
    (name) => `stage ${name} is not on ${policy.branch} yet: its gate is the one in the work tree`,
  );
  return {
    ...policy,
    notes: [...policy.notes, ...notes],
    stage: (name) => (added.has(name) ? added.get(name)?.gate : policy.stage(name)),
  };
}

function stagesOf(options: SluiceOptions) {
  return [...options.packages.stages, ...(options.services?.stages ?? [])];
}

function identities(options: SluiceOptions): Map<string, string> {
  // Tokens and the address of the default registry play no part in an identity.
  const live = { options, profile: 'live' as const, env: {} };
  const stages = resolveStages({ ...live, defaultRegistry: 'http://default.invalid' });
  // Without an address the images of the live profile are nowhere.
  const services = options.services?.images ? resolveServiceStages(live)?.places : undefined;
  return new Map([
    ...stages.map((stage) => [stage.name, stage.identity] as const),
    ...[...(services?.values() ?? [])].map((place) => [place.stage, place.identity] as const),
  ]);
}
