import { assertManifest, readPackageManifest } from '../registry/index.ts';
import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';
import { errors } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import type { Presence, StageStore } from '../registry/types.ts';
import type { Row } from '../steps/index.ts';
import { namesRepository, type Bundle } from './provenance.ts';
import { CANDIDATE, mayMove } from './tags.ts';

/** What one package carries through the rows. */
export interface Passage {
  name: string;
  version: string;
  integrity: string;
  shasum: string;
  size: number;
  tag: string;
  movesTag: boolean;
  backwards: boolean;
  stage: Stage;
  target: StageStore;
  /** What the target said when the plan was made; renewed by `visible`. */
  presence: Presence | undefined;
  /** Gets the true bytes: from the stage before, or from the artifact at the first publish. */
  source: (signal: AbortSignal) => Promise<ArtifactBytes>;
  /** Room in memory for bytes that wait; see `budget.ts`. */
  hold: (size: number) => Promise<() => void>;
  /** Installs and imports; undefined where the stage does not ask for it. */
  install: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Publish under the final tag at once (first stage, or a registry whose tags cannot be moved). */
  tagAtPut: boolean;
  /** It was rolled back here and let go again, so the warning of then is to go. */
  comesBack?: boolean;
  /** A store holds the true bytes, so a registry that serves others may be lived with (first stage only). */
  mayServeOthers: boolean;
  /** Decides with a fresh look what is left to do, where no plan did before; `'enough'` where nothing is. */
  ask?: (passage: Passage) => Promise<'enough' | undefined>;
  /** Makes or finds the provenance, and proves it; undefined where there is none. */
  prove?: (passage: Passage, signal: AbortSignal) => Promise<Bundle | undefined>;
  /** Tells a person what is no error. */
  note?: (line: string) => void;
  /** Filled on the way: the provenance. */
  bundle?: Bundle;
  /** Filled on the way, where it is staged: the registry holds the true bytes, and since when it no longer lists them. */
  comparedStaged?: boolean;
  goneSince?: number;
  /** Filled on the way: what the registry serves instead, when it was put by this run. */
  served?: string;
  putNow?: boolean;
  /** Read back beside the first look, where what is accepted is visible at once. */
  early?: Promise<ArtifactBytes | undefined>;
  /** When `presence` was asked for, in milliseconds of `performance.now()`. */
  lookedAt: number;
  bytes?: ArtifactBytes;
  manifest?: PackageManifest;
  release?: () => void;
}

/** What knows how the target looks. */
export type Looked = Pick<Passage, 'name' | 'version' | 'target' | 'presence' | 'lookedAt'>;

/** Frees the bytes and their room. */
export const dispose = async (passage: Passage): Promise<void> => {
  await passage.bytes?.dispose();
  delete passage.bytes;
  passage.release?.();
  delete passage.release;
};

/** Asks the target anew. */
export const look = async (passage: Looked, signal: AbortSignal): Promise<void> => {
  passage.presence = await passage.target.look(passage.name, signal);
  passage.lookedAt = performance.now();
};

/** The tag went with the bytes, since nothing here can move it: seen, or a newer version has it by now. */
const tagCame = async (passage: Passage, signal: AbortSignal): Promise<void> => {
  const { name, version, tag, stage } = passage;
  await look(passage, signal);
  const now = passage.presence?.tags[tag];
  if (now !== version && mayMove(version, now, passage.backwards))
    throw errors.TAG_NOT_VISIBLE_YET({ name, version, tag, stage: stage.name }, { transient: true });
};

/** What the target says of this version, as of the last look. */
export const there = (passage: Looked) => passage.presence?.versions.get(passage.version);

/** What the registry gets of the provenance. It shows it to everybody, and takes none for what it shows to some. */
export const shownProvenance = (passage: Passage): string | undefined => {
  const { name, version, target, stage, bundle, manifest = {} } = passage;
  if (!bundle || !target.capabilities.provenance || stage.access !== 'public') return undefined;
  if (namesRepository(manifest, bundle.repository)) return bundle.text;
  passage.note?.(
    `${name}@${version} goes into ${stage.name} without its provenance: "repository" in its package.json does not name ${bundle.repository}, and npm's registry takes none then`,
  );
  return undefined;
};

export const PUT = 'put';
export const WAIT = 'wait until visible';

/**
 * The states of one package on its way into a stage, as a table. Only `put` and the dist-tag wait for the dependencies, so
 * that fetching and checking of everything run ahead while the registry is far away.
 */
