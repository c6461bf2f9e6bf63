import { errors, SluiceError } from '../../foundation/index.ts';
import { mayRequestToken } from '../../oidc/index.ts';
import { failed, given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

/** What a command does at a stage: it publishes into it, or only fetches from it. */
export type Role = 'target' | 'source';

/** Whether there is a token, and whether the registry takes it. */
export function tokenCheck(patient: Patient, stage: string, role: Role): Check {
  const { env } = patient.context;
  return {
    room: 'registry',
    title: 'token',
    stage,
    run: async (signal) => {
      const at = await given(patient.stage(stage), 'the address of the stage is not known');
      const { token, tokenEnv, kind, access, trusted } = at;
      if (!token) {
        if (role === 'source' && kind !== 'github' && access !== 'restricted')
          return ok('none: it is only read from');
        return noToken({ trusted: trusted === true, tokenEnv, mayExchange: mayRequestToken(env) });
      }
      await given(patient.ping(stage), 'the registry cannot be reached');
      const told = await whose(patient, stage, signal);
      if (told === 'nobody' && kind === 'verdaccio')
        return failed(errors.TOKEN_REFUSED({ ...at, stage, said: 'it belongs to nobody there' }));
      if (told === 'nobody')
        return warning(
          `the registry says that nobody is logged in with ${tokenEnv}: it may take it for none`,
          `npm whoami --registry=${at.registry} (with that token)`,
        );
      if (told !== 'not told') return ok(`${tokenEnv} is ${told.user}'s`);
      const [first] = (await patient.projects()).filter(({ pipeline }) => pipeline === 'packages');
      if (!first) return ok('there is one; this registry does not tell whose');
      await (await patient.store(stage)).look(first.name, signal);
      return ok(`${tokenEnv} is taken for reading ${first.name}; this registry does not tell whose it is`);
    },
  };
}

/** Whom a token belongs to, as the registry says it. @throws TOKEN_REFUSED, RIGHT_MISSING, ... */
async function whose(
  patient: Patient,
  name: string,
  signal: AbortSignal,
): Promise<{ user: string } | 'nobody' | 'not told'> {
  const [stage, http] = await Promise.all([patient.stage(name), patient.http(name)]);
  const call = { operation: 'whoami', stage, name: '', method: 'GET', path: '/-/whoami', signal } as const;
  try {
    const answer = await http.json<{ username?: unknown }>(call);
    if (typeof answer === 'string') return 'not told';
    return typeof answer.username === 'string' && answer.username ? { user: answer.username } : 'nobody';
  } catch (error) {
    // GitHub Packages tells people; of a job's token it is not known to tell. Reading needs a good one there.
    if (stage.kind === 'github' && error instanceof SluiceError && !error.transient) return 'not told';
    throw error;
  }
}

/** Pure: what follows from having no token for a stage. */
export function noToken({ trusted, tokenEnv, mayExchange }: NoToken): Finding {
  if (trusted && mayExchange)
    return ok("none is needed: this job's own token is exchanged for each package (trusted publishing)");
  const instead = trusted
    ? '; a job with "permissions: id-token: write" does without, where the registry trusts it'
    : '';
  return problem(
    `${tokenEnv} is not set, and the npm client's configuration has no token for this registry${instead}`,
    tokenEnv === 'GITHUB_TOKEN'
      ? 'export GITHUB_TOKEN=$(gh auth token) (after gh auth refresh -s write:packages; in GitHub Actions: GITHUB_TOKEN: ${{ github.token }}, and permissions: packages: write)'
      : `export ${tokenEnv}=<token> (in GitHub Actions: a secret of the environment, handed to the job as ${tokenEnv})`,
    'TOKEN_MISSING',
  );
}

interface NoToken {
  /** The registry gives tokens for those of jobs. */
  trusted: boolean;
  tokenEnv: string;
  /** This is a job that may ask for such a token. */
  mayExchange: boolean;
}
