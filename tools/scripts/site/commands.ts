const PROGRAMS =
  'npx|npm|git|docker|ssh|ssh-add|ssh-copy-id|ssh-keygen|skopeo|gh|curl|printf|sudo|systemctl|export|aws';
const COMMAND = new RegExp(
  String.raw`(?:^|[:;(] ?|, | or | then )((?:${PROGRAMS}) (?:\((?=\$)|"[^"]*"|'[^']*'|\$\([^)]*\)|\$\{\{[^}]*\}\}|[^();:,"']|[:,](?=\S))+)`,
  'g',
);

/** The commands that a sentence tells to type: from the name of a program to the end of that part of the sentence. */
export function commandsOf(sentence: string): string[] {
  return [...sentence.matchAll(COMMAND)].map(([, command = '']) => command.trim());
}
