import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '../foundation/index.ts';
import type { AuditProblem } from './audit.ts';

/** How far the ledger's history was checked, and what was found. A convenience: its loss only costs time. */
export interface Checkpoint {
  /** Commit of the ledger up to which all is checked; null for nothing. */
  head: string | null;
  /** Commit of the policy at that time: if it is not in the default branch any more, nothing of this holds. */
  policy: string;
  /** Hash of what else the result depends on. */
  context: string;
  problems: AuditProblem[];
  /** Newest instant in a signed record. */
  newest: string;
  /** "nonce name@version" of the approvals that were used up. */
  used: string[];
}

const VERSION = 1;

/** Undefined where there is none, or none that can be read. */
export async function readCheckpoint(file: string): Promise<Checkpoint | undefined> {
  try {
    const { version, ...checkpoint } = JSON.parse(await readFile(file, 'utf8')) as Checkpoint & {
      version: number;
    };
    return version === VERSION ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}

export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, JSON.stringify({ version: VERSION, ...checkpoint }));
  } catch {
    // The next audit only takes longer.
  }
}
