import { createRequire } from 'node:module';
import { camel } from './commands.ts';

/** What is used here of yargs, by which Nx declares its commands. */
interface Yargs {
  options(given: object): Yargs;
  getOptions(): { key: Record<string, unknown> };
  getInternalMethods(): { getCommandInstance(): { getCommandHandlers(): Record<string, Handler> } };
}
interface Handler {
  builder?: object | ((yargs: Yargs) => Yargs | Promise<Yargs>);
}

const fromHere = createRequire(import.meta.url);
const fromNx = createRequire(fromHere.resolve('nx/package.json'));
const yargs: (argv: string[]) => Yargs = fromNx('yargs');
const { commandsObject }: { commandsObject: Yargs } = fromNx('./dist/src/command-line/nx-commands.js');

/** Options of every command of Nx, and of the commands below them (`release plan`), as Nx itself declares them. */
export const nxOptions: ReadonlyMap<string, ReadonlySet<string>> = new Map(await below(commandsObject, ''));

async function below(parent: Yargs, prefix: string): Promise<[string, Set<string>][]> {
  const found: [string, Set<string>][] = [];
  for (const [name, { builder }] of Object.entries(handlersOf(parent))) {
    const own = yargs([]);
    if (typeof builder === 'function') await builder(own);
    else if (builder) own.options(builder);
    const path = `${prefix}${name.replace(/^_/, '')}`;
    const inner = await below(own, `${path} `);
    // `$0` is what runs where no command below is named.
    const unnamed = inner.find(([each]) => each === `${path} $0`)?.[1] ?? [];
    const options = Object.keys(own.getOptions().key).map(camel);
    found.push([path, new Set([...options, ...unnamed])]);
    for (const [each, more] of inner) found.push([each, new Set([...options, ...more])]);
  }
  return found;
}

function handlersOf(parent: Yargs): Record<string, Handler> {
  return parent.getInternalMethods().getCommandInstance().getCommandHandlers();
}
