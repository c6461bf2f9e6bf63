import { asSluiceError, type SluiceError } from '../foundation/index.ts';
import type { Finding } from './types.ts';

export const ok = (said: string): Finding => ({ verdict: 'ok', said });
export const warning = (said: string, next?: string): Finding => ({
  verdict: 'warning',
  said,
  ...(next ? { next } : {}),
});
export const problem = (said: string, next: string, code?: string): Finding => ({
  verdict: 'problem',
  said,
  next,
  ...(code ? { code } : {}),
});
export const unchecked = (why: string, next?: string): Finding => ({
  verdict: 'not checked',
  said: why,
  ...(next ? { next } : {}),
});

/** What a run would have failed with, as a finding. */
export const failed = ({ message, next, code }: SluiceError): Finding => problem(message, next, code);

/** A check cannot be made because another one failed, which says it better. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

/** The value, or `not checked` with what it was to come from: whose own check tells what is wrong. */
export async function given<T>(value: Promise<T>, what: string): Promise<T> {
  try {
    return await value;
  } catch (thrown) {
    throw new NotChecked(`${what} (${asSluiceError(thrown).code}, above)`, { cause: thrown });
  }
}
