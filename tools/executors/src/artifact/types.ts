/** What `build` writes beside the tarball, as `artifact.json`. Holds nothing that differs between two builds of the same sources. */
export interface ArtifactManifest {
  schemaVersion: 1;
  kind: 'npm';
  project: string;
  name: string;
  version: string;
  /** `sha512-<base64>` of the tarball: the artifact's identity. */
  integrity: string;
  /** Lower-case hex sha1 of the tarball, as the npm protocol wants it. */
  shasum: string;
  /** Bytes of the tarball. */
  size: number;
  unpackedSize: number;
  /** File name of the tarball in the same folder. */
  tarball: string;
  /** Paths inside the package, sorted, with their sizes in bytes. */
  files: { path: string; size: number; mode: number }[];
  /** Workspace dependencies: package name -> the version here at build, and the range written into the tarball. */
  workspaceDependencies: Record<string, { version: string; range: string }>;
  /** File name of the CycloneDX SBOM in the same folder, and its sha256 (hex). */
  sbom: { file: string; sha256: string };
}

/** Bytes of an artifact: small ones in memory, large ones in a temporary file. */
export interface ArtifactBytes {
  size: number;
  integrity: string;
  shasum: string;
  /** Set where the bytes are in memory. */
  buffer?: Buffer;
  /** A fresh stream over all bytes; may be called again. */
  stream(): NodeJS.ReadableStream;
  /** Frees the memory or deletes the temporary file; safe to call twice. */
  dispose(): Promise<void>;
}

/** `package/package.json` of a tarball, as far as we use it. */
export interface PackageManifest {
  name: string;
  version: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  exports?: unknown;
  [key: string]: unknown;
}
