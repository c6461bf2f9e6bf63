/** A project with what git says of it. */
export interface Node {
  name: string;
  /** Folder, with `/`, without one at the end. */
  root: string;
  needs: readonly string[];
  /** Files, from the workspace root, that differ from what the first stage has; undefined where it has nothing. */
  files?: readonly string[];
}

/** Which projects differ from what the first stage has, by themselves or by what they depend on. Pure. */
export function newsOf(nodes: readonly Node[]): Map<string, 'changed' | 'affected'> {
  const found = new Map<string, 'changed' | 'affected'>();
  for (const { name, root, files } of nodes)
    if (files === undefined || files.some((file) => root === '.' || file.startsWith(`${root}/`)))
      found.set(name, 'changed');
  const dependents = new Map<string, string[]>();
  for (const { name, needs } of nodes)
    for (const need of needs) dependents.set(need, [...(dependents.get(need) ?? []), name]);
  const open = [...found.keys()];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const dependent of dependents.get(name) ?? [])
      if (!found.has(dependent)) {
        found.set(dependent, 'affected');
        open.push(dependent);
      }
  return found;
}
