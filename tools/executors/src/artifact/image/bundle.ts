import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceBundle } from '../../service/types.ts';
import type { PlanInput } from './images.ts';
import type { Attachment } from './types.ts';

/** Text of service.json: all that a deployment needs beside the images, as it was at the build. */
export async function bundleOf(
  { workspaceRoot, projectRoot, project, config }: PlanInput,
  images: ServiceBundle['images'],
  migrations: ServiceBundle['migrations'],
): Promise<string> {
  const read = (file: string): Promise<string> => readFile(join(workspaceRoot, projectRoot, file), 'utf8');
  const { images: _, ...rest } = config;
  const bundle: ServiceBundle = {
    schemaVersion: 1,
    project,
    compose: await read(config.compose),
    ...(config.smoke?.compose === undefined ? {} : { smokeCompose: await read(config.smoke.compose) }),
    config: rest,
    images,
    migrations,
  };
  return `${JSON.stringify(bundle, null, 2)}\n`;
}

/** Writes a document that is attached to the image, and describes it. */
export async function attach(
  folder: string,
  file: string,
  artifactType: string,
  text: string,
): Promise<Attachment> {
  const bytes = Buffer.from(text);
  await writeFile(join(folder, file), bytes);
  return { file, artifactType, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}
