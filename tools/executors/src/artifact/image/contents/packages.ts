/** A package that lies in an image. */
export interface FoundPackage {
  /** As package URLs name it. */
  type: 'npm' | 'deb' | 'apk';
  name: string;
  version: string;
  architecture?: string;
  license?: string;
}

/** Blocks of `Field: value` with empty lines between them, as dpkg writes them; what is not fully installed is left out. */
export function readDpkg(text: string): FoundPackage[] {
  return blocks(text).flatMap((block): FoundPackage[] => {
    const fields = new Map(
      block.split('\n').flatMap((line) => {
        const [, name, value] = /^([A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
        return name ? [[name, value ?? ''] as const] : [];
      }),
    );
    const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((field) =>
      fields.get(field),
    );
    const status = fields.get('Status');
    // Distroless images have no status: what is listed is there.
    if (!name || !version || (status !== undefined && !status.endsWith(' installed'))) return [];
    return [{ type: 'deb', name, version, ...(architecture ? { architecture } : {}) }];
  });
}

/** Blocks of `X:value` with empty lines between them, as apk writes them. */
export function readApk(text: string): FoundPackage[] {
  return blocks(text).flatMap((block): FoundPackage[] => {
    const field = (letter: string): string | undefined =>
      new RegExp(`^${letter}:(.+)$`, 'm').exec(block)?.[1];
    const [name, version, architecture, license] = [field('P'), field('V'), field('A'), field('L')];
    if (!name || !version) return [];
    return [
      {
        type: 'apk',
        name,
        version,
        ...(architecture ? { architecture } : {}),
        ...(license ? { license } : {}),
      },
    ];
  });
}

/** undefined for a package.json that names no package: a marker in some folder of a package. */
export function readPackageJson(text: string): FoundPackage | undefined {
  try {
    const { name, version, license } = JSON.parse(text) as Record<string, unknown>;
    if (typeof name !== 'string' || typeof version !== 'string' || !name || !version) return undefined;
    return { type: 'npm', name, version, ...(typeof license === 'string' && license ? { license } : {}) };
  } catch {
    return undefined;
  }
}

/** `ID=debian`, `VERSION_CODENAME=bookworm` of an os-release: what package URLs call the distribution. */
export function readOsRelease(text: string | undefined): { id?: string; distro?: string } {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}=["']?([^"'\\n]*)["']?$`, 'm').exec(text ?? '')?.[1] || undefined;
  const id = field('ID')?.toLowerCase();
  const version = field('VERSION_CODENAME') ?? field('VERSION_ID');
  return { ...(id ? { id } : {}), ...(id && version ? { distro: `${id}-${version}` } : {}) };
}

const blocks = (text: string): string[] => text.replaceAll('\r', '').split(/\n{2,}/);
