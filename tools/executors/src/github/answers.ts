import { errors, SluiceError } from '../foundation/index.ts';
import { explain } from '../registry/network.ts';

/** What was asked, for messages: the route with its variables in place. */
export interface Asked {
  method: string;
  /** Path below the API's address. */
  path: string;
  /** Address of the API. */
  api: string;
}

/** What a request ended with, as an error of the catalogue; its `details.status` is the answer's, where there was one. */
export function refusal(asked: Asked, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const what = `${asked.method} ${asked.path}`;
  const { response } = (error ?? {}) as { response?: { status: number; headers: Headers; data: unknown } };
  if (!response) {
    const { code, certificate, why } = explain(
      (error as { cause?: unknown })?.cause ?? error,
      'name your authority in NODE_EXTRA_CA_CERTS',
    );
    return errors.GITHUB_UNREACHABLE(
      { api: asked.api, why },
      { transient: !certificate, cause: error, details: { cause: code } },
    );
  }
  const { status, headers } = response;
  const said = sentence(response.data);
  const details = { status, asked: what };
  if (isLimit(status, headers, said)) {
    const retryAfterMs = waitOf(headers);
    return errors.GITHUB_RATE_LIMITED(
      { asked: what, until: new Date(Date.now() + retryAfterMs).toISOString() },
      { transient: true, retryAfterMs, cause: error, details },
    );
  }
  if (status >= 500)
    return errors.GITHUB_FAILED({ asked: what, status }, { transient: true, cause: error, details });
  const right = rightOf(headers);
  return errors.GITHUB_REFUSED(
    { asked: what, status, said, right },
    { transient: status === 409, cause: error, details: { ...details, said, ...(right && { right }) } },
  );
}

/** The status that GitHub answered with, of an error of this room. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof SluiceError ? error.details['status'] : undefined;
  return typeof status === 'number' ? status : undefined;
}

type Headers = Record<string, string | number | undefined>;

/** GitHub's primary limit says so in a header, its secondary one only in words (or by the header `retry-after`). */
function isLimit(status: number, headers: Headers, said: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['x-ratelimit-remaining'] === '0' ||
    headers['retry-after'] !== undefined ||
    /\bsecondary rate\b/i.test(said)
  );
}

function waitOf(headers: Headers): number {
  const after = Number(headers['retry-after']);
  if (Number.isFinite(after) && after >= 0) return after * 1000;
  const reset = Number(headers['x-ratelimit-reset']);
  if (headers['x-ratelimit-remaining'] === '0' && reset > 0)
    return Math.max(0, reset * 1000 - Date.now()) + 1000;
  return 60_000;
}

/** GitHub names the rights that a request takes: permissions of a job or a fine-grained token, or scopes of a classic one. */
function rightOf(headers: Headers): string {
  const permissions = String(headers['x-accepted-github-permissions'] ?? '');
  if (permissions) return permissions.replaceAll('=', ': ').replace(/;\s*/g, ', or ');
  const scopes = String(headers['x-accepted-oauth-scopes'] ?? '');
  return scopes && `the scope ${scopes.replaceAll(', ', ' or ')}`;
}

/** GitHub's own words on one line, with what it says about single fields. */
function sentence(data: unknown): string {
  if (typeof data === 'string') return data.split('\n')[0]?.slice(0, 200) ?? '';
  const { message, errors: fields } = (data ?? {}) as { message?: unknown; errors?: unknown };
  const more = (Array.isArray(fields) ? fields : [fields]).flatMap((one: unknown) => {
    if (typeof one === 'string') return [one];
    const { field, code, message: own } = (one ?? {}) as Record<string, unknown>;
    return own === undefined && code === undefined ? [] : [[field, own ?? code].filter(Boolean).join(' ')];
  });
  return [typeof message === 'string' ? message : '', ...more].filter(Boolean).join('; ').slice(0, 500);
}
