/** The port that the last stage of a Dockerfile exposes. */
export function dockerfilePort(text: string | undefined): number | undefined {
  const last = (text ?? '').split(/^\s*FROM\s/im).at(-1) ?? '';
  const port = /^\s*EXPOSE\s+(\d+)/im.exec(last)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The path that a health check asks for: of a Dockerfile's HEALTHCHECK, or of the `test` in a compose file. */
export function healthPath(text: string): string | undefined {
  const [, path] = /https?:\/\/[^/\s"'|]+(\/[^\s"'|;)\]]*)?/.exec(text) ?? [];
  return path;
}

/** What stands behind HEALTHCHECK, with its continued lines. */
export const healthCheck = (text: string | undefined): string =>
  /^\s*HEALTHCHECK\s((?:[^\n]*\\\n)*[^\n]*)/im.exec(text ?? '')?.[1] ?? '';
