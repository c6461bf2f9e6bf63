import type { PhaseResult } from '../types.ts';

export interface BackupReport {
  /** Name in the backups folder of the host. */
  file: string;
  bytes: number;
  sha256: string;
  /** Of all databases together. */
  tables: number;
}
export function readBackup(result: PhaseResult): BackupReport {
  return {
    file: one(result, 'backup'),
    bytes: Number(one(result, 'bytes')),
    sha256: one(result, 'sha256'),
    tables: Number(one(result, 'tables')),
  };
}

export interface RestoreReport {
  file: string;
  /** `<compose service>/<database>` or `volume <name>`. */
  restored: string[];
  /** Where what was there before is now, in the same form. */
  replaced: string[];
}
export function readRestore(result: PhaseResult): RestoreReport {
  return { file: one(result, 'file'), restored: all(result, 'restored'), replaced: all(result, 'replaced') };
}

/** Names of releases, backups and images that `prune` removed. */
export function readPrune(result: PhaseResult): string[] {
  return all(result, 'removed');
}

const all = (result: PhaseResult, key: string) =>
  result.facts.filter((fact) => fact.key === key).map(({ value }) => value);
const one = (result: PhaseResult, key: string) => all(result, key)[0] ?? '';
