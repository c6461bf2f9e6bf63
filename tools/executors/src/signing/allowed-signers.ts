/** One line of an OpenSSH allowed signers file. */
export interface AllowedSigner {
  /** Names and patterns before the key, as they stand in the file. */
  principals: string[];
  /** Key type and base64, without the comment. */
  key: string;
  /** Lower-case names of the options with their values; '' for one without a value. */
  options: Record<string, string>;
}

/** The lines of an allowed signers file that hold a key; what is no such line is left out, as OpenSSH does. */
export function principalsOf(text: string): AllowedSigner[] {
  return text.split('\n').flatMap((line) => {
    const parts = split(line);
    return parts ? [parts] : [];
  });
}

/** The same file without limits in time, to tell an expired key from an unknown one. */
export function withoutValidity(text: string): string {
  return principalsOf(text)
    .map(({ principals, key, options }) => {
      const kept = Object.entries(options).filter(([name]) => !/^valid-(after|before)$/.test(name));
      const written = kept.map(([name, value]) => (value === '' ? name : `${name}="${value}"`)).join(',');
      return `"${principals.join(',')}" ${written === '' ? '' : `${written} `}${key}\n`;
    })
    .join('');
}

const KEY = /^(?:ssh-|ecdsa-|sk-|rsa-|webauthn-)\S+$/;

function split(line: string): AllowedSigner | undefined {
  const words = line.trim().match(/(?:"(?:[^"\\]|\\.)*"|[^\s"])+/g);
  if (!words || words[0]?.startsWith('#')) return undefined;
  const at = KEY.test(words[1] ?? '') ? 1 : 2;
  const [names, type, base64] = [words[0], words[at], words[at + 1]];
  if (!names || !type || !base64 || !KEY.test(type)) return undefined;
  const options: Record<string, string> = {};
  for (const option of at === 2 ? ((words[1] ?? '').match(/(?:"[^"]*"|[^,"])+/g) ?? []) : []) {
    const [name = '', value = ''] = option.split(/=(.*)/s);
    options[name.toLowerCase()] = value.replace(/^"(.*)"$/s, '$1');
  }
  const principals = names
    .replace(/^"(.*)"$/s, '$1')
    .split(',')
    .filter((name) => name !== '');
  return { principals, key: `${type} ${base64}`, options };
}
