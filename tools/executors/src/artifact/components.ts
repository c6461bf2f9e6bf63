import type { SbomComponent } from './sbom.ts';
import { byCodeUnit } from './files.ts';

/** As much of Nx's project graph as is needed: the packages of the lock file and what they depend on. */
export interface DependencyGraph {
  externalNodes?: Record<string, { data: { packageName: string; version: string; hash?: string } }>;
  dependencies: Record<string, { target: string }[]>;
}

/** A package of the workspace: its Nx project and its production dependencies by name. */
export interface WorkspacePackage {
  name: string;
  version: string;
  project: string;
  dependencies: string[];
}

/**
 * Everything that installing a package brings: packages of the workspace and of the lock file, direct and not.
 * Development dependencies of the package, and what its sources happen to import, do not count.
 */
export function productionComponents(
  name: string,
  workspace: ReadonlyMap<string, WorkspacePackage>,
  graph: DependencyGraph,
): SbomComponent[] {
  const externals = graph.externalNodes ?? {};
  const found = new Map<string, SbomComponent>();

  /** `name@version` of what stands behind a dependency; undefined where it is not installed (optional, peer). */
  const visit = (dependency: string, from: string): string | undefined => {
    const sibling = workspace.get(dependency);
    if (sibling) {
      return add({ name: sibling.name, version: sibling.version }, () =>
        sibling.dependencies.map((next) => visit(next, sibling.project)),
      );
    }
    const edge = (graph.dependencies[from] ?? []).find(
      ({ target }) => externals[target]?.data.packageName === dependency,
    );
    const id = edge?.target ?? `npm:${dependency}`;
    return externals[id] ? visitExternal(id) : undefined;
  };

  const visitExternal = (id: string): string | undefined => {
    const data = externals[id]?.data;
    if (!data) return undefined;
    const integrity = data.hash && /^sha\d+-/.test(data.hash) ? { integrity: data.hash } : {};
    return add({ name: data.packageName, version: data.version, ...integrity }, () =>
      (graph.dependencies[id] ?? []).map(({ target }) => visitExternal(target)),
    );
  };

  const add = (
    item: Pick<SbomComponent, 'name' | 'version' | 'integrity'>,
    below: () => (string | undefined)[],
  ): string => {
    const key = `${item.name}@${item.version}`;
    if (!found.has(key)) {
      const made: SbomComponent = { ...item, dependencies: [], direct: false };
      found.set(key, made);
      made.dependencies = [...new Set(below().filter((one) => one !== undefined))].sort(byCodeUnit);
    }
    return key;
  };

  const self = workspace.get(name);
  for (const dependency of self?.dependencies ?? []) {
    const component = found.get(visit(dependency, self?.project ?? '') ?? '');
    if (component) component.direct = true;
  }
  return [...found.values()].sort((a, b) => byCodeUnit(`${a.name}@${a.version}`, `${b.name}@${b.version}`));
}
