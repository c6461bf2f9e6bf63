import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { IMAGES } from './images.ts';
import type { LocalLease } from './lease.ts';
import { localPaths, stagePaths } from './paths.ts';

export interface RegistryDescription {
  stage: string;
  /** Undefined in a plan: the port is known once it runs. */
  url?: string;
  storage: string;
  /** The file that configures it, or `built in`. */
  configuration: string;
  /** A package (or an image's repository) that it holds. */
  sample?: string;
}

/** What runs (or, without a lease, would run), with paths relative to the workspace. Holds no token. */
export function describeRegistries(
  workspaceRoot: string,
  stages: string[],
  lease?: LocalLease,
): RegistryDescription[] {
  return stages.map((stage) => {
    const file = join('verdaccio', `${stage}.yaml`);
    const { storage } = stagePaths(localPaths(workspaceRoot), stage);
    return {
      stage,
      url: lease?.addresses.get(stage)?.url,
      storage: relative(workspaceRoot, storage),
      configuration: existsSync(join(workspaceRoot, file)) ? file : 'built in',
      sample: stage === IMAGES ? anImageIn(join(storage, 'repositories')) : aPackageIn(storage),
    };
  });
}

const folders = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).filter((name) => !name.startsWith('.')) : [];

/** Names of repositories are folders in folders; what begins with "_" is inside of one. */
function anImageIn(folder: string, above: string[] = []): string | undefined {
  const names = folders(folder).sort();
  if (names.some((name) => name.startsWith('_'))) return above.join('/');
  return names.map((name) => anImageIn(join(folder, name), [...above, name])).find(Boolean);
}

function aPackageIn(storage: string): string | undefined {
  const [first] = folders(storage).sort();
  return first?.startsWith('@') ? folders(join(storage, first)).map((name) => `${first}/${name}`)[0] : first;
}

/** The same for a person, with lines that can be copied. */
export function registriesText(
  workspaceRoot: string,
  registries: RegistryDescription[],
  notes: string[] = [],
): string {
  const npmrc = relative(workspaceRoot, localPaths(workspaceRoot).npmrc);
  const blocks = registries.map(({ stage, url, storage, configuration, sample }) => {
    const rows = [
      `${stage}`,
      `  address  ${url ?? '(known once it runs)'}`,
      `  storage  ${storage}`,
      `  rights   ${configuration}`,
    ];
    if (url && stage === IMAGES)
      rows.push(
        `  look     skopeo list-tags --tls-verify=false docker://${new URL(url).host}/${sample ?? '<project>'}`,
      );
    else if (url)
      rows.push(`  look     npm view ${sample ?? '<package>'} --registry ${url} --userconfig ${npmrc}`);
    return rows.join('\n');
  });
  const login = `The tokens stand in ${npmrc}: --userconfig ${npmrc} logs npm in to all of them.`;
  return [
    ...blocks,
    ...notes.map((note) => `note: ${note}`),
    ...(registries.some((r) => r.url) ? [login] : []),
  ].join('\n\n');
}
