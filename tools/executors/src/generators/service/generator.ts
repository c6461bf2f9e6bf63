import type { Tree } from '@nx/devkit';
import { formatFiles, installPackagesTask, logger, offsetFromRoot, readJson, readNxJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { parseOptions } from '../../pipeline/index.ts';
import { parseService, SERVICE_FILE } from '../../service/index.ts';
import { explained, parseWanted, registeredOptions, withOptions, writeNxJson } from '../nx-json.ts';
import { gitHubOwner, remoteOf } from '../remote.ts';
import { addToWorkspaces, siblingsOf } from '../workspace.ts';
import { adopt, isNew } from './adopt.ts';
import { create } from './create.ts';
import { withEnvironments } from './environments.ts';
import type { Wanted } from './manifests.ts';
import { nameOf } from './naming.ts';
import { databaseOf, type ServiceSchema } from './types.ts';

/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  /** `host/owner/name` of the git remote. */
  remote(): Promise<string | undefined>;
}

/** Scaffolds a service, or adopts the Dockerfile and compose file of one. What is a service already stays as it is. */
export default async function service(
  tree: Tree,
  schema: ServiceSchema & { skipFormat?: boolean },
  around: Surroundings = { remote: () => remoteOf(tree.root) },
): Promise<() => void> {
  return explained(async () => {
    const nxJson = readNxJson(tree) ?? {};
    const registered = registeredOptions(nxJson);
    if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
    const root = readJson<{ name?: string; license?: string; nx?: { name?: string } }>(tree, 'package.json');
    const naming = nameOf(schema, siblingsOf(tree), root.nx?.name ?? root.name);
    const { directory, projectName } = naming;
    if (tree.exists(`${directory}/${SERVICE_FILE}`)) {
      logger.info(`Sluice: ${directory} is a service already; nothing was changed`);
      return () => {};
    }
    const owner = gitHubOwner(await around.remote());
    const { options, stages, notes: kept } = withEnvironments(registered, schema, owner);
    parseWanted(options, registered);
    const wanted: Wanted = {
      ...naming,
      description: schema.description ?? `The service ${projectName}.`,
      license: root.license ?? 'UNLICENSED',
      port: schema.port ?? 3000,
      path: pathOf(schema) ?? `/${projectName}`,
      database: databaseOf(schema.database, projectName),
      stages,
      schema: `${offsetFromRoot(directory)}${schemaFile(tree)}`,
      input: nxJson.namedInputs?.['production'] ? 'production' : 'default',
    };
    const fresh = isNew(tree, directory);
    const install = fresh ? create(tree, wanted) : undefined;
    const notes = fresh ? [] : adopt(tree, { ...schema, path: pathOf(schema) ?? '/' }, wanted);
    const read = (path: string) => tree.read(`${directory}/${path}`, 'utf8') ?? undefined;
    parseService(read(SERVICE_FILE) ?? '', read, { file: `${directory}/${SERVICE_FILE}`, stages });
    addToWorkspaces(tree, directory);
    writeNxJson(tree, withOptions(readNxJson(tree) ?? {}, options));
    if (!schema.skipFormat) await formatFiles(tree);
    for (const note of [...kept, ...notes, ...missing(options)]) logger.warn(`Sluice: ${note}`);
    logger.info(`Sluice: npx nx run ${projectName}:publish-registry builds the image and pushes it.`);
    return () => {
      install?.();
      // The project's own libraries, also where nothing is new at the root.
      installPackagesTask(tree, true);
    };
  });
}

/** @throws SERVICE_PATH_INVALID */
function pathOf({ path }: ServiceSchema): string | undefined {
  if (path === undefined) return undefined;
  const found = `/${path.replace(/^\/+|\/+$/g, '')}`;
  if (!/^\/[a-zA-Z0-9._~/-]*$/.test(found)) throw errors.SERVICE_PATH_INVALID({ path });
  return found;
}

/** The schema for editors: here the plugin may be source, everywhere else it is installed. */
function schemaFile(tree: Tree): string {
  const source = 'tools/executors/src/service/service.schema.json';
  return tree.exists(source) ? source : 'node_modules/@sluice/nx/dist/service/service.schema.json';
}

/** What nx.json still has to say before anything can be deployed. */
function missing(options: Record<string, unknown>): string[] {
  const { services } = parseOptions(options);
  return [
    ...(services?.images === undefined
      ? ['"services.images" in nx.json: name the image repository before you publish in the live profile']
      : []),
    ...(services?.stages ?? [])
      .filter(({ hosts = [] }) => hosts.length === 0)
      .map(
        ({ name }) =>
          `the stage "${name}" has no hosts yet: npx nx g @sluice/nx:stage ${name} --pipeline=services --hosts=deploy@${name}.example.com`,
      ),
  ];
}
