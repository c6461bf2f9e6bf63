import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TargetConfiguration } from '@nx/devkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodes } from '../plugin.ts';
import { contextsOf } from './service-targets.ts';

const options = {
  packages: { stages: [{ name: 'test' }, { name: 'public' }] },
  services: { images: 'registry.example.com/acme', stages: [{ name: 'staging' }, { name: 'production' }] },
  targets: { smoke: 'smoke-test' },
};
const files: Record<string, string> = {
  'package.json': '{"name":"ws","workspaces":["apps/*","libs/*"]}',
  'libs/money/package.json': '{"name":"@acme/money","version":"1.0.0"}',
  'apps/api/package.json': '{"name":"@acme/api","version":"1.0.0","private":true}',
  'apps/api/sluice.json':
    '{\n  // a comment\n  "images": { "api": { "context": "../.." }, "job": {} }, "smoke": {} }',
  'apps/open/package.json': '{"name":"@acme/open","version":"1.0.0"}',
  'apps/open/sluice.json': '{ not JSON',
  'apps/secret/package.json': '{"name":"@acme/secret","private":true}',
  'templates/x/package.json': '{"name":"x"}',
  'templates/x/sluice.json': '{}',
};
let root: string;
let projects: Record<string, Record<string, TargetConfiguration>>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-plugin-'));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const [, infer] = createNodes;
  const nodes = await infer(Object.keys(files), options, { workspaceRoot: root, nxJsonConfiguration: {} });
  projects = Object.fromEntries(
    nodes.flatMap(([, result]) =>
      Object.entries(result.projects ?? {}).map(([folder, { targets = {} }]) => [folder, targets]),
    ),
  );
});
afterAll(() => rm(root, { recursive: true }));

describe('an artifact in the cache', () => {
  it('is that of this commit, and not of another one with the same files', () => {
    expect(projects['apps/api']?.['build']?.inputs).toContainEqual({
      runtime: 'git rev-parse HEAD && git status --porcelain',
    });
  });
});

describe('the projects of a workspace', () => {
  it('are packages or services, and a folder that is none of Nx’s stays alone', () => {
    expect(Object.keys(projects).sort()).toEqual(['.', 'apps/api', 'apps/open', 'libs/money']);
    expect(Object.keys(projects['libs/money'] ?? {})).not.toContain('deploy-vps');
    const all = ['build', 'publish-registry', 'promote', 'smoke-test', 'deploy-vps', 'rollback', 'releases'];
    expect(Object.keys(projects['apps/api'] ?? {})).toEqual(all);
    // It says nothing that could be tried, or nobody can read it.
    expect(Object.keys(projects['apps/open'] ?? {})).toEqual(all.filter((name) => name !== 'smoke-test'));
  });
});

describe('the targets of a service', () => {
  const target = (name: string): TargetConfiguration => projects['apps/api']?.[name] ?? {};
  it('have a configuration for every stage, and no default', () => {
    for (const name of ['publish-registry', 'promote', 'smoke-test', 'deploy-vps', 'rollback', 'releases']) {
      expect(target(name).configurations).toEqual({
        test: { stage: 'test' },
        public: { stage: 'public' },
        staging: { stage: 'staging' },
        production: { stage: 'production' },
      });
      expect(target(name)).not.toHaveProperty('defaultConfiguration');
      expect(target(name).cache).toBe(false);
    }
  });
  it('follow the graph where the order matters', () => {
    expect(target('build').dependsOn).toEqual(['compile']);
    expect(target('publish-registry').dependsOn).toEqual(['build']);
    expect(target('promote').dependsOn).toEqual(['^promote']);
    expect(target('deploy-vps').dependsOn).toEqual(['^deploy-vps']);
    expect(target('rollback').dependsOn).toBeUndefined();
  });
  it('build is cached by all that its Dockerfiles see', () => {
    expect(target('build')).toMatchObject({
      cache: true,
      outputs: ['{workspaceRoot}/dist/artifacts/{projectName}'],
      inputs: expect.arrayContaining(['{projectRoot}/**/*', '{workspaceRoot}/**/*']),
    });
  });
});

describe('contextsOf', () => {
  it.each<[unknown, string[]]>([
    [{ images: { a: {} } }, []],
    [{ images: { a: { context: '.' }, b: { context: 'docker' } } }, []],
    [{ images: { a: { context: '../..' } } }, ['.']],
    [{ images: { a: { context: '../../libs/ui/' }, b: { context: '../../libs/ui' } } }, ['libs/ui']],
    [{ images: { a: { context: '../api-common' } } }, ['apps/api-common']],
    [{ images: { a: { context: '../../..' } } }, []],
    [{ images: { a: { context: 1 }, b: null } }, []],
    [{ images: [] }, []],
    [undefined, []],
  ])('%j: %j', (config, folders) => {
    expect(contextsOf('apps/api', config)).toEqual(folders);
  });
});
