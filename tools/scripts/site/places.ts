/** What is known of the rooms of the catalogue, by the first word of their titles: where their errors come up. */
const ROOMS: Record<string, string> = {
  Pipeline: 'every command and every target: options are read first',
  'Command line': 'every command of `sluice`',
  Steps: '`publish-registry`, `promote`, `deploy-vps` and `rollback`, while they run',
  Promotion: '`publish-registry`, `promote`, `approve`, `plan` and `rollback`',
  Service: '`build`, `smoke` and `deploy-vps` of a service',
  Artifact: '`build`, and what takes its artifact: `publish-registry`',
  'Artifact/image': '`build` of a service',
  Registry:
    'whatever asks a registry of packages: `publish-registry`, `promote`, `rollback`, `status`, `verify`, `doctor`',
  'Registry/oci':
    'whatever asks a registry of images: `publish-registry`, `promote` and `deploy-vps` of services, `verify`, `doctor`',
  'Registry/local': 'the local profile, and `npx nx registries`',
  Git: 'every command that asks git',
  Gate: '`plan`, `approve`, `promote`, `deploy-vps` and `rollback`: a gate is judged on every path',
  Signing:
    'whatever writes a record or an approval, or checks one: `publish-registry`, `promote`, `approve`, `verify`',
  OIDC: 'jobs of GitHub Actions that sign, and whoever checks their signatures',
  GitHub: 'what asks GitHub: environments, approvals in comments, releases, deployments, `doctor`',
  Provenance: '`publish-registry`, `promote` and `verify`',
  Environments: '`npx nx g @sluice/nx:environments`',
  Outcome: '`npx sluice announce`, which the generated workflows call',
  Generators: '`npx nx g @sluice/nx:...`, `npx nx add @sluice/nx` and `npm run rename`',
  Workflows: '`npx nx sync`, and the generated workflows',
  Ledger: 'whatever reads or writes the ledger: nearly every command',
  Board: '`npx nx board`',
  Report: 'the end of `promote`, `deploy-vps` and `rollback`, as a warning',
  Deployment: '`deploy-vps`, `rollback` and `smoke` of a service',
  Host: '`deploy-vps` and `rollback` of a service, `doctor`',
  'Service/compose': '`build` and `deploy-vps` of a service',
  Versioning: '`npx sluice release`, and `npx nx release`',
  API: '`npx nx run <project>:api-check`',
  'Anything else': 'anywhere',
};

/** Where the errors of a room come up, as Markdown. */
export function placeOf(title: string): string {
  const place = ROOMS[title.split(':')[0] ?? ''];
  if (place === undefined)
    throw new Error(`tools/scripts/site/places.ts says nothing of the room "${title}"`);
  return place;
}
