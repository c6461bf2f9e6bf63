import { styleText } from 'node:util';
import { runProgram, type ProgramRan } from '../executors/src/testing/program.ts';

/** Runs the demo's commands in its copy, shows what matters of their output, and stops when one does not do as told. */
export class StageHand {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  #act = 0;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.env = env;
  }

  act(title: string, ...prose: string[]): void {
    this.#act += 1;
    print(`\n${styleText('bold', `${this.#act}. ${title}`)}\n`);
    for (const line of prose) print(`   ${line}\n`);
  }

  /** Shows a command as a person would type it, runs it, shows its own lines, and returns its whole output. */
  async type(
    command: string,
    expected: { exit?: 'zero' | 'non-zero'; says?: RegExp; show?: boolean } = {},
  ): Promise<string> {
    print(`   ${styleText('cyan', `$ ${command}`)}\n`);
    const { code, out: output } = await this.quietly(command);
    if (expected.show !== false) for (const line of essence(output)) print(`     ${line}\n`);
    const wanted = expected.exit ?? 'zero';
    if ((code === 0) !== (wanted === 'zero')) {
      throw new Error(`"${command}" ended with ${code}, and ${wanted} was told:\n${output}`);
    }
    if (expected.says && !expected.says.test(output)) {
      throw new Error(`"${command}" did not say ${String(expected.says)}:\n${output}`);
    }
    return output;
  }

  quietly(command: string): Promise<ProgramRan> {
    return runProgram(command.replaceAll('npx ', ''), [], { cwd: this.folder, env: this.env, shell: true });
  }

  /** Says that something holds, or stops the demo. */
  holds(what: string, truth: boolean): void {
    if (!truth) throw new Error(`not as told: ${what}`);
    print(`   ${styleText('green', '✔')} ${what}\n`);
  }
}

export function print(text: string): void {
  process.stdout.write(text);
}

/** What Nx wraps around the output of executors is left out: a demo is a few screens. */
const WRAPPING =
  /^\s*$|^\s*NX\s|^> nx run|^\s*[✔✖]\s+nx run|^\s*- |Run duration:|Cache:|Critical path:|Recoverable time:|^Nx read|^Output of|^Failed tasks|^Tasks not run|^See Nx|^\s*With additional/;

function essence(output: string): string[] {
  return output.split('\n').filter((line) => !WRAPPING.test(line));
}
