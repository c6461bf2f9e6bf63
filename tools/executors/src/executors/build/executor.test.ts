import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { ProjectGraph, TaskGraph } from '@nx/devkit';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArtifact } from '../../artifact/index.ts';
import batch from './batch.ts';
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

const graph = {
  nodes: {},
  externalNodes: {
    'npm:semver': { type: 'npm', name: 'npm:semver', data: { packageName: 'semver', version: '7.8.0' } },
    'npm:vitest': { type: 'npm', name: 'npm:vitest', data: { packageName: 'vitest', version: '5.1.0' } },
  },
  dependencies: { money: [{ source: 'money', target: 'npm:vitest', type: 'static' }] },
} as const;
const projects = { units: { root: 'libs/units' }, money: { root: 'libs/money' }, e2e: { root: 'e2e' } };
const context = (projectName: string) => ({
  root,
  projectName,
  projectsConfigurations: { version: 2, projects },
  projectGraph: structuredClone(graph) as unknown as ProjectGraph,
});

async function run(options: Parameters<typeof build>[0]) {
  const said = { stdout: '', stderr: '' };
  const { success } = await build(options, context('money'), {
    stdout: { write: (text) => ((said.stdout += String(text)), true) },
    stderr: { write: (text) => ((said.stderr += String(text)), true) },
  });
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

describe('the batch of builds', () => {
  const tasks = ['units', 'money'].map((project) => ({
    id: `${project}:build`,
    target: { project, target: 'build' },
  }));
  const taskGraph = {
    tasks: Object.fromEntries(tasks.map((task) => [task.id, task])),
  } as unknown as TaskGraph;
  const collect = async (inputs: Parameters<typeof batch>[1]) => {
    const results = new Map<string, { success: boolean; terminalOutput: string }>();
    // What Nx hands over as overrides are those of the last task: they are in its inputs already, and no other task's.
    for await (const { task, result } of batch(taskGraph, inputs, { dryRun: true }, context('')))
      results.set(task, result);
    return results;
  };

  it('comes to the same artifacts as one executor each', async () => {
    await run({ outputPath: 'single/{projectName}' });
    const results = await collect({});
    expect([...results.values()].map(({ success }) => success)).toEqual([true, true]);
    for (const file of await readdir(join(root, 'single/money'))) {
      const batched = await readFile(join(root, 'dist/artifacts/money', file));
      expect(batched.equals(await readFile(join(root, 'single/money', file)))).toBe(true);
    }
    expect((await readArtifact(join(root, 'dist/artifacts/units'))).manifest.name).toBe('@acme/units');
  });

  it('a failure stops no other package, and every task is answered for', async () => {
    await writeFile(join(root, 'libs/units/package.json'), '{"name":"@acme/units","version":"one"}');
    await writeFile(join(root, 'libs/money/package.json'), '{"name":"@acme/money","version":"2.0.0"}');
    const results = await collect({});
    expect([...results.keys()]).toEqual(['units:build', 'money:build']);
    expect(results.get('units:build')).toMatchObject({
      success: false,
      terminalOutput: expect.stringMatching(/^VERSION_INVALID/),
    });
    expect(results.get('money:build')).toMatchObject({ success: true });
  });

  it('gives each task its own options', async () => {
    await collect({ 'money:build': { dryRun: true }, 'units:build': {} });
    expect(await readdir(join(root, 'dist/artifacts'))).toEqual(['units']);
  });
});
