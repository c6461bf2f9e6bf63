import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What of git changes a repository; everything else only reads. */
const CHANGES = ['fast-import', 'update-ref', 'push', 'fetch'];

export interface GitCall {
  kind: string;
  /** The first of its kind is 1. */
  nth: number;
}

/**
 * A `git` to be put first in PATH, which notes every call that changes something, and may kill the process that made
 * one: before the real git has run, or when it has and its answer is lost. Returns the folder for PATH.
 */
export async function trapGit(folder: string, at?: GitCall & { when: 'before' | 'after' }): Promise<string> {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh
kind=
for kind in ${CHANGES.join(' ')} ''; do
  case " $* " in *" $kind "*) break ;; esac
done
[ -n "$kind" ] || exec "${real}" "$@"
echo "$kind" >>"${folder}/calls"
nth=$(grep -cx "$kind" "${folder}/calls")
[ "$kind $nth" = "${at ? `${at.kind} ${at.nth}` : ''}" ] || exec "${real}" "$@"
${at?.when === 'after' ? `"${real}" "$@" >"${folder}/answer"` : ''}
kill -9 $PPID
`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'git'), script);
  await chmod(join(folder, 'git'), 0o755);
  return folder;
}

/** The calls that were noted. */
export async function gitCalls(folder: string): Promise<GitCall[]> {
  const seen = new Map<string, number>();
  const lines = (await readFile(join(folder, 'calls'), 'utf8')).split('\n').filter(Boolean);
  return lines.map((kind) => {
    const nth = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, nth);
    return { kind, nth };
  });
}
