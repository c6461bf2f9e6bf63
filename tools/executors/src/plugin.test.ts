import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { CreateNodesResult, TargetConfiguration } from '@nx/devkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodes } from './plugin.ts';

const OPTIONS = {
  packages: {
    stages: [
      { name: 'first', registry: 'https://npm.first.example.com' },
      { name: 'second', gate: { approvals: 1 } },
    ],
  },
  services: { stages: [{ name: 'staging' }] },
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-plugin-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function infer(files: Record<string, object>, options: unknown = OPTIONS) {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), JSON.stringify(content));
  }
  const manifests = Object.keys(files).filter((file) => file.endsWith('package.json'));
  const results = await createNodes[1](manifests, options, { workspaceRoot: root, nxJsonConfiguration: {} });
  const projects: NonNullable<CreateNodesResult['projects']> = {};
  for (const [, result] of results) Object.assign(projects, result.projects);
  return projects;
}

const WORKSPACE = { name: 'workspace', private: true, workspaces: ['libs/*'] };
const pkg = (name: string) => ({ name: `@acme/${name}`, version: '1.0.0' });

async function targetsOf(options?: unknown): Promise<Record<string, TargetConfiguration>> {
  const projects = await infer(
    { 'package.json': WORKSPACE, 'libs/money/package.json': pkg('money') },
    options,
  );
  return projects['libs/money']?.targets ?? {};
}

describe('which projects', () => {
  it('infers for packages that can be published, and for the root', async () => {
    const projects = await infer({
      'package.json': WORKSPACE,
      'libs/money/package.json': pkg('money'),
      'libs/hidden/package.json': { ...pkg('hidden'), private: true },
      'libs/unversioned/package.json': { name: '@acme/unversioned' },
    });
    expect(Object.keys(projects)).toEqual(['libs/money', '.']);
    expect(projects['.']?.name).toBe('workspace');
  });

  it('makes no project of a package.json that Nx takes for none: fixtures, templates', async () => {
    const projects = await infer({
      'package.json': WORKSPACE,
      'libs/money/fixtures/broken/package.json': pkg('broken'),
      'tools/x/package.json': pkg('x'),
      'tools/x/project.json': {},
    });
    expect(Object.keys(projects)).toEqual(['tools/x', '.']);
  });

  it("finds the packages of pnpm's list", async () => {
    await writeFile(join(root, 'pnpm-workspace.yaml'), 'packages:\n  - "packages/*"\n');
    const projects = await infer({
      'package.json': { name: 'w' },
      'packages/a/package.json': pkg('a'),
      'b/package.json': pkg('b'),
    });
    expect(Object.keys(projects)).toEqual(['packages/a', '.']);
  });
});

describe('targets of a package', () => {
  it('has every stage of every pipeline as a configuration, and no default', async () => {
    const targets = await targetsOf();
    for (const name of ['publish-registry', 'promote', 'rollback']) {
      expect(targets[name]?.configurations).toEqual({
        first: { stage: 'first' },
        second: { stage: 'second' },
        staging: { stage: 'staging' },
      });
      expect(targets[name]?.defaultConfiguration).toBeUndefined();
    }
  });

  it('caches nothing that changes the world, and orders by the graph', async () => {
    const targets = await targetsOf();
    expect(targets['publish-registry']).toMatchObject({
      cache: false,
      dependsOn: ['build', '^publish-registry'],
    });
    expect(targets['nx-release-publish']).toMatchObject({
      executor: '@sluice/nx:publish-registry',
      cache: false,
      dependsOn: ['^nx-release-publish'],
    });
    expect(targets['promote']).toMatchObject({ cache: false, dependsOn: ['^promote'] });
    expect(targets['rollback']).toMatchObject({ cache: false });
    expect(targets['rollback']?.dependsOn).toBeUndefined();
  });

  it('caches the artifact by all that can be in it: sources, outputs of the tasks before, versions of siblings', async () => {
    const { build } = await targetsOf();
    expect(build).toMatchObject({
      cache: true,
      dependsOn: ['compile', '^build'],
      outputs: ['{workspaceRoot}/dist/artifacts/{projectName}'],
    });
    expect(build?.inputs).toEqual([
      '{projectRoot}/**/*',
      '{workspaceRoot}/**/.{gitignore,npmignore}',
      { fileset: '{projectRoot}/package.json', dependencies: true },
      { dependentTasksOutputFiles: '**/*' },
    ]);
  });

  it("takes the names that the option gives; where build is the workspace's own, the artifact comes after it", async () => {
    const targets = await targetsOf({ ...OPTIONS, targets: { build: 'artifact', promote: 'advance' } });
    expect(Object.keys(targets)).toEqual([
      'artifact',
      'publish-registry',
      'nx-release-publish',
      'advance',
      'rollback',
    ]);
    expect(targets['artifact']?.dependsOn).toEqual(['compile', 'build', '^artifact']);
    expect(targets['publish-registry']?.dependsOn).toEqual(['artifact', '^publish-registry']);
    expect(targets['advance']?.dependsOn).toEqual(['^advance']);
  });
});

describe('targets of the root', () => {
  it('are never cached, and approve knows the stages', async () => {
    const { '.': project } = await infer({ 'package.json': WORKSPACE });
    const targets = project?.targets ?? {};
    expect(Object.keys(targets)).toEqual(['registries', 'status', 'board', 'verify', 'doctor', 'approve']);
    expect(Object.values(targets).every((target) => target.cache === false)).toBe(true);
    expect(Object.keys(targets['approve']?.configurations ?? {})).toEqual(['first', 'second', 'staging']);
  });

  it('needs no name in the root package.json', async () => {
    const { '.': project } = await infer({ 'package.json': {} });
    expect(project?.name).toBe('workspace');
  });
});

describe('wrong options', () => {
  it('are named by their path, without a stack', async () => {
    const wrong = { packages: { stages: [{ name: 'first', registri: 'x' }] } };
    const error = await targetsOf(wrong).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(Error);
    const { message, stack } = error as Error;
    expect(message).toContain('CONFIG_INVALID');
    expect(message).toContain('packages.stages[0].registri');
    expect(stack).toBe(message);
  });
});
