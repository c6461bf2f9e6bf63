import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';

/** What a provenance is about. */
export interface Subject {
  name: string;
  version: string;
  /** `sha512-<base64>` of the tarball. */
  integrity: string;
}

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT = 'https://in-toto.io/Statement/v1';
const PREDICATE = 'https://slsa.dev/provenance/v1';
/** Source: https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1 */
const BUILD_TYPE = 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1';

/** Package URL of a version, the way npm's registry compares it. */
export function purlOf({ name, version }: Pick<Subject, 'name' | 'version'>): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

/** Lower-case hex of an integrity. */
export function sha512Of(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
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
    subject: [{ name: purlOf(subject), digest: { sha512: sha512Of(subject.integrity) } }],
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
export function subjectOf(bundle: unknown): { name: string; sha512: string } | undefined {
  const payload = (bundle as { dsseEnvelope?: { payload?: unknown } } | null)?.dsseEnvelope?.payload;
  if (typeof payload !== 'string') return undefined;
  try {
    const { subject } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as {
      subject?: { name?: unknown; digest?: { sha512?: unknown } }[];
    };
    const [first, second] = subject ?? [];
    if (second !== undefined) return undefined;
    const { name, digest } = first ?? {};
    return typeof name === 'string' && typeof digest?.sha512 === 'string'
      ? { name, sha512: digest.sha512 }
      : undefined;
  } catch {
    return undefined;
  }
}
