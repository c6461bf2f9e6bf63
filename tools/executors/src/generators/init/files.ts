/** The approvers' file of a new workspace: nobody may approve until somebody is added. */
export const ALLOWED_SIGNERS = `# Who may approve promotions: one line a person, in OpenSSH's format ("man ssh-keygen", ALLOWED SIGNERS):
#   <address> namespaces="sluice" <type of the key> <public key>
# This prints yours, if git knows your address and your key is an ed25519 one:
#   echo "$(git config user.email) namespaces=\\"sluice\\" $(cut -d ' ' -f 1,2 ~/.ssh/id_ed25519.pub)"
# Have the line reviewed like code. The file counts as it stands on the default branch, so that no change approves itself.
`;

/** The text of a .gitignore with one more line; the same text where a line ignores it already. */
export function ignoring(gitignore: string, path: string): string {
  const known = gitignore
    .split(/\r?\n/)
    .some((line) => line.trim().replace(/^\//, '').replace(/\/$/, '') === path.replace(/\/$/, ''));
  if (known) return gitignore;
  return `${gitignore}${gitignore === '' || gitignore.endsWith('\n') ? '' : '\n'}${path}\n`;
}
