import type { SluiceOptions } from '../pipeline/types.ts';

/** The option `workflows` with nothing left open. */
export interface Settings {
  branch: string;
  /** Branch whose pushes deploy to the first stage of services. */
  deployBranch: string;
  /** Branch whose pushes deploy to the stages behind it. */
  productionBranch: string;
  pullRequests: boolean;
  onlyByHand: boolean;
  runsOn: string;
  node: string;
  /** Name of the secret that holds the signing key. */
  signingKey?: string;
  drift: string;
}

/** Undefined where the workflows are not turned on. */
export function settingsOf({ workflows }: SluiceOptions): Settings | undefined {
  if (!workflows) return undefined;
  const said = workflows === true ? {} : workflows;
  const { branch = 'main', deploy = {} } = said;
  return {
    branch,
    deployBranch: deploy.branch ?? 'develop',
    productionBranch: deploy.production ?? branch,
    pullRequests: deploy.pullRequests ?? false,
    onlyByHand: deploy.onlyByHand ?? false,
    runsOn: said.runsOn ?? 'ubuntu-latest',
    node: said.node ?? '24',
    ...(said.signingKey ? { signingKey: said.signingKey } : {}),
    drift: said.drift ?? '17 4 * * *',
  };
}
