import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errors, writeWhole } from '../foundation/index.ts';
import { missingEntries } from './entries.ts';
import { byCodeUnit, listFiles } from './files.ts';
import { checkIdentity, isTarballOf, tarballName } from './identity.ts';
import { publishedManifest, withoutSources } from './published.ts';
import type { PublishedManifest } from './published.ts';
import type { Siblings } from './ranges.ts';
import type { SbomComponent } from './sbom.ts';
import { writeTarball } from './tarball.ts';
import type { OpenSink, TarballFile } from './tarball.ts';
import type { ArtifactManifest, PackageManifest } from './types.ts';

export const MANIFEST_FILE = 'artifact.json';
const SBOM_FILE = 'sbom.cdx.json';
/** Signed when the artifact is published, and put beside it; see `provenance/`. */
export const PROVENANCE_FILE = 'provenance.sigstore.json';
const PARTIAL = '.partial-';

export interface PackInput {
  workspaceRoot: string;
  /** Folder of the package, relative to the workspace. */
  projectRoot: string;
  /** All packages of the workspace by name. */
  siblings: Siblings;
}

export interface BuildInput extends PackInput {
  /** Name of the Nx project. */
  project: string;
  /** Where the artifact goes: an absolute folder of its own. */
  outputFolder: string;
  components: readonly SbomComponent[];
}

/** What would be packed; reads only. */
export interface PackPlan extends Omit<PublishedManifest, 'manifest'> {
  /** package.json as it goes into the tarball. */
  manifest: PackageManifest;
  files: TarballFile[];
  /** Left out, as npm does. */
  symlinks: string[];
  tarball: string;
}

/** Decides what the tarball of a package holds, and refuses what could not be published, installed or imported. */
export async function planPack({ workspaceRoot, projectRoot, siblings }: PackInput): Promise<PackPlan> {
  const folder = join(workspaceRoot, projectRoot);
  const file = join(projectRoot, 'package.json');
  const source: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  checkIdentity(source as Record<string, unknown>, file);

  const published = publishedManifest(source as PackageManifest, siblings);
  const listed = await listFiles(folder, published.manifest, workspaceRoot);
  const packed = new Set(listed.files.map(({ path }) => path));
  const manifest = withoutSources(published.manifest, packed);
  const missing = missingEntries(manifest, packed);
  if (missing.length > 0) throw errors.EXPORTS_MISSING_FILE({ name: manifest.name, entries: missing });

  const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const files = listed.files.map((one): TarballFile =>
    one.path === 'package.json' ? { ...one, size: content.length, content } : one,
  );
  return {
    ...published,
    manifest,
    files,
    symlinks: listed.symlinks,
    tarball: tarballName(manifest.name, manifest.version),
  };
}

/**
 * Packs a package into `<outputFolder>`: the tarball, its SBOM, and last `artifact.json`. Every file gets its name when it is
 * whole, so an interrupted build leaves the artifact that was there, or one that `readArtifact` refuses; never half of one.
 */
export async function buildArtifact(input: BuildInput): Promise<ArtifactManifest> {
  const plan = await planPack(input);
  return writeArtifact(input, plan);
}

/** Carries a plan out. */
export async function writeArtifact(
  { workspaceRoot, projectRoot, project, outputFolder, components }: Omit<BuildInput, 'siblings'>,
  { manifest, files, tarball, workspaceDependencies }: PackPlan,
  openSink?: OpenSink,
): Promise<ArtifactManifest> {
  const { name, version } = manifest;
  try {
    await mkdir(outputFolder, { recursive: true });
    const packing = join(outputFolder, `${PARTIAL}${randomUUID()}`);
    // First, for whoever reads a tarball only as far as its package.json.
    const order = files.toSorted(
      (a, b) => Number(b.path === 'package.json') - Number(a.path === 'package.json'),
    );
    const written = await writeTarball(join(workspaceRoot, projectRoot), order, packing, openSink);
    // Loaded here, since who only reads artifacts needs none of CycloneDX.
    const { renderSbom } = await import('./sbom.ts');
    const sbom = renderSbom(manifest, written.integrity, components);
    const artifact: ArtifactManifest = {
      schemaVersion: 1,
      kind: 'npm',
      project,
      name,
      version,
      ...written,
      unpackedSize: files.reduce((sum, { size }) => sum + size, 0),
      tarball,
      files: files
        .map(({ path, size, mode }) => ({ path, size, mode }))
        .sort((a, b) => byCodeUnit(a.path, b.path)),
      workspaceDependencies,
      sbom: { file: SBOM_FILE, sha256: createHash('sha256').update(sbom).digest('hex') },
    };
    await rename(packing, join(outputFolder, tarball));
    for (const [file, text] of [
      [SBOM_FILE, sbom],
      [MANIFEST_FILE, `${JSON.stringify(artifact, null, 2)}\n`],
    ] as const) {
      await writeWhole(join(outputFolder, file), text);
    }
    // Nobody has signed what was built just now.
    await tidy(
      outputFolder,
      (file) => (isTarballOf(name, file) && file !== tarball) || file === PROVENANCE_FILE,
    );
    return artifact;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? errors.DISK_FULL({ folder: outputFolder }, { cause: error })
      : error;
  } finally {
    await tidy(outputFolder, (file) => file.startsWith(PARTIAL));
  }
}

async function tidy(folder: string, which: (file: string) => boolean): Promise<void> {
  const files = await readdir(folder).catch(() => []);
  await Promise.all(files.filter(which).map((file) => rm(join(folder, file), { force: true })));
}
