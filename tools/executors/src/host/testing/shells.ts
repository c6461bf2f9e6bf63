import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const has = (program: string) => spawnSync('sh', ['-c', 'command -v "$0"', program]).stdout.toString().trim();

/** The POSIX shells that this machine has: each can stand for `sh`. */
export const shells: { name: string; program: string }[] = ['dash', 'bash', 'busybox'].flatMap((name) => {
  const program = has(name);
  return program === '' ? [] : [{ name, program }];
});

/** A folder for PATH in which `sh` is that shell: bash and busybox go by the name they are called by. */
export function shellFolder(folder: string, program: string): string {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'sh'))) symlinkSync(program, join(folder, 'sh'));
  return folder;
}
