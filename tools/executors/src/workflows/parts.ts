import { imageVariables, registryKind, registryVariable } from '../pipeline/index.ts';
import type { PackageStageOptions, ServicesOptions, ServiceStageOptions } from '../pipeline/types.ts';
import { ACTIONS } from './actions.ts';
import type { Settings } from './settings.ts';
import type { Env, Job, Permissions, Step, WorkflowInput } from './types.ts';

/** Everything below: `${{ }}` stands in `env`, `with` and `if` alone, never in what a shell reads. */

/** What every job that moves something has in its environment. Secrets come to the steps that need them. */
export const LIVE: Env = {
  SLUICE_PROFILE: 'live',
  NX_TUI: 'false',
  // What was done stands in the log.
  NX_DEFAULT_OUTPUT_STYLE: 'static',
  // Checkout leaves no password behind: git asks for it where a step has one.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'credential.${{ github.server_url }}.helper',
  GIT_CONFIG_VALUE_0:
    '!f() { test "$1" = get && echo username=x-access-token && echo "password=$GITHUB_TOKEN"; }; f',
  GIT_AUTHOR_NAME: 'github-actions[bot]',
  GIT_AUTHOR_EMAIL: '41898282+github-actions[bot]@users.noreply.github.com',
  GIT_COMMITTER_NAME: 'github-actions[bot]',
  GIT_COMMITTER_EMAIL: '41898282+github-actions[bot]@users.noreply.github.com',
};

export interface Beginning {
  settings: Settings;
  /** What to check out; without it the commit of the event. */
  ref?: string;
  /** Downloads are kept between runs: never in a job that publishes or deploys. */
  cache?: boolean;
}

/** The workspace with its whole history, since positions of stages are commits. */
export function workspace({ settings, ref, cache = false }: Beginning): Step[] {
  return [
    {
      uses: ACTIONS.checkout,
      with: { ...(ref === undefined ? {} : { ref }), 'fetch-depth': 0, 'persist-credentials': false },
    },
    {
      uses: ACTIONS.setupNode,
      // Since v5 it caches by itself where package.json names a package manager.
      with: {
        'node-version': settings.node,
        ...(cache ? { cache: 'npm' } : { 'package-manager-cache': false }),
      },
    },
    { run: 'npm ci' },
  ];
}

/** The key that signs records, where the options name one; else the job's own token is the signature. */
export function signingKey({ signingKey: secret }: Settings): Step[] {
  if (secret === undefined) return [];
  return [
    {
      name: 'Key that signs records',
      run: [
        'umask 077',
        `printf '%s\\n' "$SIGNING_KEY" >"$RUNNER_TEMP/sluice-signing-key"`,
        'echo "SLUICE_SIGNING_KEY=$RUNNER_TEMP/sluice-signing-key" >>"$GITHUB_ENV"',
      ].join('\n'),
      env: { SIGNING_KEY: secretOf(secret) },
    },
  ];
}

/** The way to the hosts: files of this job alone, in place of what the machine's own user has. */
export function hostsAccess(): Step {
  return {
    name: 'SSH key and host keys',
    run: [
      'umask 077',
      'mkdir -p "$RUNNER_TEMP/sluice-ssh"',
      'cd "$RUNNER_TEMP/sluice-ssh"',
      `printf '%s\\n' "$SSH_PRIVATE_KEY" >key`,
      `printf '%s\\n' "$SSH_KNOWN_HOSTS" >known_hosts`,
      `printf '%s\\n' "$SSH_CONFIG" 'Host *' "IdentityFile $PWD/key" 'IdentitiesOnly yes' "UserKnownHostsFile $PWD/known_hosts" >config`,
      'echo "SLUICE_SSH_CONFIG=$PWD/config" >>"$GITHUB_ENV"',
    ].join('\n'),
    env: { ...secrets('SSH_PRIVATE_KEY', 'SSH_KNOWN_HOSTS'), SSH_CONFIG: '${{ vars.SSH_CONFIG }}' },
  };
}

/** Finds what would fail before it fails; in a job that may do what is looked at. */
export const doctor = ({ options }: WorkflowInput, stage: string, env: Env): Step => ({
  name: 'What would fail',
  run: `npx nx ${options.targets.doctor} -c ${stage}`,
  env,
});

export const secretOf = (name: string): string =>
  name === 'GITHUB_TOKEN' ? '${{ github.token }}' : `\${{ secrets.${name} }}`;

export const secrets = (...names: string[]): Env =>
  Object.fromEntries(names.map((name) => [name, secretOf(name)]));

/** What each call of ours gets: the token of the job, for git and for GitHub's API. */
export const OWN: Env = secrets('GITHUB_TOKEN');

