import { competitor } from '../commands.ts';
import { commandDriver } from './command.ts';
import type { Driver, Run } from './types.ts';

/** What people write where no tool promotes: a loop of the shell over the packages, dependencies first. */
function loop(id: string, title: string, body: string): Driver {
  return commandDriver({
    id,
    operation: 'promote',
    title,
    again: false,
    argv: ({ packages }) => [
      'sh',
      '-ec',
      `cd "$(mktemp -d "$HOME/loop.XXXXXX")"\nfor p in ${packages.map((p) => `${p.name}@${p.version}`).join(' ')}; do\n${body}\ndone`,
    ],
    env: ({ source, target }: Run) => ({
      SOURCE: source.url,
      TARGET: target.url,
      SOURCE_TOKEN: source.token,
      PNPM: competitor('pnpm'),
    }),
  });
}

export const npmLoop = loop(
  'npm-loop',
  'for each: npm pack NAME@VERSION --registry SOURCE && npm publish FILE --registry TARGET',
  `npm publish "$(npm pack "$p" --silent --registry "$SOURCE/" --cache ./cache)" --registry "$TARGET/" --access public`,
);

/** npm is only the slow half of it: curl and a native client are what the quickest loop is made of. */
export const pnpmLoop = loop(
  'pnpm-loop',
  'for each: curl TARBALL && pnpm publish FILE --registry TARGET',
  `name="\${p%@*}"; file="\${name#*/}-\${p##*@}.tgz"
curl -fsS -H "Authorization: Bearer $SOURCE_TOKEN" -o "$file" "$SOURCE/$name/-/$file"
"$PNPM" publish "./$file" --registry "$TARGET/" --access public --no-git-checks`,
);
