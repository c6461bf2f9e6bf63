import { isBuiltin } from 'node:module';
import semver from 'semver';
import { errors } from '../foundation/index.ts';
import type { PackageManifest } from './types.ts';

const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * Throws unless this package.json may become an artifact: a name that every registry takes, an exact version, not
 * private, nothing bundled. A bundled dependency would make the bytes depend on what is installed here.
 */
export function checkIdentity(
  manifest: Record<string, unknown>,
  file: string,
): asserts manifest is PackageManifest {
  const { name, version } = manifest;
  if (typeof name !== 'string' || name.length > 214 || !NAME.test(name) || isBuiltin(name)) {
    throw errors.PACKAGE_NAME_INVALID({ file, name: said(name) });
  }
  if (manifest['private'] === true) throw errors.PACKAGE_PRIVATE({ name });
  if (typeof version !== 'string' || semver.valid(version) !== version) {
    throw errors.VERSION_INVALID({ file, name, version: said(version) });
  }
  const bundled = manifest['bundleDependencies'] ?? manifest['bundledDependencies'];
  if (bundled === true || (Array.isArray(bundled) && bundled.length > 0)) {
    throw errors.BUNDLED_DEPENDENCIES({ file, names: bundled === true ? ['all'] : bundled.map(String) });
  }
}

/** The file name npm gives a tarball: `@acme/money` 1.2.0 is `acme-money-1.2.0.tgz`. */
export function tarballName(name: string, version: string): string {
  return `${stem(name)}-${version}.tgz`;
}

/** Whether a file is a tarball of this package, in any version. */
export function isTarballOf(name: string, file: string): boolean {
  const start = `${stem(name)}-`;
  return (
    file.startsWith(start) && file.endsWith('.tgz') && semver.valid(file.slice(start.length, -4)) !== null
  );
}

const stem = (name: string): string => name.replace('@', '').replace('/', '-');
const said = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));
