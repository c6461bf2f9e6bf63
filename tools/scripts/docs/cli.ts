import { sluiceProgram } from '../../executors/src/cli/program.ts';
import { code, heading, sentence, table } from './markdown.ts';

/** Every subcommand of `sluice`, as its own help knows it. */
export function cliPage(): Promise<string> {
  const program = sluiceProgram(() => Promise.resolve());
  const help = program.createHelp();
  const text = [
    heading('Command line', "the program's own help"),
    'The same engines as the targets of Nx, for scripts, and for people in any folder of the workspace. The answer goes to standard',
    'output, and nothing else does; everything for a person goes to standard error.',
    '',
    table(
      ['exit code', 'meaning'],
      [
        ['0', 'done, or nothing to do'],
        ['1', 'failed'],
        ['2', 'bad input or configuration'],
        ['3', 'a gate is closed; nothing was changed'],
      ],
    ),
    ...program.commands.flatMap((command) => [
      `\n## ${code(`sluice ${command.name()}`)}\n`,
      `\`\`\`sh\nnpx sluice ${command.name()} ${command.usage()}\n\`\`\`\n`,
      `${sentence(command.description())}.\n`,
      table(
        ['option', 'default', 'meaning'],
        help
          .visibleOptions(command)
          .filter((option) => option.long !== '--help')
          .map((option) => [
            code(option.flags),
            option.defaultValue === undefined ? '' : code(String(option.defaultValue)),
            `${option.description}${option.mandatory ? ' (needed)' : ''}`,
          ]),
      ),
    ]),
  ].join('\n');
  return Promise.resolve(text);
}
