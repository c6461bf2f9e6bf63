import type { LedgerState } from '../ledger/types.ts';
import type { Kind } from './kinds/types.ts';

/** One of the known names, given as itself or as the name of its project. */
export function findNamed(state: LedgerState, known: string[], name: string): string | undefined {
  return known.find((one) => one === name) ?? known.find((one) => state.project(one) === name);
}

/** What a kind calls something that was named by its own or its project's name. Throws PACKAGE_UNKNOWN, SERVICE_UNKNOWN. */
export function nameOf(kind: Pick<Kind, 'names' | 'unknown'>, state: LedgerState, name: string): string {
  const known = kind.names(state);
  const projects = () => known.map((one) => state.project(one) ?? one);
  return findNamed(state, known, name) ?? fail(kind.unknown(name, projects()));
}

export function fail(error: Error): never {
  throw error;
}
