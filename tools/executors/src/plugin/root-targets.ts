import type { ProjectConfiguration, TargetConfiguration } from '@nx/devkit';
import type { SluiceOptions } from '../pipeline/index.ts';
import { stageConfigurations } from './configurations.ts';

/**
 * The targets of the workspace itself. They need a project at the root; with one, `npx nx status` needs no project's name,
 * because Nx takes the project of the current folder.
 */
export function inferRoot(
  options: SluiceOptions,
  name: string,
): Omit<ProjectConfiguration, 'root'> & { name: string } {
  const { targets } = options;
  return {
    name,
    targets: {
      [targets.registries]: {
        ...reads('registries', 'Runs the local registries, one for every package stage, until it is stopped'),
        continuous: true,
      },
      [targets.status]: reads(
        'status',
        'What is in which stage, since when, approved by whom, and what is waiting',
      ),
      [targets.board]: reads(
        'board',
        'The same as a page on this machine that follows what happens; --output=FOLDER writes it as a file',
      ),
      [targets.verify]: reads(
        'verify',
        'Downloads from every stage and proves that the bytes are those that were built',
      ),
      [targets.doctor]: {
        ...reads('doctor', 'Finds what would fail before it fails, and says the command that mends it'),
        configurations: stageConfigurations(options),
      },
      [targets.approve]: {
        ...reads(
          'approve',
          'Shows the plan of a promotion and writes an approval of it, signed with your SSH key',
        ),
        configurations: stageConfigurations(options),
      },
    },
    metadata: {
      targetGroups: {
        Sluice: [
          targets.registries,
          targets.status,
          targets.board,
          targets.verify,
          targets.doctor,
          targets.approve,
        ],
      },
    },
  };
}

function reads(executor: string, description: string): TargetConfiguration {
  return {
    executor: `@sluice/nx:${executor}`,
    cache: false,
    metadata: { description, technologies: ['sluice'] },
  };
}
