import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Versions as `.ci/prepare-tools` installs them; outside of a checkout, because building them takes minutes. */
const CACHE =
  process.env['SLUICE_TOOLS_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-tools');

export type Tool = 'act-v0.2.82' | 'actionlint-v1.7.7' | 'zizmor-1.32.0';

/** The program of that name and version, where this machine has it. */
export function tool(name: Tool): string | undefined {
  const path = join(CACHE, name);
  return existsSync(path) ? path : undefined;
}

/** The same for tests: in CI a test that was left out must not look like success. */
export function toolForTests(name: Tool): string | undefined {
  const found = tool(name);
  if (found === undefined && process.env['SLUICE_REQUIRE_HOSTS'] === '1')
    throw new Error(`${name} is required, but not here: .ci/prepare-tools installs it`);
  return found;
}
