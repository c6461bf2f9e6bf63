import { errors, SluiceError } from '../foundation/index.ts';
import type { Staging, StagedVersion } from '../registry/types.ts';
import type { Row } from '../steps/index.ts';
import { CANDIDATE } from './tags.ts';
import { dispose, look, shownProvenance, there, type Looked, type Passage } from './rows.ts';

/** In milliseconds: a person is not faster, and registries count requests. */
const POLL = { pause: 500, longest: 10_000 };

/** What is staged, or on its way there. */
export type InStage = Looked & Pick<Passage, 'stage' | 'integrity' | 'comparedStaged' | 'goneSince'>;

/**
 * In place of "put" and "wait until visible", where the registry keeps versions until a person approves them. Everything is
 * staged and compared without waiting for dependencies: until then nobody can install any of it.
 */
export const stagedRows = (within: number): Row<Passage>[] => [
  {
    title: 'stage',
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      const { bytes, manifest, tag, tagAtPut, stage } = passage;
      if (!bytes || !manifest) throw new Error('nothing was fetched');
      const how = {
        tag: tagAtPut ? tag : CANDIDATE,
        access: stage.access,
        provenance: shownProvenance(passage),
      };
      await stagingOf(passage).put(bytes, manifest, how, signal);
      await dispose(passage);
    },
    timeout: 600_000,
  },
  {
    title: 'compare what is staged',
    reaches: 'staged',
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      const staged = await findStaged(passage, signal).catch(unlessHidden);
      passage.comparedStaged = staged !== undefined && (await compareStaged(passage, staged, signal));
    },
    timeout: 600_000,
  },
  waitForApproval(within),
];

/** @param within milliseconds */
export function waitForApproval(within: number): Row<InStage> {
  return {
    title: 'wait for the approval',
    reaches: 'visible',
    when: (passage) => !there(passage),
    run: async (passage, signal) => {
      await look(passage, signal);
      if (there(passage)) return;
      const { name, version, stage, comparedStaged } = passage;
      if (comparedStaged) await stillStaged(passage, signal);
      throw errors.STAGED_WAITING(
        { name, version, stage: stage.name, compared: comparedStaged === true },
        { transient: true },
      );
    },
    retry: { attempts: 100_000, ...POLL, within },
  };
}

function stagingOf({ target, stage }: Pick<Passage, 'target' | 'stage'>): Staging {
  if (!target.staging)
    throw errors.REGISTRY_CANNOT({
      stage: stage.name,
      registry: stage.registry,
      action: 'stage a version',
      status: 404,
    });
  return target.staging;
}

/** The staged version of a passage. Throws where it may not be asked for. */
export async function findStaged(
  passage: Pick<Passage, 'name' | 'version' | 'target' | 'stage'>,
  signal?: AbortSignal,
): Promise<StagedVersion | undefined> {
  const all = await stagingOf(passage).list(passage.name, signal);
  return all.find(({ version }) => version === passage.version);
}

/** @throws STAGED_OTHER_BYTES */
export async function compareStaged(
  passage: Pick<Passage, 'name' | 'version' | 'integrity' | 'target' | 'stage'>,
  staged: StagedVersion,
  signal?: AbortSignal,
): Promise<true> {
  const { name, version, integrity, stage } = passage;
  const staging = stagingOf(passage);
  const bytes = await staging.fetch(name, staged, signal);
  await bytes.dispose();
  if (bytes.integrity === integrity) return true;
  throw errors.STAGED_OTHER_BYTES({
    name,
    version,
    stage: stage.name,
    expected: integrity,
    found: bytes.integrity,
    reject: staging.command('reject', staged),
  });
}

/** What was approved comes into sight within the stage's time; what is then neither staged nor there was rejected. */
async function stillStaged(passage: InStage, signal: AbortSignal): Promise<void> {
  const staged = await findStaged(passage, signal).catch(unlessHidden);
  if (staged) return void delete passage.goneSince;
  const now = performance.now();
  passage.goneSince ??= now;
  if (now - passage.goneSince < passage.stage.visibleWithinMs) return;
  const { name, version, stage } = passage;
  throw errors.STAGED_REJECTED({ name, version, stage: stage.name });
}

/** Tokens of trusted publishing stage, and may not see what is staged: then the person who approves compares. */
function unlessHidden(error: unknown): undefined {
  const hidden = ['TRUSTED_TOKEN_CANNOT', 'RIGHT_MISSING', 'TOKEN_MISSING', 'TOKEN_REFUSED'];
  if (error instanceof SluiceError && hidden.includes(error.code)) return undefined;
  throw error;
}
