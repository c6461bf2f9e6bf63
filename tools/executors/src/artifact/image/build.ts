import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors, SluiceError } from '../../foundation/index.ts';
import type { Descriptor } from '../../registry/oci/types.ts';
import { MANIFEST_FILE, PROVENANCE_FILE } from '../build.ts';
import { detectBuilder, type Builder, type BuilderName } from './builders/index.ts';
import { attach, bundleOf } from './bundle.ts';
import { runCommand, showCommand, type Command, type Run } from './command.ts';
import type { ImageComponent } from './contents/components.ts';
import { planImages, type ImagePlan, type PlanInput } from './images.ts';
import { knownLayers } from './known-layers.ts';
import { LayoutWriter, OCI } from './layout.ts';
import { readMigrations } from './migrations.ts';
import { normaliseArchive, type NormalImage } from './normalise.ts';
import { resolveBases, type ResolvedBases } from './resolve-bases.ts';
import { requestOf, runBuilder } from './run-builder.ts';
import { renderImageSbom } from './sbom.ts';
import { BUNDLE_TYPE, SBOM_TYPE, type ImageArtifactManifest } from './types.ts';

const PARTIAL = '.partial-';
export const LAYOUT_FOLDER = 'image';

export interface ImageBuildInput extends PlanInput {
  /** Where the artifact goes: an absolute folder of its own. */
  outputFolder: string;
  /** The builder, or the name of one; what this machine has without it. */
  engine?: BuilderName | Builder;
  /** Full hash of the commit that is built. */
  commit: string;
  /** The work tree holds what that commit does not. */
  dirty: boolean;
  /** When it was committed, in seconds since 1970 (SOURCE_DATE_EPOCH): nothing in the image is later. */
  epoch: number;
  /** Address of the sources, for people. */
  source?: string;
  /** Ask the registries for newer base images. */
  pull?: boolean;
  noCache?: boolean;
  /** What the builder says, as it says it. */
  onLine?: (line: string) => void;
  signal?: AbortSignal;
  run?: Run;
}

/**
 * Builds the images of a service into `<outputFolder>`: `image/` (an OCI layout that we write), `sbom.cdx.json`,
 * `service.json`, and last `artifact.json`. The digest is that of what we wrote, known before anything is pushed. An
 * interrupted build leaves the artifact that was there, or one that `readImageArtifact` refuses.
 * @throws ENGINE_UNAVAILABLE, PLATFORMS_UNSUPPORTED, CONTEXT_OUTSIDE, DOCKERFILE_MISSING, DOCKERFILE_INVALID,
 * BASE_UNAVAILABLE, IMAGE_BUILD_FAILED, IMAGE_UNREADABLE, DISK_FULL, CANCELLED
 */
export async function buildImageArtifact(input: ImageBuildInput): Promise<ImageArtifactManifest> {
  const { outputFolder, run = runCommand } = input;
  const builder = await builderOf(input);
  const plans = await planImages(input, builder);
  try {
    await mkdir(outputFolder, { recursive: true });
    await removePartial(outputFolder);
    const work = join(outputFolder, `${PARTIAL}${randomUUID()}`);
    await mkdir(work);
    const resolved = await resolveBases(
      plans.flatMap((plan) => plan.bases.uses),
      { builder, run, pull: input.pull ?? false, signal: input.signal, onLine: input.onLine },
    );
    try {
      return await write(input, { builder, plans, resolved, work, run });
    } finally {
      await resolved.release();
    }
  } catch (error) {
    if (input.signal?.aborted) throw errors.CANCELLED({ name: input.project, reached: [] }, { cause: error });
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? errors.DISK_FULL({ folder: outputFolder }, { cause: error })
      : error;
  } finally {
    await removePartial(outputFolder);
  }
}

/** What a build would do; reads only. */
export interface ImageBuildPlan {
  /** For people. */
  builder: string;
  images: { service: string; bases: string[]; commands: string[] }[];
}

/** The plan of a build with every command, as a person would type them. @throws as `buildImageArtifact`, before it builds */
export async function planImageBuild(
  input: Omit<ImageBuildInput, 'commit' | 'dirty'>,
): Promise<ImageBuildPlan> {
  const builder = await builderOf(input);
  const plans = await planImages(input, builder);
  const work = join(input.outputFolder, `${PARTIAL}<random>`);
  const images = plans.map((plan): ImageBuildPlan['images'][number] => {
    const request = requestOf(plan, input, work);
    const bases = plan.bases.uses.map(({ reference }) => reference);
    const commands: Command[] = [
      ...plan.bases.uses.flatMap(({ reference, platform }) => [
        builder.look(reference),
        ...(input.pull && builder.store ? [builder.store.pull(reference, platform)] : []),
      ]),
      builder.build(request),
      ...(builder.store ? [builder.store.save('<id of the image>', request.archive)] : []),
    ];
    return { service: plan.service, bases, commands: commands.map(showCommand) };
  });
  return { builder: builder.description, images };
}

async function builderOf({ engine, run }: Pick<ImageBuildInput, 'engine' | 'run'>): Promise<Builder> {
  if (typeof engine === 'object') return engine;
  return detectBuilder({ wanted: engine, ...(run ? { run } : {}) });
}

interface Building {
  builder: Builder;
  plans: ImagePlan[];
  resolved: ResolvedBases;
  work: string;
  run: Run;
}

