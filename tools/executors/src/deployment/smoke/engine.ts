import { runCommand, type Command, type Run } from '../../artifact/image/command.ts';
import { errors } from '../../foundation/index.ts';

/** Container engine and compose of this machine. */
export interface Engine {
  engine: string;
  /** Program and first arguments of compose. */
  compose: string[];
}

/** @throws ENGINE_UNAVAILABLE with what each of them said */
export async function localEngine(run: Run = runCommand): Promise<Engine> {
  const tried: string[] = [];
  const answers = async (program: string, ...args: string[]): Promise<boolean> => {
    const { code, stderr } = await run({ program, args, effect: 'read' });
    if (code !== 0)
      tried.push(`${[program, ...args].join(' ')}: ${code === 127 ? 'not there' : lastLine(stderr)}`);
    return code === 0;
  };
  for (const [engine, ways] of [
    ['docker', [['docker', 'compose'], ['docker-compose']]],
    ['podman', [['podman-compose'], ['podman', 'compose']]],
  ] as const) {
    if (!(await answers(engine, 'info'))) continue;
    for (const compose of ways) {
      const [program = '', ...args] = compose;
      if (await answers(program, ...args, 'version')) return { engine, compose: [...compose] };
    }
  }
  throw errors.ENGINE_UNAVAILABLE({ tried }, { details: { tried } });
}

export function composeCommand(
  { compose: [program = '', ...first] }: Engine,
  project: string,
  file: string,
  args: string[],
  effect: Command['effect'] = 'write',
): Command {
  return { program, args: [...first, '-p', project, '-f', file, ...args], effect };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
