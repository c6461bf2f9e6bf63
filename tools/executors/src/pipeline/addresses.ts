/** Whether a text can be the address of a registry: a user, query or fragment in it would be lost or leak. */
export function isRegistryUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    !!url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash
  );
}

/** Whether a text is `host[:port]/path`; without a dot, a port or `localhost` its first part would be no host. */
export function isImageRepository(text: string): boolean {
  const [host = '', ...path] = text.split('/');
  return (
    /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?$/.test(host) &&
    /[.:]|^localhost$/.test(host) &&
    path.length > 0 &&
    path.every((part) => /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/.test(part))
  );
}
