import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArtifact } from '../../artifact/index.ts';
import build from './executor.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-build-test-'));
  for (const [project, manifest] of Object.entries({
    units: { name: '@acme/units', version: '1.2.3', dependencies: { semver: '^7.0.0' } },
    money: { name: '@acme/money', version: '2.0.0', main: 'index.js', dependencies: { '@acme/units': '*' } },
  })) {
    await mkdir(join(root, 'libs', project), { recursive: true });
    await writeFile(join(root, 'libs', project, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(root, 'libs', project, 'index.js'), 'export {};\n');
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function run(options: Parameters<typeof build>[0]) {
  const projects = { units: { root: 'libs/units' }, money: { root: 'libs/money' }, e2e: { root: 'e2e' } };
  const said = { stdout: '', stderr: '' };
  const { success } = await build(
    options,
    {
      root,
      projectName: 'money',
      projectsConfigurations: { version: 2, projects },
      projectGraph: {
        nodes: {},
        externalNodes: {
          'npm:semver': {
            type: 'npm',
            name: 'npm:semver',
            data: { packageName: 'semver', version: '7.8.0' },
          },
          'npm:vitest': {
            type: 'npm',
            name: 'npm:vitest',
            data: { packageName: 'vitest', version: '5.1.0' },
          },
        },
        dependencies: { money: [{ source: 'money', target: 'npm:vitest', type: 'static' }] },
      },
    },
    {
      stdout: { write: (text) => ((said.stdout += String(text)), true) },
      stderr: { write: (text) => ((said.stderr += String(text)), true) },
    },
  );
  return { success, ...said };
}

describe('the build executor', () => {
  it('writes the artifact to dist/artifacts/<project>, and prints its identity in one line', async () => {
    const { success, stdout } = await run({ outputFile: 'result.json' });
    expect(success).toBe(true);
    const { manifest } = await readArtifact(join(root, 'dist/artifacts/money'));
    expect(manifest.workspaceDependencies).toEqual({ '@acme/units': { version: '1.2.3', range: '^1.2.3' } });
    expect(stdout.trimEnd()).toBe(`@acme/money@2.0.0  2 files  ${manifest.size} B  ${manifest.integrity}`);
    expect(JSON.parse(await readFile(join(root, 'result.json'), 'utf8'))).toEqual(manifest);
  });

  it('puts into the SBOM what users install, through siblings, and not what tests use', async () => {
    await run({});
    const sbom = await readFile(join(root, 'dist/artifacts/money/sbom.cdx.json'), 'utf8');
    const { components } = JSON.parse(sbom) as { components: { purl: string }[] };
    expect(components.map(({ purl }) => purl)).toEqual([
      'pkg:npm/%40acme/units@1.2.3',
      'pkg:npm/semver@7.8.0',
    ]);
  });

  it('takes another folder', async () => {
    await run({ outputPath: 'out/{projectName}' });
    expect((await readArtifact(join(root, 'out/money'))).manifest.name).toBe('@acme/money');
  });

  it('--dry-run shows files and rewritten ranges, and writes nothing', async () => {
    const before = await readdir(root);
    const { success, stdout } = await run({ dryRun: true });
    expect(success).toBe(true);
    expect(stdout).toContain('would be packed as acme-money-2.0.0.tgz: 2 files');
    expect(stdout).toMatch(/11 B {2}index\.js\n/);
    expect(stdout).toContain('dependencies: @acme/units "*" -> "^1.2.3"');
    expect(await readdir(root)).toEqual(before);

    await run({ dryRun: true, outputFile: 'plan.json' });
    expect(JSON.parse(await readFile(join(root, 'plan.json'), 'utf8'))).toMatchObject({
      tarball: 'acme-money-2.0.0.tgz',
      rewritten: [{ field: 'dependencies', name: '@acme/units', from: '*', to: '^1.2.3' }],
      files: [{ path: 'index.js', size: 11, mode: 0o644 }, { path: 'package.json' }],
    });
  });

  it('fails with the code, the state and the next command', async () => {
    await rm(join(root, 'libs/money/index.js'));
    const { success, stdout, stderr } = await run({});
    expect(success).toBe(false);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^EXPORTS_MISSING_FILE: .*@acme\/money.*\n.*main -> index\.js\n\s+now: .*\n\s+next: .*compile/,
    );
  });
});
