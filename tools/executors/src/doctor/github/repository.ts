import { githubToken } from '../../github/index.ts';
import { asSluiceError } from '../../foundation/index.ts';
import { failed, ok, problem, unchecked } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check } from '../types.ts';

interface Shown {
  full_name: string;
  private: boolean;
  permissions?: { push?: boolean; admin?: boolean };
}

/** Whether GitHub's API answers for this repository, and what the token may do with it. */
export function repositoryCheck(patient: Patient): Check {
  const { env } = patient.context;
  return {
    room: 'github',
    title: 'repository and token',
    limitMs: 60_000,
    run: async () => {
      if (!githubToken(env)) {
        const missing = asSluiceError(await patient.github().catch((error: unknown) => error));
        return env['GITHUB_ACTIONS'] === 'true'
          ? failed(missing)
          : unchecked(
              'there is no token for its API (GITHUB_TOKEN or GH_TOKEN)',
              'export GH_TOKEN=$(gh auth token)',
            );
      }
      const github = await patient.github();
      const shown = await github.request<Shown>('GET /repos/{owner}/{repo}');
      const said = `${shown.full_name}, ${shown.private ? 'private' : 'public'}`;
      if (env['GITHUB_ACTIONS'] === 'true')
        return ok(`${said}; what this job may do stands in its "permissions"`);
      const { push, admin } = shown.permissions ?? {};
      if (push === false)
        return problem(
          `${said}; the token may only read: no tag, no release and no deployment could be made`,
          'gh auth refresh -s repo, then export GH_TOKEN=$(gh auth token)',
          'GITHUB_REFUSED',
        );
      return ok(`${said}; the token may ${admin ? 'administer' : 'write'}`);
    },
  };
}
