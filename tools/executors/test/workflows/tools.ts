import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Versions as `.ci/prepare-tools` installs them; outside of a checkout, because building them takes minutes. */
const CACHE =
  process.env['SLUICE_TOOLS_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-tools');

/** The program of that name and version, where this machine has it. */
export function tool(name: 'act-v0.2.82' | 'actionlint-v1.7.7' | 'zizmor-1.32.0'): string | undefined {
  const path = join(CACHE, name);
  return existsSync(path) ? path : undefined;
}
