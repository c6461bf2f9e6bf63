import type { Readable } from 'node:stream';
import type { Secret, SluiceError } from '../../foundation/index.ts';

/** A descriptor of the OCI image specification. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  artifactType?: string;
  platform?: Record<string, unknown>;
}
/** Exact bytes of a manifest or index, whose sha256 is `digest`. */
export interface Manifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}
export interface Credentials {
  username: string;
  password: Secret;
}
export interface OciOptions {
  /** `host[:port]` */
  host: string;
  /** Plain HTTP; refused by `openOci` for hosts that are not loopback. */
  insecure: boolean;
  /** Undefined: anonymous. */
  credentials?: Credentials;
}

/**
 * One repository of a registry, spoken to by the OCI distribution protocol 1.1. One attempt each: retries are the steps engine's. All throw SluiceErrors.
 */
export interface OciRepository {
  readonly host: string;
  readonly name: string;
  /** The manifest behind a tag or digest; undefined where there is none. Checks that the bytes have the digest. */
  manifest(reference: string, signal?: AbortSignal): Promise<Manifest | undefined>;
  /** Digest, type and size behind a tag or digest, by HEAD. */
  head(reference: string, signal?: AbortSignal): Promise<Descriptor | undefined>;
  putManifest(manifest: Manifest, reference: string, signal?: AbortSignal): Promise<void>;
  hasBlob(digest: string, signal?: AbortSignal): Promise<boolean>;
  blob(digest: string, options?: { from?: number; signal?: AbortSignal }): Promise<Readable>;
  /** Asks the registry to take a blob over from another of its repositories; false where it wants an upload instead. */
  mount(digest: string, from: string, signal?: AbortSignal): Promise<boolean>;
  /** Uploads a blob, resuming where the registry says how far it got; `open(from)` gives the bytes from an offset on. */
  upload(
    blob: { digest: string; size: number },
    open: (from: number) => Promise<Readable>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Artifacts attached to a digest: by the referrers API, else by the tag of the specification's fallback. */
  referrers(digest: string, signal?: AbortSignal): Promise<Descriptor[]>;
  tags(signal?: AbortSignal): Promise<string[]>;
}

/** Where an image can be copied from: a repository, or a layout folder. */
export interface ImageSource extends Pick<
  OciRepository,
  'host' | 'name' | 'manifest' | 'blob' | 'referrers'
> {
  /** How it says that a blob is not what its digest says; by default as a registry does. */
  differs?(digest: string, found: string): SluiceError;
}

export interface CopyReport {
  digest: string;
  mediaType: string;
  /** All requests to both registries, redirections and those for tokens among them. */
  requests: number;
  /** Those of them that read or wrote manifests, tags or lists of referrers. */
  manifestRequests: number;
  blobs: { there: number; mounted: number; streamed: number };
  manifests: { there: number; put: number };
  /** Bytes of blobs that went through this process. */
  bytes: number;
  /** What the tags were before; undefined for a tag that was not there. */
  tags: { tag: string; before: string | undefined }[];
}
