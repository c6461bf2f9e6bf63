import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { extract, list } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildArtifact, planPack, writeArtifact } from './build.ts';
import { readArtifact } from './read.ts';
import type { Sibling } from './ranges.ts';

const run = promisify(execFile);
const siblings = new Map<string, Sibling>([
  ['@acme/units', { version: '1.2.3', root: 'libs/units' }],
  ['@acme/money', { version: '2.0.0', root: 'libs/money' }],
]);
const MANIFEST = {
  name: '@acme/money',
  version: '2.0.0',
  license: 'MIT',
  type: 'module',
  bin: { money: './bin/money.js' },
  exports: {
    '.': { development: './src/index.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist', 'bin'],
  nx: { name: 'money' },
};
const SOURCES: Record<string, string> = {
  'package.json': JSON.stringify(MANIFEST),
  'README.md': '# money\n',
  'bin/money.js': '#!/usr/bin/env node\n',
  'dist/index.js': 'export const cents = 100;\n',
  'dist/größe.js': 'export {};\n',
  [`dist/${'long/'.repeat(30)}name.js`]: 'export {};\n',
  'src/index.ts': 'export const cents: number = 100;\n',
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-artifact-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes a workspace with one package, libs/money, and returns what `buildArtifact` wants. */
async function workspace(name = 'here', sources = SOURCES, order = Object.keys(sources)) {
  const workspaceRoot = join(folder, name);
  for (const file of order) {
    const path = join(workspaceRoot, 'libs/money', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, sources[file] ?? '');
  }
  return {
    workspaceRoot,
    projectRoot: 'libs/money',
    project: 'money',
    outputFolder: join(workspaceRoot, 'dist/artifacts/money'),
    siblings,
    components: [],
  };
}
const withManifest = (changes: object, sources = SOURCES) => ({
  ...sources,
  'package.json': JSON.stringify({ ...MANIFEST, ...changes }),
});

describe('buildArtifact', () => {
  it('writes tarball, SBOM and manifest that readArtifact accepts', async () => {
    const input = await workspace();
    const manifest = await buildArtifact(input);
    expect(await readArtifact(input.outputFolder)).toEqual({
      manifest,
      tarball: join(input.outputFolder, 'acme-money-2.0.0.tgz'),
    });
    expect((await readdir(input.outputFolder)).sort()).toEqual([
      'acme-money-2.0.0.tgz',
      'artifact.json',
      'sbom.cdx.json',
    ]);
    expect(manifest).toMatchObject({
      project: 'money',
      name: '@acme/money',
      version: '2.0.0',
      workspaceDependencies: {},
    });
    expect(manifest.files.map(({ path, mode }) => [path, mode.toString(8)])).toEqual(
      [
        ['README.md', '644'],
        ['bin/money.js', '755'],
        ['dist/größe.js', '644'],
        ['dist/index.js', '644'],
        [`dist/${'long/'.repeat(30)}name.js`, '644'],
        ['package.json', '644'],
      ].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    );
    expect(manifest.unpackedSize).toBe(manifest.files.reduce((sum, file) => sum + file.size, 0));
    expect((await stat(join(input.outputFolder, manifest.tarball))).size).toBe(manifest.size);
  });

  it('packs the contents as they are, and the package.json as it is published', async () => {
    const input = await workspace('here', withManifest({ dependencies: { '@acme/units': 'workspace:^' } }));
    const manifest = await buildArtifact(input);
    await extract({ file: join(input.outputFolder, manifest.tarball), cwd: folder });
    for (const { path, size, mode } of manifest.files) {
      const found = await stat(join(folder, 'package', path));
      expect([found.size, found.mode & 0o777]).toEqual([size, mode & ~process.umask()]);
      const content = await readFile(join(folder, 'package', path), 'utf8');
      expect(path === 'package.json' || content === SOURCES[path]).toBe(true);
    }
    const { nx: _nx, ...rest } = MANIFEST;
    expect(JSON.parse(await readFile(join(folder, 'package/package.json'), 'utf8'))).toEqual({
      ...rest,
      exports: { '.': { default: './dist/index.js' }, './package.json': './package.json' },
      dependencies: { '@acme/units': '^1.2.3' },
    });
    expect(manifest.workspaceDependencies).toEqual({ '@acme/units': { version: '1.2.3', range: '^1.2.3' } });
    // Nothing was staged in the sources.
    expect(await readFile(join(input.workspaceRoot, 'libs/money/package.json'), 'utf8')).toContain(
      'workspace:^',
    );
  });

  it('gives the same bytes for other folders, times, modes, creation orders and umasks, and in another process', async () => {
    const first = await buildArtifact(await workspace('one'));
    const umask = process.umask(0o077);
    const other = await workspace('two', SOURCES, Object.keys(SOURCES).toReversed()).finally(() =>
      process.umask(umask),
    );
    for (const [index, file] of Object.keys(SOURCES).entries()) {
      const path = join(other.workspaceRoot, 'libs/money', file);
      await utimes(path, index * 1000, index * 1000);
      await chmod(path, index % 2 === 0 ? 0o700 : 0o604);
    }
    const hard = join(other.workspaceRoot, 'libs/money/dist/index.js');
    await link(hard, join(folder, 'second-name'));
    expect(await buildArtifact(other)).toEqual(first);

    const script = `import { buildArtifact } from ${JSON.stringify(join(import.meta.dirname, 'build.ts'))};
      const input = JSON.parse(process.argv[1]);
      const made = await buildArtifact({ ...input, siblings: new Map(input.siblings) });
      console.log(made.integrity, made.sbom.sha256);`;
    const input = JSON.stringify({
      ...other,
      siblings: [...siblings],
      outputFolder: join(folder, 'elsewhere'),
    });
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, input], {
      env: { ...process.env, TZ: 'Asia/Tokyo', LC_ALL: 'sv_SE.UTF-8', USER: 'somebody' },
    });
    expect(stdout.trim()).toBe(`${first.integrity} ${first.sbom.sha256}`);
    expect(await readFile(join(folder, 'elsewhere/artifact.json'))).toEqual(
      await readFile(join(other.outputFolder, 'artifact.json')),
    );
  });

  it('holds nothing of the machine: gzip without time and system, one owner, one time, package.json first', async () => {
    const input = await workspace();
    const { tarball } = await buildArtifact(input);
    const bytes = await readFile(join(input.outputFolder, tarball));
    expect([...bytes.subarray(4, 8), bytes[9]]).toEqual([0, 0, 0, 0, 255]);
    expect(gunzipSync(bytes).length % 512).toBe(0);
    const entries: string[] = [];
    const kinds = new Set<string>();
    await list({
      file: join(input.outputFolder, tarball),
      onReadEntry: ({ path, type, uid, gid, uname, mtime }) => {
        entries.push(path);
        kinds.add(JSON.stringify([type, uid ?? 0, gid ?? 0, uname ?? '', mtime]));
      },
    });
    expect(entries[0]).toBe('package/package.json');
    expect(entries.slice(1)).toEqual(entries.slice(1).toSorted());
    expect([...kinds]).toEqual(['["File",0,0,"","1985-10-26T08:15:00.000Z"]']);
  });

  it('packs what npm packs', async () => {
    const input = await workspace('here', {
      ...withManifest({ files: undefined, main: './dist/index.js' }),
      '.npmignore': 'src\n*.map\n',
      'dist/index.js.map': '{}',
      '.npmrc': 'secret=1\n',
      'node_modules/x/index.js': '',
      'package-lock.json': '{}',
      'CHANGELOG.md': '# 2.0.0\n',
      LICENCE: 'MIT',
    });
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
      cwd: join(input.workspaceRoot, input.projectRoot),
    });
    const answer = JSON.parse(stdout) as Record<string, { files: { path: string }[] }>;
    const [packed] = Object.values(answer);
    const { files } = await planPack(input);
    expect(files.map(({ path }) => path)).toEqual(packed?.files.map(({ path }) => path).sort());
    expect(files.map(({ path }) => path)).not.toContain('.npmrc');
  });

  it('leaves symbolic links out, and says so', async () => {
    const input = await workspace();
    const root = join(input.workspaceRoot, 'libs/money');
    await symlink('index.js', join(root, 'dist/alias.js'));
    await symlink('/', join(root, 'dist/everything'));
    await symlink('index.ts', join(root, 'src/not-packed.ts'));
    const { files, symlinks } = await planPack(input);
    expect(symlinks).toEqual(['dist/alias.js', 'dist/everything']);
    expect(files).toHaveLength(6);
  });

  it('can be installed and run by npm', async () => {
    const input = await workspace('here', {
      ...SOURCES,
      'bin/money.js': '#!/usr/bin/env node\nimport { cents } from "@acme/money";\nconsole.log(cents);\n',
    });
    const { tarball } = await buildArtifact(input);
    const user = join(folder, 'user');
    await mkdir(user);
    await writeFile(join(user, 'package.json'), '{"private":true,"type":"module"}');
    const flags = [
      '--offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `--cache=${join(folder, 'cache')}`,
    ];
    await run('npm', ['install', ...flags, join(input.outputFolder, tarball)], { cwd: user });
    expect((await run(join(user, 'node_modules/.bin/money'), [], { cwd: user })).stdout).toBe('100\n');
  });

  it('removes tarballs of its other versions, and nothing else', async () => {
    const input = await workspace();
    await mkdir(input.outputFolder, { recursive: true });
    for (const file of [
      'acme-money-1.9.9.tgz',
      'acme-money-box-1.0.0.tgz',
      'notes.txt',
      '.partial-of-a-killed-build',
    ]) {
      await writeFile(join(input.outputFolder, file), 'x');
    }
    await buildArtifact(input);
    expect((await readdir(input.outputFolder)).sort()).toEqual([
      'acme-money-2.0.0.tgz',
      'acme-money-box-1.0.0.tgz',
      'artifact.json',
      'notes.txt',
      'sbom.cdx.json',
    ]);
  });

  it('killed half-way, leaves the artifact that was there', async () => {
    const input = await workspace();
    const before = await buildArtifact(input);
    const big = join(input.workspaceRoot, 'libs/money/dist/big.bin');
    await writeFile(big, '');
    await truncate(big, 512 * 1024 * 1024);
    const script = `import { buildArtifact } from ${JSON.stringify(join(import.meta.dirname, 'build.ts'))};
      const input = JSON.parse(process.argv[1]);
      await buildArtifact({ ...input, siblings: new Map(input.siblings) });`;
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      script,
      JSON.stringify({ ...input, siblings: [...siblings] }),
    ]);
    const hasPartial = async () =>
      (await readdir(input.outputFolder)).some((file) => file.startsWith('.partial-'));
    while (child.exitCode === null && !(await hasPartial())) await new Promise((next) => setTimeout(next, 5));
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(child.signalCode).toBe('SIGKILL');
    expect(await hasPartial()).toBe(true);
    expect((await readArtifact(input.outputFolder)).manifest).toEqual(before);

    await rm(big);
    expect(await buildArtifact(input)).toEqual(before);
    expect(await hasPartial()).toBe(false);
  });

  it('streams: memory does not grow with the files', async () => {
    const input = await workspace();
    const big = join(input.workspaceRoot, 'libs/money/dist/big.bin');
    await writeFile(big, '');
    await truncate(big, 64 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
    const { unpackedSize } = await buildArtifact(input).finally(() => clearInterval(watch));
    expect(unpackedSize).toBeGreaterThan(64 * 1024 * 1024);
    expect(peak - before).toBeLessThan(100 * 1024 * 1024);
    await readArtifact(input.outputFolder);
  });

  it('EXPORTS_MISSING_FILE: what cannot be imported is no artifact', async () => {
    const { 'dist/index.js': _gone, ...sources } = SOURCES;
    const input = await workspace('here', sources as Record<string, string>);
    await expect(buildArtifact(input)).rejects.toMatchObject({
      code: 'EXPORTS_MISSING_FILE',
      message: expect.stringContaining('exports["."]["default"] -> ./dist/index.js'),
    });
    await expect(readdir(input.outputFolder)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['PACKAGE_PRIVATE', { private: true }],
    ['PACKAGE_NAME_INVALID', { name: 'Money' }],
    ['VERSION_INVALID', { version: '2' }],
    ['BUNDLED_DEPENDENCIES', { bundleDependencies: ['semver'] }],
    ['SIBLING_RANGE_UNSATISFIED', { dependencies: { '@acme/units': '^3.0.0' } }],
    ['DEPENDENCY_LOCAL', { dependencies: { left: 'file:../left' } }],
  ])('%s keeps the artifact of the build before', async (code, changes) => {
    const input = await workspace();
    const before = await buildArtifact(input);
    await writeFile(
      join(input.workspaceRoot, 'libs/money/package.json'),
      JSON.stringify({ ...MANIFEST, ...changes }),
    );
    await expect(buildArtifact(input)).rejects.toMatchObject({ code });
    expect((await readArtifact(input.outputFolder)).manifest).toEqual(before);
  });

  it.skipIf(!existsSync('/dev/full'))('DISK_FULL keeps the artifact of the build before', async () => {
    const input = await workspace();
    const before = await buildArtifact(input);
    const full = () => createWriteStream('/dev/full');
    await expect(writeArtifact(input, await planPack(input), full)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(input.outputFolder),
    });
    expect(await readdir(input.outputFolder)).toHaveLength(3);
    expect((await readArtifact(input.outputFolder)).manifest).toEqual(before);
  });
});