export const passageRows: Row<Passage>[] = [
  {
    title: 'ask what is there',
    when: (passage) => passage.ask !== undefined,
    run: async (passage, signal) => {
      await look(passage, signal);
      return passage.ask?.(passage);
    },
  },
  {
    title: 'prove where it comes from',
    when: (passage) => passage.prove !== undefined,
    run: async (passage, signal) => {
      const bundle = await passage.prove?.(passage, signal);
      if (bundle) passage.bundle = bundle;
    },
    // Signing is done a few at a time.
    timeout: 600_000,
  },
  {
    title: 'wait for room in memory',
    when: (passage) => !there(passage),
    run: async (passage) => {
      passage.release ??= await passage.hold(passage.size);
    },
    // Others hold the room for as long as theirs take, and each of those has its own limit.
    timeout: Infinity,
  },
  {
    title: 'fetch and check',
    reaches: 'planned',
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      await passage.bytes?.dispose();
      passage.bytes = await passage.source(signal);
      const { manifest } = await readPackageManifest(passage.bytes);
      assertManifest(manifest, passage);
      passage.manifest = manifest;
    },
    timeout: 600_000,
  },
  {
    title: PUT,
    waitsFor: 'visible',
    // Where a registry shows what it accepts at once, dependents need not wait until that was looked at; what another
    // run is putting just now may be said to be there before it is shown.
    reaches: (passage) =>
      passage.target.capabilities.visibleAtOnce && (passage.putNow || there(passage))
        ? ['accepted', 'visible']
        : ['accepted'],
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      const { bytes, manifest, target, tag, tagAtPut, stage } = passage;
      if (!bytes || !manifest) throw new Error('nothing was fetched');
      const answer = await target.put(
        bytes,
        manifest,
        {
          tag: tagAtPut ? tag : CANDIDATE,
          access: stage.access,
          provenance: shownProvenance(passage),
        },
        signal,
      );
      passage.putNow ||= answer === 'accepted';
      await dispose(passage);
    },
    timeout: 600_000,
  },
  {
    title: WAIT,
    reaches: 'visible',
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      const { target, name, version } = passage;
      if (target.capabilities.visibleAtOnce && passage.putNow) {
        passage.early ??= target.fetch(name, version, undefined, signal).catch(() => undefined);
      }
      await look(passage, signal);
      if (!there(passage)) {
        throw errors.NOT_VISIBLE_YET(
          { name: passage.name, version: passage.version, stage: passage.stage.name },
          { transient: true },
        );
      }
    },
    retry: { attempts: 1_000, pause: 100, longest: 10_000 },
  },
  {
    title: 'read back and compare',
    run: async (passage, signal) => {
      const { name, version, integrity, stage, target } = passage;
      const early = await passage.early;
      delete passage.early;
      const bytes = early ?? (await target.fetch(name, version, there(passage)?.tarball, signal));
      const found = bytes.integrity;
      await bytes.dispose();
      if (found === integrity) return;
      if (!passage.putNow)
        throw errors.OTHER_BYTES({ name, version, stage: stage.name, expected: integrity, found });
      if (!passage.mayServeOthers) {
        throw errors.SERVES_OTHER_BYTES({
          name,
          version,
          stage: stage.name,
          given: integrity,
          served: found,
        });
      }
      passage.served = found;
    },
    timeout: 600_000,
  },
  {
    title: 'install and import',
    reaches: 'verified',
    when: (passage) => passage.install !== undefined,
    run: async (passage, signal) => passage.install?.(signal),
    timeout: 300_000,
    retry: { attempts: 4, pause: 500, longest: 10_000 },
  },
  {
    title: 'take the deprecation away',
    when: (passage) => passage.comesBack === true && there(passage)?.deprecated !== undefined,
    run: async ({ name, version, target }, signal) => target.deprecate(name, version, '', signal),
  },
  {
    title: 'move the dist-tag',
    // Nobody is to get by the tag what rests on something that turned out to be unsound.
    waitsFor: 'verified',
    reaches: 'tagged',
    when: (passage) => passage.movesTag,
    run: async (passage, signal) => {
      const { name, version, tag, target, tagAtPut } = passage;
      if (passage.presence?.tags[tag] === version) return;
      if (passage.putNow && tagAtPut && !target.capabilities.distTags) return tagCame(passage, signal);
      // Somebody else may have promoted a newer version meanwhile.
      if (performance.now() - passage.lookedAt > 2_000) await look(passage, signal);
      if (!mayMove(version, passage.presence?.tags[tag], passage.backwards)) return;
      await target.setTag(name, tag, version, signal);
    },
  },
];

/** Frees what a passage that stopped half-way still holds. */
export async function releasePassage(passage: Passage): Promise<void> {
  await (await passage.early)?.dispose();
  await dispose(passage);
}
