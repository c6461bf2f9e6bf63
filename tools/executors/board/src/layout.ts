/** Where each project stands in the picture: what it depends on is to its left. */
export interface Place {
  name: string;
  column: number;
  row: number;
}
export interface Layout {
  places: Place[];
  columns: number;
  rows: number;
}

/** Columns by the longest way down; rows by where the things stand that a project depends on, so that lines cross less. Pure. */
export function layoutGraph(nodes: readonly { name: string; needs: readonly string[] }[]): Layout {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const depth = new Map<string, number>();
  const open = new Set<string>();
  const depthOf = (name: string): number => {
    const found = depth.get(name);
    if (found !== undefined) return found;
    // A circle is cut where it closes.
    if (open.has(name)) return 0;
    open.add(name);
    const needs = (known.get(name)?.needs ?? []).filter((need) => known.has(need));
    const value = needs.length === 0 ? 0 : 1 + Math.max(...needs.map(depthOf));
    open.delete(name);
    depth.set(name, value);
    return value;
  };
  const columns: string[][] = [];
  for (const { name } of nodes) (columns[depthOf(name)] ??= []).push(name);
  const rowOf = new Map<string, number>();
  for (const column of columns) {
    const weight = (name: string): number => {
      const rows = (known.get(name)?.needs ?? []).flatMap((need) => rowOf.get(need) ?? []);
      return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
    };
    const sorted = (column ?? [])
      .map((name) => ({ name, weight: weight(name) }))
      .sort((a, b) => a.weight - b.weight || (a.name < b.name ? -1 : 1));
    for (const [row, { name }] of sorted.entries()) rowOf.set(name, row);
  }
  return {
    places: nodes.map(({ name }) => ({ name, column: depth.get(name) ?? 0, row: rowOf.get(name) ?? 0 })),
    columns: columns.length,
    rows: Math.max(0, ...columns.map((column) => column?.length ?? 0)),
  };
}

/** A project with all that it rests on and all that rests on it. */
export function around(
  nodes: readonly { name: string; needs: readonly string[] }[],
  name: string,
): Set<string> {
  const needs = new Map(nodes.map((node) => [node.name, node.needs]));
  const dependents = new Map<string, string[]>();
  for (const node of nodes)
    for (const need of node.needs) dependents.set(need, [...(dependents.get(need) ?? []), node.name]);
  const reach = (ways: (name: string) => readonly string[]): Set<string> => {
    const found = new Set([name]);
    for (const one of found) for (const next of ways(one)) found.add(next);
    return found;
  };
  return new Set([...reach((one) => needs.get(one) ?? []), ...reach((one) => dependents.get(one) ?? [])]);
}
