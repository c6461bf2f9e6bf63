import { logger, readNxJson, type GeneratorCallback, type Tree } from '@nx/devkit';
import {
  apply,
  collisions,
  describe,
  describeRefused,
  differences,
  presentEnvironments,
  wantedEnvironments,
} from '../../environments/index.ts';
import { errors } from '../../foundation/index.ts';
import { openRepository } from '../../git/index.ts';
import { openGitHub, type GitHub } from '../../github/index.ts';
import { parseOptions } from '../../pipeline/index.ts';
import type { SluiceOptions } from '../../pipeline/types.ts';
import { explained, registeredOptions } from '../nx-json.ts';

/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  github(options: SluiceOptions): Promise<GitHub>;
  say(line: string): void;
}

/** Shows what differs on GitHub, and corrects it in the callback, which Nx leaves out in a dry run. Changes no file. */
export default async function environments(
  tree: Tree,
  _schema: Record<string, never> = {},
  { github: open, say }: Surroundings = real(tree.root),
): Promise<GeneratorCallback> {
  return explained(async () => {
    const registered = registeredOptions(readNxJson(tree) ?? {});
    if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
    const options = parseOptions(registered);
    for (const line of collisions(options)) say(`note: ${line}`);
    const github = await open(options);
    const found = differences(wantedEnvironments(options), await presentEnvironments(github));
    const repository = `${github.owner}/${github.repo}`;
    if (found.length === 0) {
      say(`The environments of ${repository} are as nx.json wants them.`);
      return () => {};
    }
    say([`Environments of ${repository}:`, ...describe(found)].join('\n'));
    return () =>
      explained(async () => {
        const refused: string[] = [];
        for (const one of found) {
          const lost = await apply(github, one);
          if (lost) refused.push(describeRefused(lost));
          say(`${lost ? 'incomplete' : 'done'}: ${one.wanted.name}`);
        }
        if (refused.length > 0) throw errors.ENVIRONMENTS_INCOMPLETE({ repository, refused });
      });
  });
}

function real(root: string): Surroundings {
  return {
    github: async (options) => {
      const identity = await (await openRepository(root)).identity(options.ledger.remote);
      return openGitHub({ options: options.github, identity, env: process.env });
    },
    say: (line) => logger.info(line),
  };
}
