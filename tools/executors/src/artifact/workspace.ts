import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { productionComponents } from './components.ts';
import type { DependencyGraph, WorkspacePackage } from './components.ts';
import type { Sibling } from './ranges.ts';
import type { SbomComponent } from './sbom.ts';

/** Reads the package.json of every project; a project without one, or without a name, is not a package. */
export async function readWorkspace(
  workspaceRoot: string,
  projects: Record<string, { root: string }>,
): Promise<{
  siblings: Map<string, Sibling>;
  components(name: string, graph: DependencyGraph): SbomComponent[];
}> {
  const siblings = new Map<string, Sibling>();
  const packages = new Map<string, WorkspacePackage>();
  await Promise.all(
    Object.entries(projects).map(async ([project, { root }]) => {
      const manifest = await readManifest(join(workspaceRoot, root, 'package.json'));
      const { name, version } = manifest ?? {};
      if (!manifest || typeof name !== 'string') return;
      siblings.set(name, {
        root,
        ...(typeof version === 'string' ? { version } : {}),
        ...(manifest['private'] === true ? { private: true } : {}),
      });
      const dependencies = ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((field) =>
        Object.keys((manifest[field] ?? {}) as object),
      );
      packages.set(name, {
        name,
        project,
        dependencies,
        version: typeof version === 'string' ? version : '0.0.0',
      });
    }),
  );
  return { siblings, components: (name, graph) => productionComponents(name, packages, graph) };
}

async function readManifest(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
