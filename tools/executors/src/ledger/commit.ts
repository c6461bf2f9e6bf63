import type { Repository } from '../git/index.ts';

/** A file that one commit is to add. */
export interface Addition {
  path: string;
  content: Buffer;
  /** The commit's message, one line. */
  message: string;
}
export interface Added {
  path: string;
  blob: string;
  commit: string;
}

/**
 * One commit for each addition, one on top of the other, on `parent`. Only objects are written: no ref, no index,
 * no work tree. One `git fast-import`, which reads no more of the branch than the folders on the way.
 */
export async function commitAdditions(
  repository: Repository,
  parent: string | null,
  additions: Addition[],
  { identity, at }: { identity: string; at: Date },
): Promise<Added[]> {
  const text = await repository.run(['fast-import', '--quiet', '--date-format=raw', '--done'], {
    input: importStream(parent, additions, `${identity} ${Math.floor(at.getTime() / 1000)} +0000`),
  });
  const hashes = text.trim().split('\n');
  return additions.map(({ path }, index) => ({
    path,
    blob: hashes[2 * index] as string,
    commit: hashes[2 * index + 1] as string,
  }));
}

/** The branch exists in git's memory alone, and is emptied at the end so that no ref is made. */
const BRANCH = 'refs/sluice/never';

function importStream(parent: string | null, additions: Addition[], committer: string): Buffer {
  const parts: Buffer[] = [];
  const say = (text: string) => parts.push(Buffer.from(text));
  const data = (content: Buffer) => {
    say(`data ${content.length}\n`);
    parts.push(content);
    say('\n');
  };
  additions.forEach(({ path, content, message }, index) => {
    const [blob, commit] = [2 * index + 1, 2 * index + 2];
    say(`blob\nmark :${blob}\n`);
    data(content);
    say(`commit ${BRANCH}\nmark :${commit}\ncommitter ${committer}\n`);
    data(Buffer.from(`${message}\n`));
    if (index === 0 && parent !== null) say(`from ${parent}\n`);
    say(`M 100644 :${blob} ${path}\n\n`);
  });
  say(`reset ${BRANCH}\n\n`);
  for (let mark = 1; mark <= 2 * additions.length; mark++) say(`get-mark :${mark}\n`);
  say('done\n');
  return Buffer.concat(parts);
}

/** `Name <email>` as git has it for this user, else ours. */
export async function committerOf(repository: Repository): Promise<string> {
  const { code, stdout } = await repository.call([
    '-c',
    'user.useConfigOnly=true',
    'var',
    'GIT_COMMITTER_IDENT',
  ]);
  const known = code === 0 ? /^(.*>) \d+ [+-]\d{4}$/m.exec(stdout)?.[1] : undefined;
  return known ?? 'sluice <sluice@sluice.invalid>';
}
