import { bundleToJSON } from '@sigstore/bundle';
import { DSSEBundleBuilder, FulcioSigner, RekorWitness } from '@sigstore/sign';
import { decodeJwt, type JWTPayload } from 'jose';
import { errors, SluiceError } from '../foundation/index.ts';
import { mayRequestToken, requestToken } from '../oidc/index.ts';
import { PAYLOAD_TYPE, statementOf, type Subject } from './statement.ts';

export interface MakerInput {
  env: NodeJS.ProcessEnv;
  /** Addresses of another Sigstore than the public one. */
  sigstore?: { fulcio?: string | undefined; rekor?: string | undefined } | undefined;
  /** `auto` makes one only where nothing private gets into a public log by it. */
  mode: boolean | 'auto';
}

/** Makes provenances for the artifacts that one job built. */
export interface ProvenanceMaker {
  /**
   * Undefined where none is to be made. One attempt but for conflicts in the log, which ask for a new signature.
   * @throws PROVENANCE_NOT_PERMITTED, PROVENANCE_SIGNING_FAILED, PROVENANCE_LOG_CONFLICT, OIDC_REQUEST_FAILED
   */
  make(subject: Subject, signal?: AbortSignal): Promise<string | undefined>;
}

/** Signatures for one provenance; each has a key of its own, so a conflict does not come twice by chance. */
const SIGNATURES = 4;
const TIMEOUT_MS = 20_000;
/** Seconds that a token has to be valid yet when it is used again. */
const MARGIN = 60;

export function provenanceMaker({ env, sigstore, mode }: MakerInput): ProvenanceMaker {
  const job = sharedJob(env);
  const server = (env['GITHUB_SERVER_URL'] || 'https://github.com').replace(/\/+$/, '');

  return {
    make: async (subject, signal) => {
      if (mode === false || (mode === 'auto' && !mayRequestToken(env))) return undefined;
      if (!mayRequestToken(env)) throw errors.PROVENANCE_NOT_PERMITTED({ name: subject.name });
      const { token, claims } = await job();
      const visibility = String(claims['repository_visibility'] ?? '');
      if (!mayBeKnown({ mode, visibility, ownLog: sigstore?.fulcio !== undefined })) return undefined;
      const payload = Buffer.from(JSON.stringify(statementOf(subject, claims, server)));
      for (let signature = 1; ; signature += 1) {
        signal?.throwIfAborted();
        try {
          return await sign(payload, token, sigstore);
        } catch (error) {
          if (!isConflict(error)) throw failed(subject, error);
          if (signature === SIGNATURES)
            throw errors.PROVENANCE_LOG_CONFLICT(
              { name: `${subject.name}@${subject.version}`, signatures: SIGNATURES },
              { cause: error, transient: true },
            );
        }
      }
    },
  };
}

/** Whether the repository's name may get into the log: into a public one that of a private repository only if somebody says so. */
export function mayBeKnown(given: {
  mode: MakerInput['mode'];
  visibility: string;
  ownLog: boolean;
}): boolean {
  return given.mode === true || given.visibility === 'public' || given.ownLog;
}

interface Job {
  token: string;
  claims: JWTPayload;
}

/** One token for all that ask while it lasts, and one request for all that ask at once. */
function sharedJob(env: NodeJS.ProcessEnv): () => Promise<Job> {
  let asked: Promise<Job> | undefined;
  const ask = (): Promise<Job> => {
    const asking = requestToken({ env, audience: 'sigstore' }).then((token) => ({
      token,
      claims: decodeJwt(token),
    }));
    asking.catch(() => {
      if (asked === asking) asked = undefined;
    });
    return (asked = asking);
  };
  return async () => {
    const before = asked;
    if (before === undefined) return ask();
    const got = await before;
    if ((got.claims.exp ?? 0) - MARGIN > Date.now() / 1000) return got;
    return asked === before || asked === undefined ? ask() : asked;
  };
}

async function sign(payload: Buffer, token: string, sigstore: MakerInput['sigstore']): Promise<string> {
  const how = { timeout: TIMEOUT_MS, retry: false } as const;
  const signer = new FulcioSigner({
    ...how,
    identityProvider: { getToken: async () => token },
    ...(sigstore?.fulcio ? { fulcioBaseURL: sigstore.fulcio } : {}),
  });
  const log = new RekorWitness({
    ...how,
    entryType: 'dsse',
    // An entry that is there already may be another one's: it says nothing about when ours was made.
    fetchOnConflict: false,
    ...(sigstore?.rekor ? { rekorBaseURL: sigstore.rekor } : {}),
  });
  const bundle = await new DSSEBundleBuilder({ signer, witnesses: [log] }).create({
    data: payload,
    type: PAYLOAD_TYPE,
  });
  return JSON.stringify(bundleToJSON(bundle));
}

interface Failure {
  code?: string;
  message?: string;
  cause?: { statusCode?: number; message?: string };
}

function isConflict(error: unknown): boolean {
  const { code, cause } = error as Failure;
  return code === 'TLOG_CREATE_ENTRY_ERROR' && cause?.statusCode === 409;
}

function failed(subject: Subject, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code, message, cause } = error as Failure;
  const status = cause?.statusCode;
  return errors.PROVENANCE_SIGNING_FAILED(
    {
      name: `${subject.name}@${subject.version}`,
      said: [code, message, cause?.message].filter(Boolean).join(': '),
    },
    // Without a status there was no answer: it may come the next time.
    { cause: error, transient: status === undefined || status >= 500 || status === 429 },
  );
}
