import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import type { Policy } from './policy.ts';

const FILE = '.npmrc';

/**
 * A stage without `registry` goes where the npm client goes by default, and a project's own .npmrc has a say in that (as
 * it has in proxies and certificates). In the live profile that file is policy like nx.json: a branch that changes it
 * could send the bytes, and the token, to another host. Call before anything is asked.
 * @throws POLICY_DIFFERS
 */
export async function checkClientFile(
  repository: Pick<Repository, 'root' | 'show'>,
  policy: Policy,
): Promise<void> {
  const [here, there] = await Promise.all([
    readFile(join(repository.root, FILE), 'utf8').catch(() => ''),
    repository.show(policy.commit, FILE),
  ]);
  if (lines(here) === lines(there ?? '')) return;
  throw errors.POLICY_DIFFERS({
    what: `the npm client's configuration (${FILE})`,
    here: 'another one',
    there: there === undefined ? 'not there' : 'as committed',
    branch: policy.branch,
  });
}

/** What counts of the file: no comments, no order of blanks. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line))
    .join('\n');
}
