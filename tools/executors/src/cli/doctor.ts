import type { Command } from 'commander';
import { diagnose, formatDiagnosis, tell } from '../doctor/index.ts';
import { EXIT } from '../foundation/index.ts';
import type { Perform } from './shared.ts';

export function doctorCommand(program: Command, perform: Perform): void {
  program
    .command('doctor [stage]')
    .description(
      'find what would fail before it fails, for one stage or all, and say the command that mends it; changes nothing',
    )
    .option('--json', 'as JSON')
    .action((stage: string | undefined, options: { json?: boolean }) =>
      perform(async ({ context, signal, answer, say }) => {
        const diagnosis = await diagnose(context, { stage, signal });
        await tell(diagnosis, context.env, say);
        answer(options.json ? JSON.stringify(diagnosis, undefined, 2) : formatDiagnosis(diagnosis));
        return diagnosis.ok ? EXIT.done : EXIT.failed;
      }),
    );
}
