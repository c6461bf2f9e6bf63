import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { sluiceProgram } from '../../src/cli/program.ts';
import { camel, optionsAmong } from './commands.ts';
import { nxOptions } from './nx-options.ts';

const PLUGIN = join(import.meta.dirname, '../..');
const WORKSPACE = join(PLUGIN, '../..');
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

/** Targets of the sample projects that are not executors of ours. */
const TARGETS = new Set(['compile', 'typecheck', 'test', 'lint', 'nx-release-publish']);
const FOR_EVERY_GENERATOR = ['dryRun', 'help', 'interactive'];

/** A placeholder, such as `<stage>` or `...`: whatever a reader puts there. */
const open = (word: string): boolean => /[<[{…]|\.\.\.|\$/.test(word);

const executors: Record<string, { schema: string }> = json(join(PLUGIN, 'executors.json')).executors;
const generators: Record<string, { schema: string; aliases?: string[] }> = json(
  join(PLUGIN, 'generators.json'),
).generators;
const scripts: Record<string, string> = json(join(WORKSPACE, 'package.json')).scripts;
const program = sluiceProgram(() => Promise.resolve());

/**
 * What is wrong with a command that a page names, by the command line that there is: the program of `sluice`, the schemas of
 * executors and generators, Nx's own commands, and the scripts in package.json. Undefined where nothing is.
 */
export function problemOf([tool, name, ...words]: string[]): string | undefined {
  if (tool === 'npm') return script(words[0]);
  return name === 'sluice' ? sluice(words) : nx(words);
}

function script(name: string | undefined): string | undefined {
  if (name === undefined || open(name) || name in scripts) return undefined;
  return `package.json has no script ${name}`;
}

function sluice([name, ...words]: string[]): string | undefined {
  if (name === undefined || open(name) || name === '--version' || name === '--help') return undefined;
  for (const each of name.split('|')) {
    const command = program.commands.find((one) => one.name() === each);
    if (!command) return `sluice has no command ${each}`;
    const problem = ofCommand(command, words);
    if (problem) return problem;
  }
  return undefined;
}

function ofCommand(command: Command, words: string[]): string | undefined {
  let operands = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      operands += 1;
      continue;
    }
    const [flag = ''] = word.split('=');
    const option = command.options.find(({ long, short }) => long === flag || short === flag);
    if (!option) return flag === '--help' ? undefined : `sluice ${command.name()} has no option ${flag}`;
    if (option.required && !word.includes('=')) at += 1;
  }
  const most = command.registeredArguments;
  if (operands > most.length && !most.at(-1)?.variadic && !words.some(open))
    return `sluice ${command.name()} takes at most ${most.length} words`;
  return undefined;
}

function nx([verb, ...words]: string[]): string | undefined {
  if (verb === undefined || open(verb) || verb.startsWith('-')) return undefined;
  if (verb === 'g' || verb === 'generate') return generator(words);
  const options = optionsAmong(words).filter((option) => !open(option));
  if (verb === 'run') return targets([words[0]?.split(/:(?=[^/]*$)|:/)[1] ?? ''], verb, options, words[0]);
  if (verb === 'run-many' || verb === 'affected') return targets(targetsAmong(words), verb, options);
  if (verb in executors || TARGETS.has(verb)) return targets([verb], 'run', options);
  const sub = nxOptions.has(`${verb} ${words[0]}`) ? `${verb} ${words[0]}` : verb;
  const known = nxOptions.get(sub);
  if (!known) return `nx has no command and no target ${verb}`;
  return unknownAmong(options, known, `nx ${sub}`);
}

function targets(names: string[], verb: string, options: string[], whole?: string): string | undefined {
  const known = new Set(nxOptions.get(verb));
  for (const name of names) {
    if (open(name)) return undefined;
    if (!(name in executors) && !TARGETS.has(name))
      return `there is no target ${name}${whole ? ` (${whole})` : ''}`;
    const entry = executors[name];
    if (entry) for (const option of optionsOf(entry.schema)) known.add(option);
  }
  return unknownAmong(options, known, names.join(' '));
}

function targetsAmong(words: string[]): string[] {
  const at = words.findIndex((word) => word === '-t' || word === '--targets');
  const end = words.findIndex((word, index) => index > at && word.startsWith('-'));
  return at < 0 ? [] : words.slice(at + 1, end < 0 ? undefined : end);
}

function generator([name, ...words]: string[]): string | undefined {
  if (!name?.startsWith('@sluice/nx:')) return undefined;
  const asked = name.slice('@sluice/nx:'.length);
  if (open(asked)) return undefined;
  const entry =
    generators[asked] ?? Object.values(generators).find(({ aliases }) => aliases?.includes(asked));
  if (!entry) return `there is no generator ${asked}`;
  const known = new Set([...optionsOf(entry.schema), ...FOR_EVERY_GENERATOR]);
  return unknownAmong(
    optionsAmong(words).filter((option) => !open(option)),
    known,
    name,
  );
}

function optionsOf(schema: string): string[] {
  return Object.keys(json(join(PLUGIN, schema.replace('./dist/', 'src/'))).properties ?? {});
}

function unknownAmong(options: string[], known: ReadonlySet<string>, of: string): string | undefined {
  const unknown = options.find((option) => !known.has(camel(option)));
  return unknown && `${of} has no option --${unknown}`;
}
