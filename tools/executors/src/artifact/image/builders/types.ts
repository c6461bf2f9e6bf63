import type { ImageArtifactManifest } from '../types.ts';
import type { Command } from '../command.ts';

export type BuilderName = ImageArtifactManifest['builder'];

export interface BuildRequest {
  /** Absolute folder. */
  context: string;
  /** Absolute path; it may lie outside of the context. */
  dockerfile: string;
  target?: string;
  args: Readonly<Record<string, string>>;
  platforms: readonly string[];
  /** Local name of the image, so that the next build finds its layers. */
  tag: string;
  /** Seconds since 1970. */
  epoch: number;
  /** The Dockerfile asks for SOURCE_DATE_EPOCH. */
  wantsEpoch: boolean;
  noCache: boolean;
  /** Where the image's id is to be written. */
  idFile: string;
  /** Where a builder without a store of its own writes the image. */
  archive: string;
}

/** An image as a builder knows it. */
export interface FoundImage {
  /** Digest in the registry that its name belongs to; undefined for one that was only made here. */
  digest?: string;
  /** Id in the builder's own store. */
  id?: string;
  /** `sha256:...` of its uncompressed layers, from the bottom; a list for each platform that it has. */
  layers: string[][];
}

/** One tool that makes images: which calls it takes. Pure, but for nothing: the calls are made by whoever asks. */
export interface Builder {
  readonly name: BuilderName;
  /** For people: `docker 20.10.24`. */
  readonly description: string;
  /** `linux/amd64`: what it builds for by itself. */
  readonly platform: string;
  /** It can make one image for several platforms. */
  readonly severalPlatforms: boolean;
  /** The build reads all of BuildKit's own arguments in FROM (`TARGETARCH`, ...). */
  readonly platformArgs: boolean;
  /** Asks for an image; `found` reads the answer. */
  look(reference: string): Command;
  found(stdout: string, reference: string): FoundImage | undefined;
  /** Where the builder keeps images: brings one there, gives it a second name, and takes the name away. */
  readonly store?: {
    pull(reference: string, platform?: string): Command;
    tag(id: string, name: string): Command;
    untag(name: string): Command;
    /** Writes an image as an archive. */
    save(id: string, archive: string): Command;
  };
  build(request: BuildRequest): Command;
}
