import { createWriteStream } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readArtifact, tarballName } from '../artifact/index.ts';
import { errors } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import type { Candidate } from './types.ts';

export interface Asset {
  path: string;
  name: string;
  label: string;
}

/**
 * Puts what goes with a release into a folder: the tarball as the last stage serves it, its provenance out of the ledger,
 * and its SBOM where the build's own folder is here. What is not there is said.
 * @throws BYTES_CHANGED_IN_SOURCE, and what the registry throws
 */
export async function gatherAssets(
  context: Context,
  {
    candidate,
    stage,
    folder,
    signal,
  }: { candidate: Candidate; stage: string; folder: string; signal?: AbortSignal },
): Promise<{ assets: Asset[]; notes: string[] }> {
  const { name, version, integrity, published } = candidate;
  const file = tarballName(name, version);
  const stem = file.replace(/\.tgz$/, '');
  const assets: Asset[] = [];
  const notes: string[] = [];
  const add = (made: string, label: string) => assets.push({ path: made, name: made, label });

  const store = await context.store(await context.stage(stage, 'announce'));
  const bytes = await store.fetch(name, version, undefined, signal);
  try {
    if (bytes.integrity !== integrity)
      throw errors.BYTES_CHANGED_IN_SOURCE({
        name,
        version,
        stage,
        expected: integrity,
        found: bytes.integrity,
      });
    await pipeline(bytes.stream(), createWriteStream(join(folder, file)));
  } finally {
    await bytes.dispose();
  }
  add(file, `${name} ${version}`);

  const sbom = await sbomOf(context, candidate);
  if (sbom === undefined)
    notes.push(`no SBOM: dist/artifacts/${candidate.project} of this version is not here`);
  else {
    const made = `${stem}.sbom.cdx.json`;
    await copyFile(sbom, join(folder, made));
    add(made, 'SBOM (CycloneDX)');
  }

  const { provenance } = published.record;
  if (provenance) {
    const { attachments } = await (await context.ledger()).batch(published.batch);
    const bundle = attachments?.[provenance.sha256];
    if (bundle === undefined) throw errors.PROVENANCE_MISSING({ name, version, sha256: provenance.sha256 });
    const made = `${stem}.sigstore.json`;
    await writeFile(join(folder, made), bundle);
    add(made, 'Provenance (Sigstore)');
  }
  return { assets, notes };
}

/** Path of the SBOM in the build's folder, where that folder holds exactly what was published. */
async function sbomOf(
  { workspaceRoot }: Context,
  { project, integrity }: Candidate,
): Promise<string | undefined> {
  const folder = join(workspaceRoot, 'dist/artifacts', project);
  try {
    const { manifest } = await readArtifact(folder);
    return manifest.integrity === integrity ? join(folder, manifest.sbom.file) : undefined;
  } catch {
    return undefined;
  }
}
