/** What a registry asks for with a 401. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service?: string };

/**
 * The challenge of a `WWW-Authenticate` header (RFC 9110, several in one header are allowed): Bearer before Basic.
 * Undefined where it names neither.
 */
export function parseChallenge(header: string | string[] | undefined): Challenge | undefined {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  const bearer = parametersOf(text, 'bearer');
  const { realm, service } = bearer ?? {};
  if (realm) return { scheme: 'bearer', realm, ...(service ? { service } : {}) };
  return parametersOf(text, 'basic') ? { scheme: 'basic' } : undefined;
}

/** The parameters behind one scheme's name, up to the next scheme; undefined where the scheme is not named. */
function parametersOf(text: string, scheme: string): Record<string, string> | undefined {
  const start = new RegExp(`(?:^|,)\\s*${scheme}(?=\\s|,|$)`, 'i').exec(text);
  if (start === null) return undefined;
  const parameters: Record<string, string> = {};
  const next = /\s*,?\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
  next.lastIndex = start.index + start[0].length;
  for (let match = next.exec(text); match !== null; match = next.exec(text)) {
    const [, name = '', quoted, plain] = match;
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  }
  return parameters;
}
