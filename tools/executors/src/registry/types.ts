import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';

/** What a kind of registry can do; decided by the table in `capabilities.ts`, never by an `if` in a step. */
export interface Capabilities {
  kind: string;
  /** Dist-tags can be moved after publishing. */
  distTags: boolean;
  deprecate: boolean;
  /** An accepted version is visible at once (false: it may take minutes). */
  visibleAtOnce: boolean;
  /** Sets `latest` on a first publish even when another tag was asked for. */
  setsLatestOnFirst: boolean;
  scopedOnly: boolean;
  /** `usual`: tarballs lie where npm's own registry has them, so a download need not ask first. `named`: only the packument tells. */
  tarballs: 'usual' | 'named';
  /** Versions can be staged, and approved by a person afterwards. */
  staging: boolean;
  /** Takes a Sigstore bundle beside the tarball, and shows it. */
  provenance: boolean;
  /** Largest tarball in bytes, where known. */
  largest?: number;
  /** What a rollback cannot do here, in words for a person; empty where it can do all. */
  cannot: string[];
}

/** What a registry says it holds of one package. */
export interface Presence {
  exists: boolean;
  versions: Map<string, { integrity?: string; shasum?: string; tarball: string; deprecated?: string }>;
  tags: Record<string, string>;
}

/** A version that the registry has, and shows to nobody until a person approves it there. */
export interface StagedVersion {
  id: string;
  version: string;
  tag?: string;
}

/** Publishing in two steps, of which a person does the second with a second factor. */
export interface Staging {
  /** Hands a version in; `present` where it is there already, staged or published. */
  put(
    bytes: ArtifactBytes,
    manifest: PackageManifest,
    options: PutOptions,
    signal?: AbortSignal,
  ): Promise<'accepted' | 'present'>;
  /** What is staged of a package. Tokens of trusted publishing may not ask: TRUSTED_TOKEN_CANNOT, RIGHT_MISSING. */
  list(name: string, signal?: AbortSignal): Promise<StagedVersion[]>;
  /** The bytes of a staged version, hashed while they arrive. */
  fetch(name: string, staged: StagedVersion, signal?: AbortSignal): Promise<ArtifactBytes>;
  /** What a person types to approve, or to reject. */
  command(verb: 'approve' | 'reject', staged: StagedVersion): string;
}

export interface PutOptions {
  tag: string;
  access: 'public' | 'restricted';
  /** A Sigstore bundle as JSON, for a registry that takes one. */
  provenance?: string | undefined;
}

/** One attempt each: no retries in here (the steps engine repeats what is `transient`). All throw SluiceErrors. */
export interface StageStore {
  readonly stage: string;
  readonly capabilities: Capabilities;
  /** The package's packument; `exists: false` where the registry does not know it. */
  look(name: string, signal?: AbortSignal): Promise<Presence>;
  /**
   * Downloads a version's tarball and hashes what arrived. Above `memoryLimit` bytes (8 MiB) it goes to a temporary file.
   * `tarball` is its address from `look`; only its path is used, on this stage's registry. Without it the usual place is
   * tried where the registry has one, then the packument is asked.
   */
  fetch(name: string, version: string, tarball?: string, signal?: AbortSignal): Promise<ArtifactBytes>;
  /** Publishes these bytes; `present` where the registry says that the version is there already, or still being taken in. */
  put(
    bytes: ArtifactBytes,
    manifest: PackageManifest,
    options: PutOptions,
    signal?: AbortSignal,
  ): Promise<'accepted' | 'present'>;
  /** Undefined where the kind of registry knows no staged publishing. */
  staging?: Staging;
  setTag(name: string, tag: string, version: string, signal?: AbortSignal): Promise<void>;
  removeTag(name: string, tag: string, signal?: AbortSignal): Promise<void>;
  /** Sets the deprecation message of one version; an empty message takes it away. */
  deprecate(name: string, version: string, message: string, signal?: AbortSignal): Promise<void>;
  /** Who the token belongs to, where the registry tells; throws on a refused token. */
  whoami(signal?: AbortSignal): Promise<string | undefined>;
  /** Ends the kept-alive connections. */
  close(): Promise<void>;
}
