import type { LayerEntry, LayerReader } from '../layer-tar.ts';
import { readPackageJson, type FoundPackage } from './packages.ts';

/** Files that say what is installed; a larger one is no such file. */
const LARGEST = 32 * 1024 * 1024;
const STATUS = /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/;
const APK = /^(usr\/)?lib\/apk\/db\/installed$/;
const RELEASE = /^(etc|usr\/lib)\/os-release$/;
const MODULE = /(^|\/)node_modules\/(@[^/]+\/)?[^/@.][^/]*\/package\.json$/;

const isWanted = (path: string): boolean =>
  STATUS.test(path) || APK.test(path) || RELEASE.test(path) || MODULE.test(path);

/** What one layer does to the files that we look at, in its order. */
type Change =
  | { does: 'file'; path: string; text: string }
  | { does: 'package'; path: string; found: FoundPackage }
  | { does: 'link'; path: string; to: string }
  /** The path and all below it are gone. */
  | { does: 'remove'; path: string }
  /** All below the path that came from layers underneath is gone. */
  | { does: 'clear'; path: string };

/**
 * Reads one layer: keeps the lists of installed packages, and of each `package.json` below node_modules three words, so that
 * memory grows with the number of packages and not with the image.
 */
export class LayerInventory implements LayerReader {
  readonly changes: Change[] = [];

  wants({ path, size, type }: LayerEntry): boolean {
    return type.endsWith('File') && size <= LARGEST && isWanted(path);
  }

  entry({ path, type, linkpath }: LayerEntry, content: Buffer | undefined): void {
    const slash = path.lastIndexOf('/');
    const [folder, base] = [slash === -1 ? '' : path.slice(0, slash), path.slice(slash + 1)];
    if (base === '.wh..wh..opq') this.changes.push({ does: 'clear', path: folder });
    else if (base.startsWith('.wh.')) {
      this.changes.push({
        does: 'remove',
        path: folder === '' ? base.slice(4) : `${folder}/${base.slice(4)}`,
      });
    } else if (content) {
      const text = content.toString('utf8');
      if (!MODULE.test(path)) this.changes.push({ does: 'file', path, text });
      else {
        const found = readPackageJson(text);
        this.changes.push(found ? { does: 'package', path, found } : { does: 'remove', path });
      }
    } else if (type === 'Link' && isWanted(path)) {
      this.changes.push({ does: 'link', path, to: linkpath.replace(/^(\.?\/)+/, '') });
    } else if (type !== 'Directory' && couldHold(path)) {
      this.changes.push({ does: 'remove', path });
    }
  }
}

/** Whether something that is no folder may take the place of a file that we look at, or of a folder with such files. */
const couldHold = (path: string): boolean =>
  isWanted(path) ||
  /(^|\/)node_modules(\/(@[^/]+(\/[^/]+)?|[^/]+))?$/.test(path) ||
  /^(var|usr|lib|etc)(\/(lib|local|dpkg|apk|db|status\.d))*$/.test(path);

/** What lies in an image: its layers one upon another. */
export class ImageContents {
  readonly #files = new Map<string, { text: string } | { found: FoundPackage }>();

  /** Lays the next layer on top. What a layer takes away is what was below it, wherever in the layer that stands. */
  add({ changes }: LayerInventory): void {
    const below = new Set(this.#files.keys());
    for (const change of changes) {
      if (change.does === 'clear' || change.does === 'remove')
        this.#drop(change.path, change.does === 'clear', below);
    }
    for (const change of changes) {
      if (change.does === 'file') this.#files.set(change.path, { text: change.text });
      else if (change.does === 'package') this.#files.set(change.path, { found: change.found });
      else if (change.does === 'link') {
        const target = this.#files.get(change.to);
        if (target) this.#files.set(change.path, target);
        else this.#files.delete(change.path);
      }
    }
  }

  #drop(path: string, keepItself: boolean, below: ReadonlySet<string>): void {
    for (const file of below) {
      const inside = path === '' || file.startsWith(`${path}/`);
      if (inside || (!keepItself && file === path)) this.#files.delete(file);
    }
  }

  /** Text of the first of these files that the image has. */
  text(...paths: string[]): string | undefined {
    for (const path of paths) {
      const file = this.#files.get(path);
      if (file && 'text' in file) return file.text;
    }
    return undefined;
  }

  /** Texts of the files that dpkg's list is made of: distroless images have one for each package. */
  dpkg(): string[] {
    return [...this.#files].flatMap(([path, file]) =>
      STATUS.test(path) && 'text' in file ? [file.text] : [],
    );
  }

  modules(): FoundPackage[] {
    return [...this.#files.values()].flatMap((file) => ('found' in file ? [file.found] : []));
  }
}
