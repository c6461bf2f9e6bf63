import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';

/** What a provenance is about. */
export interface Subject {
  name: string;
  version: string;
  /** What the statement calls it. */
  called: string;
  algorithm: 'sha512' | 'sha256';
  /** Lower-case hex. */
  digest: string;
}

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT = 'https://in-toto.io/Statement/v1';
const PREDICATE = 'https://slsa.dev/provenance/v1';
/** Source: https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1 */
const BUILD_TYPE = 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1';

/** A tarball, under its package URL the way npm's registry compares it. `integrity` is `sha512-<base64>`. */
export function packageSubject(item: { name: string; version: string; integrity: string }): Subject {
  const { name, version, integrity } = item;
  return {
    name,
    version,
    called: `pkg:npm/${name.replace(/^@/, '%40')}@${version}`,
    algorithm: 'sha512',
    digest: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex'),
  };
}

/** An image, under where it was first pushed to (`host/path`, without tag). `digest` is `sha256:<hex>`. */
export function imageSubject(
  { name, version, digest }: { name: string; version: string; digest: string },
  place: string,
): Subject {
  return { name, version, called: place, algorithm: 'sha256', digest: digest.replace(/^sha256:/, '') };
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * An in-toto statement: this job of GitHub Actions built these bytes. Of the fields that npm's own client writes; all that it
 * says of the job is taken from the token that the certificate is made of, so that both say the same.
 * @param server address of GitHub, without a slash at the end
 */
export function statementOf(subject: Subject, claims: JWTPayload, server: string): object {
  const claim = (name: string): string => String(claims[name] ?? '');
  const repository = `${server}/${claim('repository')}`;
  const [path = '', ref = ''] = claim('workflow_ref')
    .replace(`${claim('repository')}/`, '')
    .split('@');
  return {
    _type: STATEMENT,
    subject: [{ name: subject.called, digest: { [subject.algorithm]: subject.digest } }],
    predicateType: PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { workflow: { ref, repository, path } },
        internalParameters: {
          github: {
            event_name: claim('event_name'),
            repository_id: claim('repository_id'),
            repository_owner_id: claim('repository_owner_id'),
          },
        },
        resolvedDependencies: [
          { uri: `git+${repository}@${claim('ref')}`, digest: { gitCommit: claim('sha') } },
        ],
      },
      runDetails: {
        builder: { id: `https://github.com/actions/runner/${claim('runner_environment')}` },
        metadata: {
          invocationId: `${repository}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}`,
        },
      },
    },
  };
}

/** What a bundle says that it is about; undefined where it says nothing that can be read. */
export function subjectOf(bundle: unknown): { name: string; digest: Record<string, string> } | undefined {
  const payload = (bundle as { dsseEnvelope?: { payload?: unknown } } | null)?.dsseEnvelope?.payload;
  if (typeof payload !== 'string') return undefined;
  try {
    const { subject } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as {
      subject?: { name?: unknown; digest?: Record<string, string> }[];
    };
    const [first, second] = subject ?? [];
    if (second !== undefined) return undefined;
    const { name, digest } = first ?? {};
    return typeof name === 'string' && typeof digest === 'object' ? { name, digest } : undefined;
  } catch {
    return undefined;
  }
}
