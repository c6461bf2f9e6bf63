import { posix } from 'node:path';

/** Whether a path stays below the folder it is relative to: no absolute path, no `..` that leads out, no backslash, no control character. */
export function isPathBelow(path: string): boolean {
  return isRelativePath(path) && !/^\.\.(\/|$)/.test(posix.normalize(path));
}

/** Whether a path is relative, with forward slashes. */
export function isRelativePath(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return path !== '' && !posix.isAbsolute(path) && !/[\\\u0000-\u001f\u007f]|^[A-Za-z]:/.test(path);
}
