import { bytes as size } from '../foundation/index.ts';
import type { VerifyReport } from '../promotion/prove.ts';

/** The proof in words: what was compared, and every finding. */
export function formatVerify(report: VerifyReport): string {
  const { proved, bytes, agreed = 0, history, findings } = report;
  const failing = findings.filter((finding) => finding.kind !== 'artifact');
  const notes = findings.filter((finding) => finding.kind === 'artifact');
  return [
    `${proved} downloads (${size(bytes)}) hold the bytes that the ledger names`,
    ...(agreed > 0
      ? [`${agreed} digests, tags and running releases of services are as the ledger says`]
      : []),
    `${history.records} records in the ledger: ${history.problems === 0 ? 'history and signatures are sound' : `${history.problems} problems`}`,
    ...failing.map((finding) => `PROBLEM ${finding.kind}: ${finding.what}`),
    ...notes.map((finding) => `note: ${finding.what}`),
    failing.length === 0
      ? 'verified'
      : `${failing.length} problems; nothing was changed. Next: look at each version named above before anything is promoted`,
  ].join('\n');
}