describe('the SBOM', () => {
  it('is valid CycloneDX 1.6, names the tarball by its hash, and its dependency graph is whole', async () => {
    const input = await workspace();
    const components = [
      { name: '@acme/units', version: '1.2.3', dependencies: ['semver@7.8.0'], direct: true },
      {
        name: 'semver',
        version: '7.8.0',
        integrity: `sha512-${Buffer.alloc(64, 'A').toString('base64')}`,
        dependencies: [],
        direct: false,
      },
    ];
    const manifest = await buildArtifact({ ...input, components });
    const sbom = JSON.parse(await readFile(join(input.outputFolder, 'sbom.cdx.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(await schemaErrors(sbom)).toEqual([]);
    expect(sbom).not.toHaveProperty('serialNumber');
    expect(sbom).not.toHaveProperty('metadata.timestamp');
    expect(sbom).toMatchObject({
      specVersion: '1.6',
      metadata: {
        component: {
          purl: 'pkg:npm/%40acme/money@2.0.0',
          hashes: [
            { alg: 'SHA-512', content: Buffer.from(manifest.integrity.slice(7), 'base64').toString('hex') },
          ],
          licenses: [{ license: { id: 'MIT' } }],
        },
      },
      components: [
        { group: '@acme', name: 'units', purl: 'pkg:npm/%40acme/units@1.2.3' },
        { name: 'semver', hashes: [{ alg: 'SHA-512', content: '41'.repeat(64) }] },
      ],
      dependencies: [
        { ref: 'pkg:npm/%40acme/money@2.0.0', dependsOn: ['pkg:npm/%40acme/units@1.2.3'] },
        { ref: 'pkg:npm/%40acme/units@1.2.3', dependsOn: ['pkg:npm/semver@7.8.0'] },
        { ref: 'pkg:npm/semver@7.8.0' },
      ],
    });
    const again = await buildArtifact({ ...input, components: components.toReversed() });
    expect(again.sbom).toEqual(manifest.sbom);
  });
});

/** What the schemas that CycloneDX publishes find wrong. */
async function schemaErrors(document: unknown): Promise<unknown[]> {
  const require = createRequire(import.meta.url);
  const schemas = join(dirname(require.resolve('@cyclonedx/cyclonedx-library/package.json')), 'res/schema');
  const read = async (file: string) => JSON.parse(await readFile(join(schemas, file), 'utf8')) as object;
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const names = ['spdx', 'jsf-0.82', 'cryptography-defs'].map((name) => `${name}.SNAPSHOT.schema.json`);
  for (const name of names) ajv.addSchema(await read(name), `http://cyclonedx.org/schema/${name}`);
  const validate = ajv.compile(await read('bom-1.6.SNAPSHOT.schema.json'));
  validate(document);
  return validate.errors ?? [];
}
