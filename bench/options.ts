import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Numbers of packages in the workspaces. */
  packages: number[];
  /** Milliseconds by which every request is delayed. */
  latency: number[];
  rounds: number;
  /** Drivers to run, by id or by the part before its dash; empty for all. */
  tools: string[];
  /** One run of one tool is ended after this many milliseconds, and left out where it is sure to take longer. */
  budgetMs: number;
  /** What took longer in its first round is not run a second time. */
  slowMs: number;
  /** Whether resident memory is measured too (Linux). */
  memory: boolean;
  /** Whether a tarball of 200 MB is part of that. */
  large: boolean;
  /** A stored result to print or write again instead of measuring. */
  from?: string;
  /** A page to write, for instance docs/benchmarks.md. */
  write?: string;
}

export const USAGE = `npm run bench -- [options]
  --packages=20,100,300   sizes of the workspace
  --latency=0,50,200      milliseconds by which a proxy delays every request
  --rounds=3              runs of everything, interleaved; the tables show medians
  --tools=us,pnpm,...     only these: floor engine us pnpm lerna npm changesets nx pnpm-loop npm-loop
  --budget=150            seconds for one run of one tool; longer ones are ended or left out, and the table says so
  --slow=30               seconds after which one run of a tool is enough
  --no-memory --no-large  leave out resident memory, or its tarball of 200 MB
  --quick                 20 packages, 0 and 50 ms, one round, no memory
  --from=FILE             print a stored result again instead of measuring
  --write=FILE            also write the page (docs/benchmarks.md)`;

/** The command line as options; throws an Error that says what is wrong. */
export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      packages: { type: 'string' },
      latency: { type: 'string' },
      rounds: { type: 'string' },
      tools: { type: 'string', default: '' },
      budget: { type: 'string', default: '150' },
      slow: { type: 'string', default: '30' },
      memory: { type: 'boolean' },
      large: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      from: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const { quick } = values;
  return {
    packages: numbers('packages', values.packages ?? (quick ? '20' : '20,100,300'), 1),
    latency: numbers('latency', values.latency ?? (quick ? '0,50' : '0,50,200'), 0),
    rounds: numbers('rounds', values.rounds ?? (quick ? '1' : '3'), 1)[0]!,
    tools: values.tools.split(',').filter(Boolean),
    budgetMs: numbers('budget', values.budget, 1)[0]! * 1000,
    slowMs: numbers('slow', values.slow, 0)[0]! * 1000,
    memory: values.memory ?? !quick,
    large: values.large ?? !quick,
    ...(values.from === undefined ? {} : { from: values.from }),
    ...(values.write === undefined ? {} : { write: values.write }),
  };
}

/** Whether `--tools` asks for this driver. */
export function isChosen(id: string, tools: string[]): boolean {
  return tools.length === 0 || tools.some((tool) => id === tool || id.startsWith(`${tool}-`));
}

function numbers(option: string, text: string, least: number): number[] {
  const list = text.split(',').map(Number);
  if (list.every((n) => Number.isInteger(n) && n >= least)) return [...new Set(list)].sort((a, b) => a - b);
  throw new Error(`--${option}=${text}: whole numbers from ${least} on, with commas between`);
}
