import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LayerTar } from '../layer-tar.ts';
import { tarOf, type TarEntry } from '../testing/archives.ts';
import { componentsOf } from './components.ts';
import { ImageContents, LayerInventory } from './inventory.ts';

/** Package URLs of what lies in an image of these layers. */
async function purls(...layers: TarEntry[][]): Promise<string[]> {
  const contents = new ImageContents();
  for (const entries of layers) {
    const inventory = new LayerInventory();
    await Readable.from([tarOf(entries)])
      .pipe(new LayerTar(inventory))
      .resume()
      .toArray();
    contents.add(inventory);
  }
  return componentsOf(contents).map(({ purl }) => purl);
}
const npm = (folder: string, name: string, version = '1.0.0'): TarEntry => ({
  path: `${folder}/node_modules/${name}/package.json`,
  content: JSON.stringify({ name, version, license: 'MIT' }),
});
const OS: TarEntry = {
  path: 'usr/lib/os-release',
  content: 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
};

describe('what lies in an image', () => {
  it('packages of Debian, those that are installed', async () => {
    const status = [
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u4\nDescription: C\n more',
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1',
      'Package: adduser\nStatus: hold ok installed\nArchitecture: all\nVersion: 1:3.134',
    ].join('\n\n');
    expect(await purls([OS, { path: 'var/lib/dpkg/status', content: status }])).toEqual([
      'pkg:deb/debian/adduser@1:3.134?arch=all&distro=debian-bookworm',
      'pkg:deb/debian/libc6@2.36-9+deb12u4?arch=amd64&distro=debian-bookworm',
    ]);
  });

  it('packages of a distroless image, a file for each', async () => {
    const files = ['base', 'tzdata'].map((name) => ({
      path: `var/lib/dpkg/status.d/${name}`,
      content: `Package: ${name}\nVersion: 1\nArchitecture: all\n`,
    }));
    expect(await purls(files)).toEqual([
      'pkg:deb/debian/base@1?arch=all',
      'pkg:deb/debian/tzdata@1?arch=all',
    ]);
  });

  it('packages of Alpine', async () => {
    const installed = 'C:Q1x=\nP:musl\nV:1.2.5-r1\nA:x86_64\nL:MIT\n\nP:busybox\nV:1.37.0-r12\nA:x86_64\n';
    const os = { path: 'etc/os-release', content: 'ID=alpine\nVERSION_ID=3.22.1\n' };
    expect(await purls([os, { path: 'lib/apk/db/installed', content: installed }])).toEqual([
      'pkg:apk/alpine/busybox@1.37.0-r12?arch=x86_64&distro=alpine-3.22.1',
      'pkg:apk/alpine/musl@1.2.5-r1?arch=x86_64&distro=alpine-3.22.1',
    ]);
  });

  it('packages of npm, below every node_modules, each once', async () => {
    expect(
      await purls([
        npm('app', 'a'),
        npm('app', '@s/b', '2.0.0'),
        npm('app/node_modules/a', 'c'),
        npm('other', 'a'),
        { path: 'app/package.json', content: '{"name":"app","version":"1.0.0"}' },
        { path: 'app/node_modules/a/dist/package.json', content: '{"name":"x","version":"1.0.0"}' },
        { path: 'app/node_modules/d/package.json', content: '{"type":"module"}' },
        { path: 'app/node_modules/e/package.json', content: 'not json' },
      ]),
    ).toEqual(['pkg:npm/%40s/b@2.0.0', 'pkg:npm/a@1.0.0', 'pkg:npm/c@1.0.0']);
  });

  it('a later layer takes away, replaces and clears what is below it, and only that', async () => {
    const below = [npm('app', 'a'), npm('app', 'b'), npm('app', 'c'), npm('old', 'd'), npm('kept', 'e')];
    expect(
      await purls(below, [
        { path: 'app/node_modules/.wh.a', content: '' },
        npm('app', 'b', '2.0.0'),
        npm('old', 'f'),
        { path: 'old/.wh..wh..opq', content: '' },
        { path: 'app/node_modules/c', type: 'SymbolicLink', linkpath: '../../kept' },
      ]),
    ).toEqual(['pkg:npm/b@2.0.0', 'pkg:npm/e@1.0.0', 'pkg:npm/f@1.0.0']);
    expect(await purls(below, [{ path: '.wh.app', content: '' }], [npm('app', 'g')])).toEqual([
      'pkg:npm/d@1.0.0',
      'pkg:npm/e@1.0.0',
      'pkg:npm/g@1.0.0',
    ]);
  });

  it('hard links are the file that they name', async () => {
    expect(
      await purls(
        [
          npm('store', 'a'),
          {
            path: 'app/node_modules/a/package.json',
            type: 'Link',
            linkpath: 'store/node_modules/a/package.json',
          },
        ],
        [{ path: '.wh.store', content: '' }],
      ),
    ).toEqual(['pkg:npm/a@1.0.0']);
  });

  it('remembers nothing of other files', async () => {
    const inventory = new LayerInventory();
    const entries = Array.from({ length: 50 }, (_, i) => ({
      path: `app/node_modules/a/lib/${i}.js`,
      content: 'x',
    }));
    await Readable.from([tarOf([...entries, npm('app', 'a')])])
      .pipe(new LayerTar(inventory))
      .resume()
      .toArray();
    expect(inventory.changes).toHaveLength(1);
  });
});