/** Tokens of these package stages. */
export const registryTokens = (...stages: (PackageStageOptions | undefined)[]): Env =>
  secrets(...stages.flatMap((stage) => (stage ? [registryVariable(stage)] : [])));

/** Logins at the image registries of these stages; `images` is the one that is published to. */
export const imageLogins = (services: ServicesOptions, ...stages: (ServiceStageOptions | undefined)[]): Env =>
  secrets(...stages.flatMap((stage) => imageVariables(services, stage)));

/** Addresses of those who are told. */
export const notified = ({ options }: WorkflowInput): Env =>
  secrets(...options.notifications.map((one) => ('webhookEnv' in one ? one.webhookEnv : one.smtpEnv)));

/** The ledger is a branch, and the job's token signs what it writes there; `actions` are the approvals of the run. */
export const RECORDS: Permissions = { actions: 'read', contents: 'write', 'id-token': 'write' };

/** Rights on GitHub Packages, where one of the registries is that. */
export function packagesRight(
  reads: (PackageStageOptions | undefined)[],
  writes: (PackageStageOptions | undefined)[],
): Permissions {
  const isGitHub = (stage: PackageStageOptions | undefined) =>
    stage !== undefined && registryKind(stage.registry, stage.kind) === 'github';
  if (writes.some(isGitHub)) return { packages: 'write' };
  return reads.some(isGitHub) ? { packages: 'read' } : {};
}

/** The same for images. */
export function imagesRight(services: ServicesOptions, right: 'read' | 'write'): Permissions {
  const all = [services.images, ...services.stages.map((stage) => stage.images)];
  return all.some((images) => images?.startsWith('ghcr.io/')) ? { packages: right } : {};
}

/**
 * The plan of a stage, for the summary, and a word to those who may approve it. `waiting` tells the jobs behind whether there
 * is anything to do, `open` whether the gate lets it in now, `items` what was shown. A closed gate is no failure: that is what people are asked for.
 */
export function askFor(stage: string, env: Env): Step {
  return {
    name: `Plan for ${stage}`,
    id: 'plan',
    run: `npx sluice plan ${stage} --job --ask || test $? -eq 3`,
    env,
  };
}

/** What `askFor` hands to the jobs behind it. */
export const PLAN_OUTPUTS = {
  waiting: '${{ steps.plan.outputs.waiting }}',
  open: '${{ steps.plan.outputs.open }}',
  items: '${{ steps.plan.outputs.items }}',
};

/** Something newer may wait by the time that somebody has approved; that one has a run of its own, with its own approval. */
export function asShown(stage: string, job: string, env: Env): Step {
  return {
    name: 'Still what was shown',
    run: `npx sluice plan ${stage} --job --expect="$SHOWN" || test $? -eq 3`,
    env: { ...env, SHOWN: `\${{ needs.${job}.outputs.items }}` },
  };
}

/** What is where afterwards. */
export const showStatus = (env: Env): Step => ({
  name: 'What is where',
  if: '${{ !cancelled() }}',
  run: 'npx sluice status --job',
  env,
});

export function upload(name: string, path: string, when?: string): Step {
  return {
    ...(when ? { if: when } : {}),
    uses: ACTIONS.upload,
    with: { name, path, 'if-no-files-found': 'ignore', 'include-hidden-files': false },
  };
}

/**
 * Tells GitHub what is in a stage now: deployments with their digests, after the last stage of packages releases and comments too.
 * Nothing waits for this job, and it may be run again.
 */
export function announceJob(
  settings: Settings,
  { stage, needs, when, permissions, env, ref }: Announced,
): Record<string, Job> {
  const isRelease = permissions['issues'] !== undefined;
  const artifacts: Step = { uses: ACTIONS.download, with: { name: 'artifacts', path: 'dist/artifacts' } };
  return {
    [`announce-${stage}`]: {
      name: `Announce ${stage}`,
      needs,
      if: when,
      permissions: { contents: 'read', deployments: 'write', ...permissions },
      // Two at once could comment twice; one that was dropped for a newer one is made up for by that.
      concurrency: { group: `sluice-announce-${stage}`, 'cancel-in-progress': false },
      // GitHub wants seconds between writes.
      timeout: 60,
      steps: [
        ...workspace({ settings, ...(ref === undefined ? {} : { ref }) }),
        ...(isRelease ? [artifacts] : []),
        { name: 'Announce', run: `npx sluice announce ${stage}`, env: { ...OWN, ...env } },
      ],
    },
  };
}
export interface Announced {
  stage: string;
  needs: string[];
  when: string;
  permissions: Permissions;
  env: Env;
  ref?: string;
}
