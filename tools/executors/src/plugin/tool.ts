import { relative, sep } from 'node:path';

/**
 * What of the plugin itself decides over an artifact's bytes, as inputs of `build`. From a registry that is its version,
 * which Nx hashes with all external packages; run from source, as in the template, it is the source.
 */
export function pluginSources(workspaceRoot: string, here: string = import.meta.dirname): string[] {
  const path = relative(workspaceRoot, here).split(sep).join('/');
  const outside = path.startsWith('..') || path.split('/').includes('node_modules');
  if (outside || !path.endsWith('src/plugin')) return [];
  const src = path.slice(0, -'/plugin'.length);
  return [`{workspaceRoot}/${src}/**/*`, `!{workspaceRoot}/${src}/**/*.test.ts`];
}
