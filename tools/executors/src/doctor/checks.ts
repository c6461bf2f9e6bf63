import { pipelineOf, stagesOf } from '../pipeline/index.ts';
import type { WorkspaceProject } from '../promotion/workspace-packages.ts';
import { IMAGES } from '../service/types.ts';
import { approvalsCheck, approversCheck } from './gates/approvers.ts';
import { signingCheck } from './gates/signing.ts';
import { environmentsOf } from '../workflows/index.ts';
import { environmentCheck, secretCheck } from './github/environments.ts';
import { repositoryCheck } from './github/repository.ts';
import { ledgerRulesCheck, tagRulesCheck } from './github/rules.ts';
import { workflowsCheck } from './github/workflows.ts';
import { hostCheck, noHostsCheck } from './hosts/host.ts';
import type { Patient } from './patient.ts';
import { namesCheck, presenceCheck, rightsCheck } from './registry/packages.ts';
import { clockCheck, embeddedCheck, reachableCheck } from './registry/reachable.ts';
import { tokenCheck, type Role } from './registry/token.ts';
import { trustedCheck } from './registry/trusted.ts';
import { historyCheck, ledgerChecks } from './repository/ledger.ts';
import { policyChecks } from './repository/policy.ts';
import { engineChecks } from './services/engine.ts';
import { serviceChecks } from './services/config.ts';
import { embeddedImagesCheck, imagesCheck } from './services/images.ts';
import { SSH, toolCheck, TOOLS } from './tools/versions.ts';
import type { Check } from './types.ts';
import { versioningChecks } from './versioning/index.ts';

/** A stage that is looked at: it is published into, or only fetched from. */
interface Looked {
  name: string;
  role: Role;
}

/**
 * What is to be looked at, for one stage or for all of them, in the order in which it is shown. Asks nothing yet.
 * @param projects the workspace's: what has no services needs no engine
 */
export function checksFor(patient: Patient, projects: readonly WorkspaceProject[], stage?: string): Check[] {
  const { options, env } = patient.context;
  const packages = lookedAt(patient, 'packages', stage);
  const services = projects.some(({ pipeline }) => pipeline === 'services')
    ? lookedAt(patient, 'services', stage)
    : [];
  const hosts = services.filter(({ role }) => role === 'target');
  const asked = packages.map(({ name }) => name).filter((name) => !patient.isEmbedded(name));
  const targets = [...packages, ...services].filter(({ role }) => role === 'target');
  const first = options.packages.stages[0]?.name;
  const publishes = packages.some(({ name, role }) => name === first && role === 'target');
  const builds = services.length > 0 && (stage === undefined || stage === options.services?.stages[0]?.name);
  return [
    ...[...TOOLS, ...(hosts.length > 0 ? [SSH] : [])].map((tool) => toolCheck(tool, env)),
    clockCheck(patient, asked),
    historyCheck(patient),
    ...policyChecks(patient),
    ...ledgerChecks(patient),
    ...(publishes ? versioningChecks(patient) : []),
    signingCheck(patient),
    approversCheck(patient),
    ...targets.map(({ name }) => approvalsCheck(patient, name)),
    ...packages.flatMap((one) => registryChecks(patient, one)),
    ...serviceChecks(patient, hosts.length > 0 ? projects : []),
    ...(builds ? engineChecks() : []),
    ...imageChecks(patient, services),
    ...hosts.flatMap(({ name }) => hostChecks(patient, name)),
    ...(isOnGitHub(patient)
      ? githubChecks(
          patient,
          targets.map(({ name }) => name),
        )
      : []),
  ];
}

function registryChecks(patient: Patient, { name, role }: Looked): Check[] {
  if (patient.isEmbedded(name)) return [embeddedCheck(patient, name)];
  const reading = [reachableCheck(patient, name), tokenCheck(patient, name, role)];
  if (role === 'source') return reading;
  return [
    ...reading,
    namesCheck(patient, name),
    presenceCheck(patient, name),
    rightsCheck(patient, name),
    ...(mayBeTrusted(patient, name) ? [trustedCheck(patient, name)] : []),
  ];
}

/** Where nx.json says so, or says no registry: the public one trusts jobs. */
function mayBeTrusted({ context: { options, profile } }: Patient, stage: string): boolean {
  const said = options.packages.stages.find(({ name }) => name === stage);
  return profile === 'live' && (said?.trusted ?? said?.registry === undefined);
}

function imageChecks(patient: Patient, stages: readonly Looked[]): Check[] {
  if (stages.length === 0) return [];
  if (patient.hasEmbeddedImages) return [embeddedImagesCheck()];
  const own = new Set(
    (patient.context.options.services?.stages ?? []).flatMap(({ name, images }) => (images ? [name] : [])),
  );
  // A stage without a registry of its own shares the one of `images`.
  return [...new Set(stages.map(({ name }) => (own.has(name) ? name : IMAGES)))].map((place) =>
    imagesCheck(patient, place),
  );
}

function hostChecks(patient: Patient, stage: string): Check[] {
  const hosts = patient.hosts(stage);
  return hosts.length === 0 ? [noHostsCheck(stage)] : hosts.map((host) => hostCheck(patient, stage, host));
}

/** In the local profile nobody asks GitHub anything, and elsewhere there is none. */
function isOnGitHub({ context: { profile, options, identity } }: Patient): boolean {
  return (
    profile === 'live' && (options.github.repository !== undefined || identity.startsWith('github.com/'))
  );
}

function githubChecks(patient: Patient, stages: readonly string[]): Check[] {
  const { options } = patient.context;
  const isAsked = ({ stage }: { stage: string }): boolean => stages.includes(stage);
  const behind = options.packages.stages.filter(
    ({ name, gate }) => gate?.environment && stages.includes(name),
  );
  return [
    repositoryCheck(patient),
    workflowsCheck(patient),
    ledgerRulesCheck(patient),
    tagRulesCheck(patient),
    ...environmentsOf(options)
      .filter(isAsked)
      .map((used) => environmentCheck(patient, used)),
    ...behind.map((stage) => secretCheck(patient, stage)),
  ];
}

/** The stages that a command for this one touches: itself, and the one before, from which it fetches. Without a stage, all. */
export function lookedAt(
  { context: { options } }: Pick<Patient, 'context'>,
  pipeline: 'packages' | 'services',
  stage: string | undefined,
): Looked[] {
  const names =
    pipeline === 'services' && options.services
      ? [IMAGES, ...stagesOf(options, pipeline)]
      : stagesOf(options, pipeline);
  if (stage === undefined)
    return names.map((name) => ({ name, role: name === IMAGES ? 'source' : 'target' }));
  if (pipelineOf(options, stage, 'doctor') !== pipeline) return [];
  const before = names[names.indexOf(stage) - 1];
  return [...(before ? [{ name: before, role: 'source' as const }] : []), { name: stage, role: 'target' }];
}
