/**
 * One name for a remote, however it is spelled: `host/owner/name`, without scheme, credentials, port of the scheme,
 * or `.git`. A path on this machine gives `file:<last part>`, which every clone of it shares.
 */
export function normaliseRemote(url: string): string {
  const text = url.trim();
  const local = /^file:\/\/[^/]*(\/.*)$/.exec(text)?.[1] ?? (isPath(text) ? text : undefined);
  if (local !== undefined) return `file:${withoutSuffix(lastPart(local))}`;
  const scheme = /^(?:[a-z][a-z0-9+.-]*:)\/\/(?:[^@/]*@)?([^/]+)\/+(.*)$/i.exec(text);
  const scp = /^(?:[^@/]+@)?(\[[^\]]+\]|[^:/]+):(?!\/\/)\/?(.*)$/.exec(text);
  const [host, path] = scheme ? [scheme[1], scheme[2]] : [scp?.[1], scp?.[2]];
  if (!host || path === undefined) return `file:${withoutSuffix(lastPart(text))}`;
  return `${host.toLowerCase().replace(/:(22|80|443|9418)$/, '')}/${withoutSuffix(path.replace(/\/+$/, ''))}`;
}

function isPath(text: string): boolean {
  if (/^[a-z]:[/\\]/i.test(text)) return true;
  const colon = text.indexOf(':');
  const slash = text.search(/[/\\]/);
  // As git does it: a colon before the first slash makes it an address.
  return !text.includes('://') && (colon === -1 || (slash !== -1 && slash < colon));
}

function lastPart(path: string): string {
  return path.split(/[/\\]+/).findLast((part) => part !== '') ?? '';
}

function withoutSuffix(path: string): string {
  return path.replace(/\.git$/, '');
}

/** A text of git's without the credentials that a remote's URL may carry. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^@/\s'"]+@/gi, '$1');
}
