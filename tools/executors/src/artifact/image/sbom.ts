import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { licenseOf } from '../sbom.ts';
import type { ImageComponent } from './contents/components.ts';
import type { ImageArtifactManifest } from './types.ts';

type Subject = Pick<ImageArtifactManifest, 'name' | 'version' | 'digest' | 'repository' | 'images' | 'bases'>;

/**
 * A CycloneDX 1.6 bill of materials of a service: its images, the images they stand on, and what lies in them. The same for
 * the same input, as that of a package is.
 * @param contents compose service -> what is installed in its image
 */
export function renderImageSbom(
  subject: Subject,
  contents: ReadonlyMap<string, readonly ImageComponent[]>,
): string {
  const root = container(subject.repository, subject.version, subject.digest);
  root.description = subject.name;
  const made = new Map<string, Models.Component>();
  const add = (one: Models.Component): Models.Component => {
    const ref = one.bomRef.value ?? '';
    const there = made.get(ref);
    if (there) return there;
    made.set(ref, one);
    return one;
  };
  const images = Object.entries(subject.images).map(([service, digest]) => {
    // One image and no stack: the artifact is the image.
    const image = digest === subject.digest ? root : add(container(service, digest, digest));
    if (image !== root) root.dependencies.add(image.bomRef);
    for (const found of contents.get(service) ?? []) image.dependencies.add(add(library(found)).bomRef);
    return image;
  });
  for (const { reference, digest, local } of subject.bases) {
    const base = add(container(reference, digest, local ? undefined : digest));
    for (const image of images) image.dependencies.add(base.bomRef);
  }
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: root }),
    components: new Models.ComponentRepository(made.values()),
  });
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** @param digest undefined where no registry knows the image: then it has no package URL either */
function container(name: string, version: string, digest: string | undefined): Models.Component {
  const short = name.split('@')[0]?.split('/').at(-1)?.replace(/:.*$/, '') ?? name;
  const purl =
    digest === undefined
      ? undefined
      : new PackageURL('oci', undefined, short, digest, undefined, undefined).toString();
  const made = new Models.Component(Enums.ComponentType.Container, name, {
    version,
    bomRef: purl === undefined || name !== short ? `${name}@${version}` : purl,
    ...(purl === undefined ? {} : { purl }),
  });
  if (digest?.startsWith('sha256:'))
    made.hashes.set(Enums.HashAlgorithm['SHA-256'], digest.slice('sha256:'.length));
  return made;
}

function library({ purl, name, group, version, license }: ImageComponent): Models.Component {
  const made = new Models.Component(Enums.ComponentType.Library, name, { version, purl, bomRef: purl });
  if (group !== undefined) made.group = group;
  if (license !== undefined) made.licenses.add(licenseOf(license));
  return made;
}
