import { PackageURL } from 'packageurl-js';
import type { ImageContents } from './inventory.ts';
import { readApk, readDpkg, readOsRelease, type FoundPackage } from './packages.ts';

/** A package in an image, as a bill of materials names it. */
export interface ImageComponent {
  purl: string;
  name: string;
  group?: string;
  version: string;
  license?: string;
}

/** Everything that is installed in an image, each once, sorted by its package URL. */
export function componentsOf(contents: ImageContents): ImageComponent[] {
  const { id, distro } = readOsRelease(contents.text('etc/os-release', 'usr/lib/os-release'));
  const apk = contents.text('lib/apk/db/installed', 'usr/lib/apk/db/installed');
  const all = [
    ...contents.dpkg().flatMap(readDpkg),
    ...(apk === undefined ? [] : readApk(apk)),
    ...contents.modules(),
  ];
  const made = all.map((found) => component(found, id, distro));
  return [...new Map(made.map((one) => [one.purl, one])).values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
}

function component(found: FoundPackage, id: string | undefined, distro: string | undefined): ImageComponent {
  const { type, version, license } = found;
  const scope = type === 'npm' && found.name.startsWith('@') ? found.name.split('/')[0] : undefined;
  const name = scope === undefined ? found.name : found.name.slice(scope.length + 1);
  const namespace = type === 'npm' ? scope : (id ?? (type === 'deb' ? 'debian' : 'alpine'));
  const qualifiers = {
    ...(found.architecture ? { arch: found.architecture } : {}),
    ...(type !== 'npm' && distro ? { distro } : {}),
  };
  const purl = new PackageURL(
    type,
    namespace,
    name,
    version,
    Object.keys(qualifiers).length > 0 ? qualifiers : undefined,
    undefined,
  );
  return {
    purl: purl.toString(),
    name,
    ...(scope === undefined ? {} : { group: scope }),
    version,
    ...(license ? { license } : {}),
  };
}
