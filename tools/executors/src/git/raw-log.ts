/**
 * Options of `git log` for programs: oldest first, one raw line for each changed file, and nothing that a person's own
 * configuration (colours, signatures) could put in between.
 */
export const RAW_LOG: readonly string[] = [
  '--reverse',
  '--topo-order',
  '--raw',
  '--no-renames',
  '--no-abbrev',
  '--root',
  '--no-color',
  '--no-show-signature',
];
