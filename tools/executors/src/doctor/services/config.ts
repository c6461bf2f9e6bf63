import { stagesOf } from '../../pipeline/index.ts';
import type { WorkspaceProject } from '../../promotion/workspace-packages.ts';
import { readService } from '../../service/index.ts';
import { ok, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

/** Each service: its sluice.json goes with its compose files and with nx.json, and its secrets are there. */
export function serviceChecks({ context }: Patient, projects: readonly WorkspaceProject[]): Check[] {
  const { env, options } = context;
  const stages = stagesOf(options, 'services');
  // Secrets of a deployment stand behind its environment, like the key for its hosts.
  const deploys = env['GITHUB_ACTIONS'] !== 'true' || Boolean(env['SLUICE_SSH_CONFIG']);
  return projects
    .filter(({ pipeline }) => pipeline === 'services')
    .map(({ project, folder }) => ({
      room: 'services' as const,
      title: `sluice.json of ${project}`,
      run: async () => {
        const { secrets } = readService(folder, { stages });
        return deploys
          ? judgeSecrets(secrets, env)
          : ok('can be used; whether its secrets are there, the job that deploys knows');
      },
    }));
}

/** Pure: what a deployment would miss. An empty one is missing too. */
export function judgeSecrets(
  secrets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Finding {
  const missing = secrets.filter((name) => !env[name]);
  if (missing.length === 0)
    return ok(
      secrets.length === 0 ? 'can be used; it has no secrets' : 'can be used, and its secrets are set',
    );
  return warning(
    `a deployment needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not set here`,
    `export ${missing.map((name) => `${name}=...`).join(' ')} (or deploy with --envFile=<file>)`,
  );
}
