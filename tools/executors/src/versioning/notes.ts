/** Release notes without the version as their title, which a changelog or a release page gives them. */
export function untitled(notes: string, version: string): string {
  const [first = '', ...rest] = notes.trim().split('\n');
  return first.startsWith('#') && first.includes(version) ? `${rest.join('\n').trim()}\n` : notes;
}
