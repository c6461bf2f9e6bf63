import {
  describe,
  differences,
  wantedEnvironments,
  type Present,
  type Wanted,
} from '../../environments/index.ts';
import { statusOf } from '../../github/index.ts';
import { registryVariable } from '../../pipeline/stages.ts';
import type { PackageStageOptions } from '../../pipeline/types.ts';
import type { UsedEnvironment } from '../../workflows/environments.ts';
import { given, NotChecked, ok, problem, unchecked, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

const MEND = 'npx nx g @sluice/nx:environments';

/** An environment that the workflows use: there, and as nx.json wants it. */
export function environmentCheck(patient: Patient, used: UsedEnvironment): Check {
  const { options } = patient.context;
  return {
    room: 'github',
    title: `environment ${used.name}`,
    stage: used.stage,
    limitMs: 60_000,
    run: async () => {
      const wanted = wantedEnvironments(options).find(({ name }) => name === used.name) as Wanted;
      return judgeEnvironment(used, wanted, await present(patient));
    },
  };
}

async function present(patient: Patient): Promise<Present[]> {
  await given(patient.github(), 'GitHub cannot be asked');
  try {
    return await patient.environments();
  } catch (error) {
    const status = statusOf(error);
    if (status === 403 || status === 404)
      throw new NotChecked('the token may not see the environments (in a job: permissions: actions: read)', {
        cause: error,
      });
    throw error;
  }
}

/** Pure. */
export function judgeEnvironment(
  used: UsedEnvironment,
  wanted: Wanted,
  present: readonly Present[],
): Finding {
  const there = present.find(({ name }) => name.toLowerCase() === wanted.name.toLowerCase());
  if (!there)
    return problem(
      `it is not there: a job that names it would make it, with no reviewers and open to all branches`,
      MEND,
    );
  const [different] = differences([wanted], [there]);
  if (different)
    return problem(
      `it is not as nx.json wants it\n${describe([different])
        .slice(1)
        .map((line) => line.trim())
        .join('\n')}`,
      MEND,
    );
  const people = there.reviewers.map(({ name }) => name).join(', ');
  if (used.use !== 'gate') return ok(people ? `asks ${people}` : 'asks nobody, as it should');
  if (people) return ok(`asks ${people}`);
  return there.waitMinutes > 0
    ? ok(`asks nobody, and waits for ${there.waitMinutes} min`)
    : warning(
        'it asks nobody and waits for nothing, so it opens no gate: each promotion asks for a signed approval',
        `say "reviewers" for ${used.name} below github.environments in nx.json, then ${MEND} (or "approvals" at the gate, for plans without reviewers)`,
      );
}

/** Whether the stage's token is a secret of its environment alone: whoever has it can go around the gate. */
export function secretCheck(patient: Patient, stage: PackageStageOptions): Check {
  const variable = registryVariable(stage);
  const environment = stage.gate?.environment as string;
  return {
    room: 'github',
    title: `secret ${variable}`,
    stage: stage.name,
    limitMs: 60_000,
    run: async () => {
      if (variable === 'GITHUB_TOKEN') return ok("the job's own");
      const github = await given(patient.github(), 'GitHub cannot be asked');
      const names = async (route: string, more: object = {}): Promise<string[]> =>
        (await github.paginate<{ name: string }>(route, { ...more })).map(({ name }) => name);
      try {
        const inEnvironment = await names(
          'GET /repos/{owner}/{repo}/environments/{environment_name}/secrets',
          { environment_name: environment },
        );
        const everywhere = await names('GET /repos/{owner}/{repo}/actions/secrets');
        return judgeSecret({
          variable,
          environment,
          inEnvironment: inEnvironment.includes(variable),
          everywhere: everywhere.includes(variable),
          trusted: stage.trusted ?? stage.registry === undefined,
        });
      } catch (error) {
        const status = statusOf(error);
        if (status === 403 || status === 404)
          return unchecked(
            "the token may not see the names of secrets (an administrator's may)",
            `gh secret list --env ${environment}`,
          );
        throw error;
      }
    },
  };
}

/** Pure. */
export function judgeSecret(found: {
  variable: string;
  environment: string;
  inEnvironment: boolean;
  everywhere: boolean;
  /** The registry may give tokens for those of jobs. */
  trusted: boolean;
}): Finding {
  const { variable, environment, inEnvironment, everywhere, trusted } = found;
  if (everywhere)
    return warning(
      `${variable} is a secret of the whole repository: every job can have it, and go around the gate`,
      `gh secret set ${variable} --env ${environment}, then gh secret delete ${variable}`,
    );
  if (inEnvironment) return ok(`is a secret of ${environment} alone`);
  return trusted
    ? ok('there is none; a registry that trusts the job needs none')
    : problem(
        `${environment} has no secret ${variable}`,
        `gh secret set ${variable} --env ${environment}`,
        'TOKEN_MISSING',
      );
}
