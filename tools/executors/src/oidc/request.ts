import { errors, Secret } from '../foundation/index.ts';

export interface RequestInput {
  env: NodeJS.ProcessEnv;
  /** Whom, or what, the token is for; it stands in the token and is signed. */
  audience: string;
  signal?: AbortSignal;
}

const TIMEOUT_MS = 20_000;

/** Whether GitHub lets this job ask for tokens: only with `permissions: id-token: write`. */
export function mayRequestToken(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env['ACTIONS_ID_TOKEN_REQUEST_URL'] && env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']);
}

/**
 * A token of the job that this runs in, for one audience. What it says is not checked here.
 * @throws OIDC_NOT_PERMITTED, OIDC_REQUEST_FAILED
 */
export async function requestToken({ env, audience, signal }: RequestInput): Promise<string> {
  if (!mayRequestToken(env)) throw errors.OIDC_NOT_PERMITTED({});
  const bearer = new Secret(env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] as string);
  const answer = await ask(env['ACTIONS_ID_TOKEN_REQUEST_URL'] as string, audience, bearer, signal);
  const { value } = (await answer.json().catch(() => ({}))) as { value?: unknown };
  if (!answer.ok || typeof value !== 'string') {
    const transient = answer.status >= 500 || answer.status === 429;
    throw errors.OIDC_REQUEST_FAILED({ audience, said: `it answered ${answer.status}` }, { transient });
  }
  return value;
}

async function ask(
  address: string,
  audience: string,
  bearer: Secret,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    const url = new URL(address);
    url.searchParams.set('audience', audience);
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(url, {
      headers: { authorization: `Bearer ${bearer.reveal()}`, accept: 'application/json' },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      // The bearer is for that address alone.
      redirect: 'error',
    });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw errors.OIDC_REQUEST_FAILED(
      { audience, said },
      { cause, transient: !(cause instanceof TypeError && /Invalid URL/.test(said)) },
    );
  }
}
