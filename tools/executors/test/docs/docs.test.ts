import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { problemOf } from './command-line.ts';
import { commandsIn, split } from './commands.ts';

const WORKSPACE = join(import.meta.dirname, '../../../..');
const pages = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], {
  cwd: WORKSPACE,
  exclude: ['docs/site/**'],
}).sort();

describe('the docs', () => {
  it.each(pages)('%s tells to type only what there is', (page) => {
    const problems = commandsIn(readFileSync(join(WORKSPACE, page), 'utf8')).flatMap(({ line, words }) => {
      const problem = problemOf(words);
      return problem ? [`${page}:${line}: ${problem}: ${words.join(' ')}`] : [];
    });
    expect(problems).toEqual([]);
  });

  it('finds them in shell blocks and code spans, and nowhere else', () => {
    const page = [
      'Run `npx nx status`.',
      '```sh',
      'A=1 npx nx affected -t promote --base=$(npx sluice base test) && git push # npx nx no',
      '```',
      '```text',
      'npx nx output',
      '```',
    ].join('\n');
    expect(commandsIn(page)).toEqual([
      { line: 1, words: ['npx', 'nx', 'status'] },
      { line: 3, words: ['npx', 'nx', 'affected', '-t', 'promote', '--base=<output>'] },
      { line: 3, words: ['npx', 'sluice', 'base', 'test'] },
    ]);
  });

  it.each([
    ['npx sluice promot test', 'sluice has no command promot'],
    ['npx sluice promote test --forse', 'sluice promote has no option --forse'],
    ['npx sluice base test more', 'sluice base takes at most 1 words'],
    ['npx sluice plan|promot test', 'sluice has no command promot'],
    ['npx nx run money:promoted:test', 'there is no target promoted (money:promoted:test)'],
    ['npx nx run money:rollback:test --too=1', 'rollback has no option --too'],
    ['npx nx run @sluice/nx:promote:test --dry-runs', 'promote has no option --dry-runs'],
    ['npx nx run-many -t promote deploy -c test', 'there is no target deploy'],
    ['npx nx affected -t promote --bass=x', 'promote has no option --bass'],
    ['npx nx statuses', 'nx has no command and no target statuses'],
    ['npx nx release --dry', 'nx release has no option --dry'],
    ['npx nx g @sluice/nx:stages test', 'there is no generator stages'],
    ['npx nx g @sluice/nx:stage test --afterwards=x', '@sluice/nx:stage has no option --afterwards'],
    ['npm run no-such-script', 'package.json has no script no-such-script'],
  ])('%s is not one', (line, problem) => {
    expect(split(line).map(problemOf)).toEqual([problem]);
  });
});