async function write(input: ImageBuildInput, building: Building): Promise<ImageArtifactManifest> {
  const { workspaceRoot, projectRoot, project, config, outputFolder, commit, dirty, epoch, source, signal } =
    input;
  const { builder, plans, resolved, work } = building;
  const { name, label } = await readName(join(workspaceRoot, projectRoot), project);
  const short = `sha-${commit.slice(0, 12)}`;
  const labels = {
    'org.opencontainers.image.created': new Date(epoch * 1000).toISOString().replace('.000Z', 'Z'),
    'org.opencontainers.image.revision': commit,
    ...(source ? { 'org.opencontainers.image.source': source } : {}),
    'org.opencontainers.image.version': label ?? short,
  };

  const layout = join(work, LAYOUT_FOLDER);
  const writer = new LayoutWriter(layout, await knownLayers(join(outputFolder, LAYOUT_FOLDER)));
  await writer.open();
  const made = new Map<string, NormalImage>();
  /** Two services of one image are written once. */
  const byId = new Map<string, NormalImage>();
  for (const plan of plans) {
    const { id, archive } = await runBuilder(plan, { ...input, ...building });
    const known = id === undefined ? undefined : byId.get(`${id} ${plan.bases.bottom}`);
    const image =
      known ??
      (await normaliseArchive(archive, {
        writer,
        epoch,
        labels,
        annotations: baseAnnotations(plan, resolved),
        baseLayers: resolved.layers.get(plan.bases.bottom ?? '') ?? [],
        signal,
      }).catch((error: unknown) => {
        if (signal?.aborted || error instanceof SluiceError || (error as NodeJS.ErrnoException).code)
          throw error;
        throw errors.IMAGE_UNREADABLE(
          { project, service: plan.service, problem: (error as Error).message },
          { cause: error },
        );
      }));
    if (id !== undefined) byId.set(`${id} ${plan.bases.bottom}`, image);
    made.set(plan.service, image);
    await rm(archive, { force: true });
  }

  const root = await rootOf(made, writer, labels);
  const version = dirty ? `${short}-${root.digest.slice('sha256:'.length, 'sha256:'.length + 8)}` : short;
  await writer.close(root, version);
  const images = Object.fromEntries(
    [...made].map(([service, { descriptor }]) => [service, descriptor.digest]),
  );
  const migrations = await readMigrations(join(workspaceRoot, projectRoot), config.migrations?.files);
  const facts = {
    name,
    version,
    digest: root.digest,
    repository: repositoryName(project),
    images,
    bases: resolved.bases,
  };

  const components = new Map<string, ImageComponent[]>(
    [...made].map(([service, image]) => [service, image.components]),
  );
  const attachments = [
    await attach(work, 'sbom.cdx.json', SBOM_TYPE, renderImageSbom(facts, components)),
    await attach(work, 'service.json', BUNDLE_TYPE, await bundleOf(input, images, migrations)),
  ];
  const manifest: ImageArtifactManifest = {
    schemaVersion: 1,
    kind: 'image',
    project,
    ...(label === undefined ? {} : { label }),
    ...facts,
    mediaType: root.mediaType,
    size: writer.size,
    builder: builder.name,
    commit,
    dirty,
    migrations,
    attachments,
  };
  await writeFile(join(work, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  await moveIn(work, outputFolder, [LAYOUT_FOLDER, ...attachments.map(({ file }) => file), MANIFEST_FILE]);
  return manifest;
}

function baseAnnotations({ bases: { bottom } }: ImagePlan, { bases }: ResolvedBases): Record<string, string> {
  const base = bases.find(({ reference }) => reference === bottom);
  if (!base) return {};
  return {
    'org.opencontainers.image.base.name': base.reference,
    ...(base.local ? {} : { 'org.opencontainers.image.base.digest': base.digest }),
  };
}

/** The project's name, as far as a registry takes it: `@acme/api` is `acme/api`. */
const repositoryName = (project: string): string =>
  project
    .toLowerCase()
    .replace(/^[^a-z0-9]+/, '')
    .replaceAll(/[^a-z0-9/]+/g, '-')
    .replaceAll(/^[-/]+|[-/]+$/g, '');

/** One image is the artifact itself; a stack is an index over its images. */
async function rootOf(
  made: ReadonlyMap<string, NormalImage>,
  writer: LayoutWriter,
  labels: Readonly<Record<string, string>>,
): Promise<Descriptor> {
  const [first] = made.values();
  if (first && made.size === 1) return first.descriptor;
  const manifests = [...made]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, { descriptor }]) => ({ ...descriptor, annotations: { 'com.sluice.service': service } }));
  return writer.json(OCI.index, { schemaVersion: 2, mediaType: OCI.index, manifests, annotations: labels });
}

async function readName(folder: string, project: string): Promise<{ name: string; label?: string }> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const { name, version } = JSON.parse(text) as Record<string, unknown>;
  return {
    name: typeof name === 'string' && name !== '' ? name : project,
    ...(typeof version === 'string' && version !== '' ? { label: version } : {}),
  };
}

/** `artifact.json` goes first and comes last: whatever lies between is no artifact. */
async function moveIn(from: string, to: string, names: string[]): Promise<void> {
  await rm(join(to, MANIFEST_FILE), { force: true });
  // Nobody has signed what was built just now.
  await rm(join(to, PROVENANCE_FILE), { force: true });
  for (const name of names) {
    await rm(join(to, name), { recursive: true, force: true });
    await rename(join(from, name), join(to, name));
  }
}

async function removePartial(folder: string): Promise<void> {
  const files = await readdir(folder).catch(() => []);
  const partial = files.filter((file) => file.startsWith(PARTIAL));
  await Promise.all(partial.map((file) => rm(join(folder, file), { recursive: true, force: true })));
}
