import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { errors } from '../../foundation/index.ts';
import type { ServiceConfig } from '../../service/types.ts';
import { basesOf, type DockerfileBases, type DockerfileOptions } from './bases.ts';
import type { Builder } from './builders/index.ts';

/** One image as it is going to be built. */
export interface ImagePlan {
  /** Compose service. */
  service: string;
  /** Absolute. */
  context: string;
  dockerfile: string;
  text: string;
  options: DockerfileOptions;
  bases: DockerfileBases;
  args: Readonly<Record<string, string>>;
  target?: string;
  platforms: readonly string[];
  tag: string;
}

export interface PlanInput {
  workspaceRoot: string;
  /** Relative to the workspace. */
  projectRoot: string;
  project: string;
  config: ServiceConfig;
}

/**
 * Reads the Dockerfiles of a service, and what they stand on.
 * @throws CONTEXT_OUTSIDE, DOCKERFILE_MISSING, DOCKERFILE_INVALID, PLATFORMS_UNSUPPORTED
 */
export async function planImages(input: PlanInput, builder: Builder): Promise<ImagePlan[]> {
  const { workspaceRoot, projectRoot, project, config } = input;
  return Promise.all(
    Object.entries(config.images).map(async ([service, image]): Promise<ImagePlan> => {
      const { args, target, platforms } = image;
      if (platforms.length > 1 && !builder.severalPlatforms)
        throw errors.PLATFORMS_UNSUPPORTED({ service, platforms, builder: builder.description });
      const inside = (path: string) => insideOf(workspaceRoot, path, { project, service });
      const context = await inside(resolve(workspaceRoot, projectRoot, image.context));
      if (context === undefined || !(await stat(context)).isDirectory())
        throw errors.DOCKERFILE_MISSING({ project, service, file: join(projectRoot, image.context) });
      const file = join(projectRoot, image.context, image.dockerfile);
      const dockerfile = await inside(resolve(context, image.dockerfile));
      if (dockerfile === undefined || !(await stat(dockerfile)).isFile())
        throw errors.DOCKERFILE_MISSING({ project, service, file });
      const text = await readFile(dockerfile, 'utf8');
      const options: DockerfileOptions = {
        file,
        args,
        ...(target === undefined ? {} : { target }),
        predefined: builder.platformArgs ? platformArgs(builder.platform, platforms) : {},
      };
      return {
        service,
        context,
        dockerfile,
        text,
        options,
        bases: basesOf(text, options),
        args,
        ...(target === undefined ? {} : { target }),
        platforms,
        tag: `sluice-build/${nameSafe(project)}/${nameSafe(service)}:last`,
      };
    }),
  );
}

/** The real path, which links must not lead out of the workspace; undefined where nothing is there. */
async function insideOf(
  workspaceRoot: string,
  path: string,
  at: { project: string; service: string },
): Promise<string | undefined> {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  const root = await realpath(workspaceRoot);
  const asked = real ?? path;
  if (asked !== root && !asked.startsWith(`${root}${sep}`)) throw errors.CONTEXT_OUTSIDE({ ...at, path });
  return real;
}

/** What BuildKit and podman put into FROM by themselves. For several platforms there is no one answer to what is built for. */
function platformArgs(own: string, platforms: readonly string[]): Record<string, string> {
  const of = (prefix: string, platform: string): Record<string, string> => {
    const [os = '', arch = '', variant = ''] = platform.split('/');
    return {
      [`${prefix}PLATFORM`]: platform,
      [`${prefix}OS`]: os,
      [`${prefix}ARCH`]: arch,
      [`${prefix}VARIANT`]: variant,
    };
  };
  return { ...of('BUILD', own), ...(platforms.length > 1 ? {} : of('TARGET', platforms[0] ?? own)) };
}

/** A part of an image's name: a project may be called anything. */
const nameSafe = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '') || 'x';
