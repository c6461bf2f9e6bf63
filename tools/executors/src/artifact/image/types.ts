import type { Migration, ServiceBundle } from '../../service/types.ts';

/**
 * What `build` writes for a service as `artifact.json`, beside an OCI image layout in `image/` (its `index.json` names one
 * descriptor: the artifact). One image: that image's manifest (or multi-platform index). A stack: an index over its images,
 * each annotated `com.sluice.service=<compose service>`. All of it lies in one repository of a registry.
 */
export interface ImageArtifactManifest {
  schemaVersion: 1;
  kind: 'image';
  project: string;
  /** Name from the project's package.json; names the service in records. */
  name: string;
  /** `sha-<12 of the commit>` , with `-<8 of the digest>` behind it where the work tree was dirty. Also the tag in the first registry. */
  version: string;
  /** Version in package.json, where there is one: a label for people. */
  label?: string;
  /** `sha256:<hex>` of the artifact's manifest or index. */
  digest: string;
  mediaType: string;
  /** Bytes of all blobs and manifests. */
  size: number;
  /** Name below the stage's `images`: the project's name. */
  repository: string;
  /** Compose service -> digest. */
  images: Record<string, string>;
  /** Base images as the Dockerfile names them -> digest (or image id where it was only local) that was used. */
  bases: { reference: string; digest: string; local: boolean }[];
  builder: 'buildkit' | 'docker' | 'podman' | 'buildah';
  commit: string;
  dirty: boolean;
  migrations: Migration[];
  /** Files in the same folder that are attached to the image as OCI referrers. */
  attachments: Attachment[];
}
export interface Attachment {
  file: string;
  /** `application/vnd.cyclonedx+json` or `application/vnd.sluice.service.v1+json`. */
  artifactType: string;
  sha256: string;
  size: number;
}
export const BUNDLE_TYPE = 'application/vnd.sluice.service.v1+json';
export const SBOM_TYPE = 'application/vnd.cyclonedx+json';
export type { ServiceBundle };
