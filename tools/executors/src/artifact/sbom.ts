import { Enums, Models, Serialize, Spec, SPDX } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import type { PackageManifest } from './types.ts';

/** A production dependency as resolved here, direct or not. */
export interface SbomComponent {
  name: string;
  version: string;
  /** Subresource integrity from the lock file, where it has one. */
  integrity?: string;
  /** Its own dependencies, as `name@version` of other components. */
  dependencies: string[];
  /** The package itself asks for it. */
  direct: boolean;
}

const ALGORITHMS: Record<string, Enums.HashAlgorithm> = {
  sha1: Enums.HashAlgorithm['SHA-1'],
  sha256: Enums.HashAlgorithm['SHA-256'],
  sha384: Enums.HashAlgorithm['SHA-384'],
  sha512: Enums.HashAlgorithm['SHA-512'],
};

/**
 * A CycloneDX 1.6 bill of materials as JSON. The same for the same input: without time, serial number and tools, which
 * would make two builds of one commit differ.
 */
export function renderSbom(
  manifest: PackageManifest,
  integrity: string,
  components: readonly SbomComponent[],
): string {
  const { name, version } = manifest;
  const root = component(Enums.ComponentType.Library, { name, version, integrity });
  if (typeof manifest['description'] === 'string') root.description = manifest['description'];
  const license = manifest['license'];
  if (typeof license === 'string') root.licenses.add(licenseOf(license));

  const made = new Map(
    components.map((item) => [`${item.name}@${item.version}`, component(Enums.ComponentType.Library, item)]),
  );
  for (const item of components) {
    const from = made.get(`${item.name}@${item.version}`);
    if (!from) continue;
    if (item.direct) root.dependencies.add(from.bomRef);
    for (const key of item.dependencies) {
      const to = made.get(key);
      if (to) from.dependencies.add(to.bomRef);
    }
  }
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: root }),
    components: new Models.ComponentRepository(made.values()),
  });
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** `pkg:npm/%40acme/money@1.2.0` */
function purlOf(name: string, version: string): string {
  const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return new PackageURL('npm', scope, bare ?? name, version, undefined, undefined).toString();
}

function component(
  type: Enums.ComponentType,
  { name, version, integrity }: Pick<SbomComponent, 'name' | 'version' | 'integrity'>,
): Models.Component {
  const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = purlOf(name, version);
  const made = new Models.Component(type, bare ?? name, { version, purl, bomRef: purl });
  if (scope !== undefined) made.group = scope;
  for (const hash of integrity?.split(/\s+/) ?? []) {
    const [algorithm = '', value = ''] = hash.split(/-(.*)/s);
    const known = ALGORITHMS[algorithm];
    if (known !== undefined) made.hashes.set(known, Buffer.from(value, 'base64').toString('hex'));
  }
  return made;
}

export function licenseOf(license: string): Models.License {
  if (SPDX.isSupportedSpdxId(license)) return new Models.SpdxLicense(license);
  return / (AND|OR|WITH) /.test(license)
    ? new Models.LicenseExpression(license)
    : new Models.NamedLicense(license);
}
