import { randomUUID } from 'node:crypto';
import { errors } from '../../foundation/index.ts';
import type { BaseUse } from './bases.ts';
import type { Builder, FoundImage } from './builders/index.ts';
import { nameOf } from './builders/shared.ts';
import type { Run, RunHow } from './command.ts';
import type { ImageArtifactManifest } from './types.ts';

export interface ResolvedBases {
  /** As the artifact records them. */
  bases: ImageArtifactManifest['bases'];
  /** Reference of the Dockerfile -> what the build is told to use instead. */
  pins: Map<string, string>;
  /** Reference of the Dockerfile -> its uncompressed layers, a list for each platform. */
  layers: Map<string, string[][]>;
  /** Takes back the names that were given to images for the time of the build. */
  release(): Promise<void>;
}

export interface ResolveOptions extends RunHow {
  builder: Builder;
  run: Run;
  /** Ask the registries for what a tag means now, even where an image of that name is here. */
  pull: boolean;
}

/**
 * Finds out which image each base is, so that the build uses exactly what is recorded: by its digest where a registry knows
 * it, else (an image that was only made here) by its id.
 * @throws BASE_UNAVAILABLE
 */
export async function resolveBases(
  uses: readonly BaseUse[],
  options: ResolveOptions,
): Promise<ResolvedBases> {
  const { builder, run, signal } = options;
  const resolved: ResolvedBases = { bases: [], pins: new Map(), layers: new Map(), release };
  const names: string[] = [];
  async function release(): Promise<void> {
    for (const name of names.splice(0)) if (builder.store) await run(builder.store.untag(name));
  }
  try {
    for (const use of uses) {
      const { reference } = use;
      if (resolved.pins.has(reference)) continue;
      const found = await find(use, options);
      const written = reference.includes('@') ? reference.split('@')[1] : undefined;
      const digest = written ?? found.digest;
      if (digest === undefined && found.id === undefined)
        throw errors.BASE_UNAVAILABLE({ reference, builder: builder.description, said: 'it has no digest' });
      resolved.bases.push({ reference, digest: digest ?? found.id ?? '', local: digest === undefined });
      resolved.layers.set(reference, found.layers);
      if (digest !== undefined) resolved.pins.set(reference, `${nameOf(reference)}@${digest}`);
      else if (builder.store) {
        // Not every builder takes an id in FROM; a name that is known to nobody else means the same image until the build ends.
        const name = `sluice-base:${randomUUID()}`;
        const { code, stderr } = await run(builder.store.tag(found.id ?? '', name), { signal });
        if (code !== 0)
          throw errors.BASE_UNAVAILABLE({ reference, builder: builder.description, said: stderr });
        names.push(name);
        resolved.pins.set(reference, name);
      }
    }
    return resolved;
  } catch (error) {
    await release();
    throw error;
  }
}

async function find({ reference, platform }: BaseUse, options: ResolveOptions): Promise<FoundImage> {
  const { builder, run, pull, signal, onLine } = options;
  let said = '';
  const look = async (): Promise<FoundImage | undefined> => {
    const { code, stdout, stderr } = await run(builder.look(reference), { signal });
    if (code === 0) return builder.found(stdout, reference);
    said ||= stderr.trim();
    return undefined;
  };
  const here = await look();
  if (!builder.store || (here && !pull)) return here ?? unavailable();
  const pulled = await run(builder.store.pull(reference, platform), { signal, onLine });
  if (pulled.code === 0) return (await look()) ?? unavailable();
  if (here && here.digest === undefined) return here;
  said = (pulled.stderr.trim() || pulled.stdout.trim()).split('\n').at(-1) ?? '';
  return unavailable();

  function unavailable(): never {
    throw errors.BASE_UNAVAILABLE({
      reference,
      builder: builder.description,
      said: said || 'it said nothing',
    });
  }
}
