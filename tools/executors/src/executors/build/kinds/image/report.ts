import type { ImageArtifactManifest, ImageBuildPlan } from '../../../../artifact/image/index.ts';
import { bytes } from '../../../../foundation/index.ts';

/** One line: what was built, and how it is known from now on; then what a person should know of it. */
export function reportImages(manifest: ImageArtifactManifest): string {
  const { name, version, size, digest, builder, images, bases, migrations } = manifest;
  const services = Object.entries(images);
  return [
    `${name}@${version}  ${bytes(size)}  ${digest}  (${builder})`,
    ...(services.length > 1 ? services.map(([service, own]) => `  ${service}: ${own}`) : []),
    ...bases.map(
      (base) =>
        `  from ${base.reference}: ${base.digest}${base.local ? ' (only on this machine: no registry has it)' : ''}`,
    ),
    ...migrations
      .filter(({ contract }) => contract)
      .map(
        (migration) => `  migration ${migration.name} is marked contract: it forbids the automatic rollback`,
      ),
    '',
  ].join('\n');
}

/** What a build would do, with its commands: `$` reads, `!` writes. */
export function reportImagePlan(project: string, { builder, images }: ImageBuildPlan): string {
  return [
    `${project}  would be built by ${builder}: ${images.length} image${images.length === 1 ? '' : 's'}`,
    ...images.flatMap(({ service, bases, commands }) => [
      `  ${service}  from ${bases.join(', ') || 'nothing'}`,
      ...commands.map((command) => `    ${command}`),
    ]),
    '',
  ].join('\n');
}
