import { errors, type SluiceError } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';

/** Codes of Node and undici -> what a person calls it. */
const WHY: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused (nothing listens there)',
  ENOTFOUND: 'the host is unknown (no such name in DNS)',
  EAI_AGAIN: 'the name could not be looked up (DNS does not answer)',
  ETIMEDOUT: 'no answer came in time',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while sending',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped half-way',
  UND_ERR_SOCKET: 'the connection was closed before the answer',
  EPROTO: 'the TLS handshake failed',
};
/** Trust does not come back by asking again. */
const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** A request that got no answer, as an error of the catalogue; a request that the caller ended, as its own reason. */
export function unreachable(stage: Stage, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const { code, certificate, why } = explain(
    error,
    'name your authority in "cafile" of the npm client, or in NODE_EXTRA_CA_CERTS',
  );
  return errors.REGISTRY_UNREACHABLE(
    { stage: stage.name, registry: stage.registry, why },
    { transient: !certificate, cause: error, details: { stage: stage.name, cause: code } },
  ) satisfies SluiceError;
}

/** What kept a request from being answered, in words; `certificate` where asking again cannot help. */
export function explain(error: unknown, trust: string): { code: string; certificate: boolean; why: string } {
  const code = codeOf(error);
  const certificate = CERTIFICATE.test(code);
  const why = certificate
    ? `its certificate is not trusted (${code}); ${trust}`
    : WHY[code]
      ? `${WHY[code]} (${code})`
      : `${(error as Error)?.message ?? String(error)}${code ? ` (${code})` : ''}`;
  return { code, certificate, why };
}

/** The code of an error, of its cause, or of the first of an `AggregateError` (one per address of a host). */
function codeOf(error: unknown): string {
  const {
    code,
    cause,
    errors: inner,
  } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === 'string') return code;
  if (inner?.[0] !== undefined) return codeOf(inner[0]);
  return cause === undefined ? '' : codeOf(cause);
}
