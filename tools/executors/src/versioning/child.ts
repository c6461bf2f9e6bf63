import { fork } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { errors } from '../foundation/index.ts';

/**
 * Asks a tool that needs a process of its own. The child gets the question as its one message and answers with `{found}` or `{failed}`.
 * @throws VERSIONING_FAILED with what the tool said last
 */
export function askChild<A>(given: {
  file: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  question: object;
  tool: string;
  /** What to type to see more. */
  command: string;
}): Promise<A> {
  const { file, cwd, env, question, tool, command } = given;
  return new Promise((resolve, reject) => {
    const child = fork(file, { cwd, env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let prose = '';
    let answer: { found?: A; failed?: string } = {};
    const hear = (chunk: Buffer): void => void (prose += chunk.toString());
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('message', (message) => (answer = message as typeof answer));
    child.once('error', reject);
    child.once('close', () => {
      if (answer.found) return resolve(answer.found);
      const said = stripVTControlCharacters(answer.failed ?? lastLines(prose));
      reject(errors.VERSIONING_FAILED({ tool, said, command }));
    });
    child.send(question);
  });
}

/** What a tool said last, where it ended without telling why. */
const lastLines = (prose: string): string => prose.trim().split('\n').slice(-5).join('\n    ');
