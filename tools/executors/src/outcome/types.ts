import type { Entry, Promoted, Published } from '../ledger/types.ts';

/** A version that stands in the last stage, and is to be told about. */
export interface Candidate {
  project: string;
  name: string;
  version: string;
  integrity: string;
  /** How it entered the last stage. */
  entry: Entry<Published | Promoted>;
  published: Entry<Published>;
  /** The version that stood there before; undefined for the first. */
  before: Entry<Published> | undefined;
  /** No higher version of it stands in the stage. */
  isNewest: boolean;
}

/** One thing that was announced, was there already, or could not be. */
export interface Outcome {
  what: 'release' | 'deployment';
  project: string;
  name: string;
  version: string;
  status: 'made' | 'there' | 'failed' | 'planned';
  /** Where it can be seen. */
  url?: string;
  /** For a person: what is missing, what was left out. */
  notes: string[];
  problem?: { code: string; what: string; state: string; next: string };
}
