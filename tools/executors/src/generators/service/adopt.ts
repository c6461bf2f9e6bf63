import type { Tree } from '@nx/devkit';
import { readJson, writeJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { SERVICE_FILE } from '../../service/index.ts';
import { composeFor, readCompose } from './adopt-compose.ts';
import { dockerfilePort } from './adopt-docker.ts';
import { perStage, type Wanted } from './manifests.ts';
import type { ServiceSchema } from './types.ts';

const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Whether there is nothing in the folder that a service could be made of. */
export const isNew = (tree: Tree, directory: string): boolean => tree.children(directory).length === 0;

/**
 * Writes a sluice.json for the Dockerfile and the compose file in the folder, which stay as they are, and what is missing beside them.
 * @returns what a person still has to look at
 * @throws SERVICE_NOT_ADOPTABLE, ADOPTED_FILE_UNREADABLE
 */
export function adopt(tree: Tree, schema: ServiceSchema & { path: string }, wanted: Wanted): string[] {
  const { directory, projectName } = wanted;
  const at = (file: string) => `${directory}/${file}`;
  const read = (file: string) => tree.read(at(file), 'utf8') ?? undefined;
  const dockerfile = read('Dockerfile');
  const found = COMPOSE_FILES.find((file) => tree.exists(at(file)));
  if (dockerfile === undefined && found === undefined)
    throw errors.SERVICE_NOT_ADOPTABLE({ folder: directory });
  const compose = found ?? 'compose.yaml';
  const port = schema.port ?? dockerfilePort(dockerfile);
  if (!found) tree.write(at(compose), composeFor(projectName, port ?? wanted.port));
  const { config, variables, notes } = readCompose({
    file: at(compose),
    text: read(compose) ?? '',
    read,
    path: schema.path,
    ...(port === undefined ? {} : { port }),
    ...(schema.health === undefined ? {} : { health: schema.health }),
    ...(schema.migrate === undefined ? {} : { migrate: schema.migrate }),
    migrations: tree.children(at('migrations')).some((file) => file.endsWith('.sql')),
  });
  const stages = 'LOG_LEVEL' in variables ? perStage(wanted.stages) : {};
  writeJson(tree, at(SERVICE_FILE), {
    $schema: wanted.schema,
    ...(compose === 'compose.yaml' ? {} : { compose }),
    ...config,
    ...stages,
  });
  if (!tree.exists(at('package.json')))
    writeJson(tree, at('package.json'), {
      name: wanted.packageName,
      version: '0.0.0',
      private: true,
      description: wanted.description,
      nx: { name: projectName },
    });
  else notes.push(...otherName(tree, at('package.json'), projectName));
  return notes;
}

/** Nx knows the project by its package.json, which is not ours to change. */
function otherName(tree: Tree, file: string, projectName: string): string[] {
  const { name, nx } = readJson<{ name?: string; nx?: { name?: string } }>(tree, file);
  const known = nx?.name ?? name;
  return known === undefined || known === projectName
    ? []
    : [`${file} calls the project "${known}", and so do Nx and Sluice`];
}
