import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export interface ProgramRan {
  code: number | null;
  /** All that it said, without colours. */
  out: string;
  stdout: string;
}

/** Runs a program to its end; its exit code is the caller's to judge. */
export function runProgram(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; shell?: boolean },
): Promise<ProgramRan> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, stdout] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: stripVTControlCharacters(out), stdout }));
  });
}
