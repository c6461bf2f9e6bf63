import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { readJson, readNxJson, writeJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseOptions } from '../../pipeline/index.ts';
import { parseService } from '../../service/index.ts';
import { registeredOptions } from '../nx-json.ts';
import { collected } from './collect.ts';
import preset, { packaged } from './generator.ts';

const files = collected(join(import.meta.dirname, '../../../../..'));
let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  writeJson(tree, 'package.json', {
    name: '@my-org/source',
    license: 'MIT',
    devDependencies: { nx: '23.2.1', '@sluice/nx': '0.1.0' },
  });
  tree.write('.gitignore', 'node_modules\n.idea\n');
});
const make = (more: object = {}) => preset(tree, { name: 'my-org', skipFormat: true, ...more }, () => files);
const text = (file: string) => tree.read(file, 'utf8') ?? '';

describe('preset', () => {
  it('gives the whole template, without the plugin, under the scope of the workspace', async () => {
    await make();
    expect(readJson(tree, 'libs/money/package.json').name).toBe('@my-org/money');
    const options = parseOptions(registeredOptions(readNxJson(tree) ?? {}));
    expect(options.services?.images).toBe('ghcr.io/my-org');
    const read = (path: string) => tree.read(`apps/api/${path}`, 'utf8') ?? undefined;
    expect(parseService(read('sluice.json') ?? '', read).images).toHaveProperty('api');
    expect(tree.exists('tools')).toBe(false);
    expect(tree.children('.github/workflows')).toContain('release.yml');
    expect(text('.github/workflows/ci.yml')).toMatch(
      /sync:check\n {6}# sluice:yours check\/after\n {6}- name: Tests of the samples.*\n {8}run: npm test\n {6}# sluice:end\n/,
    );
    for (const { path } of tree.listChanges().filter(({ type }) => type !== 'DELETE'))
      expect(text(path), path).not.toMatch(/@acme\/|tools\/(executors|demo|scripts)|<%/);
  });

  it('keeps the name, and what was installed already', async () => {
    await make({ scope: 'other' });
    expect(readJson(tree, 'package.json')).toMatchObject({
      name: '@my-org/source',
      license: 'MIT',
      workspaces: ['libs/*', 'apps/*'],
      devDependencies: { '@sluice/nx': '0.1.0', vitest: expect.any(String) },
    });
    expect(readJson(tree, 'libs/units/package.json').name).toBe('@other/units');
    expect(text('.gitignore')).toMatch(/^\.idea$/m);
    expect(text('.gitignore').match(/^node_modules\/?$/gm)).toEqual(['node_modules/', 'node_modules']);
  });

  it.each([
    [{ scope: 'My Org' }, 'SCOPE_SPELLING'],
    [{ name: '' }, 'SCOPE_SPELLING'],
  ])('refuses %j', async (schema, code) => {
    await expect(make(schema)).rejects.toMatchObject({ code });
    expect(tree.exists('libs')).toBe(false);
  });

  it('fills no workspace that has projects', async () => {
    tree.write('libs/mine/package.json', '{}');
    await expect(make()).rejects.toMatchObject({ code: 'WORKSPACE_NOT_EMPTY' });
  });

  it('says how the template is made where the plugin is source', async () => {
    const none = () => packaged(join(import.meta.dirname, 'nowhere.json'));
    await expect(preset(tree, { name: 'my-org' }, none)).rejects.toMatchObject({ code: 'TEMPLATE_MISSING' });
    expect(tree.exists('libs')).toBe(false);
  });
});
