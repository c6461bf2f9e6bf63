import { execFile } from 'node:child_process';
import { join } from 'node:path';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
const BIN = join(import.meta.dirname, '../../../bin/sluice.js');

/** The `sluice` command as a process of its own, with nothing of this one's environment. */
export function sluice(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [BIN, ...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}
