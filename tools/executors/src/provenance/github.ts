import type { GitHub } from '../github/index.ts';
import type { Subject } from './statement.ts';

interface Bundle {
  dsseEnvelope?: { payload?: string; signatures?: { sig?: string }[] };
}
interface Answer {
  attestations?: { bundle?: Bundle | null }[];
}

/**
 * Shows a bundle on the repository's page of attestations, where `gh attestation verify` finds it. Nothing is sent that is
 * there already, so this may be repeated.
 * @throws GITHUB_REFUSED (without `attestations: write`, or where the plan has none), and what GitHub's API throws
 */
export async function attest(github: GitHub, subject: Subject, bundle: string): Promise<'done' | 'present'> {
  if (await isAttested(github, subject, bundle)) return 'present';
  await github.request('POST /repos/{owner}/{repo}/attestations', { bundle: JSON.parse(bundle) });
  return 'done';
}

/** Whether GitHub shows this bundle for these bytes. Throws what GitHub's API throws. */
export async function isAttested(github: GitHub, subject: Subject, bundle: string): Promise<boolean> {
  const found = await github.find<Answer>('GET /repos/{owner}/{repo}/attestations/{subject_digest}', {
    subject_digest: `${subject.algorithm}:${subject.digest}`,
    per_page: 100,
  });
  const wanted = signatureOf(JSON.parse(bundle) as Bundle);
  return (found?.attestations ?? []).some((one) => signatureOf(one.bundle) === wanted);
}

/** GitHub gives back the fields in an order of its own; the signature is over all that matters. */
function signatureOf(bundle: Bundle | null | undefined): string | undefined {
  return bundle?.dsseEnvelope?.signatures?.[0]?.sig;
}
