import type { Tree } from '@nx/devkit';
import { readJson, readNxJson, updateNxJson, writeJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseService } from '../../service/index.ts';
import { PLUGIN, registeredOptions } from '../nx-json.ts';
import { withEnvironments } from './environments.ts';
import service from './generator.ts';
import type { ServiceSchema } from './types.ts';

const OPTIONS = { packages: { stages: [{ name: 'public' }] } };
let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  writeJson(tree, 'package.json', { name: 'acme', license: 'MIT', workspaces: ['libs/*'] });
  updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options: OPTIONS }] });
});

const make = (schema: ServiceSchema, remote?: string) =>
  service(tree, schema, { remote: async () => remote });
const text = (file: string) => tree.read(file, 'utf8') ?? '';
const config = (folder: string) =>
  parseService(text(`${folder}/sluice.json`), (path) => tree.read(`${folder}/${path}`, 'utf8') ?? undefined);
const changes = () => tree.listChanges().map(({ path, content }) => [path, content?.toString()]);

describe('a new service', () => {
  it.each(['none', 'mariadb', 'mysql', 'postgres'] as const)(
    'with database %s is whole',
    async (database) => {
      await make({ name: 'order-desk', database });
      const { http, databases, migrations, secrets } = config('apps/order-desk');
      expect(http['order-desk']).toMatchObject({
        port: 3000,
        path: '/order-desk',
        health: { path: '/readyz' },
      });
      expect(databases.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
        database === 'none' ? [] : [`${database === 'postgres' ? 'postgres' : 'mysql'} order_desk`],
      );
      expect(migrations?.command).toEqual(database === 'none' ? undefined : ['node', 'dist/migrate.js']);
      expect(secrets.includes('DATABASE_PASSWORD')).toBe(database !== 'none');
      expect(readJson(tree, 'apps/order-desk/package.json')).toMatchObject({
        name: 'order-desk',
        private: true,
        license: 'MIT',
        nx: { name: 'order-desk', targets: { compile: {}, test: {} } },
      });
      const written = tree.children('apps/order-desk');
      expect(written).toEqual(expect.arrayContaining(['.dockerignore', 'Dockerfile', 'compose.yaml']));
      expect(written.includes('migrations')).toBe(database !== 'none');
      expect(readJson(tree, 'package.json').workspaces).toEqual(['libs/*', 'apps/order-desk']);
      for (const { path } of tree.listChanges()) expect(text(path), path).not.toMatch(/<%|%>/);
    },
  );

  it('begins the pipeline of services, with a gate before the last environment', async () => {
    await make({ name: 'orders' }, 'github.com/Acme/store');
    expect(registeredOptions(readNxJson(tree) ?? {})).toEqual({
      ...OPTIONS,
      services: {
        images: 'ghcr.io/acme',
        stages: [{ name: 'staging' }, { name: 'production', gate: { approvals: 1 } }],
      },
    });
    expect(config('apps/orders').stages).toEqual({
      staging: { environment: { LOG_LEVEL: 'debug' } },
      production: { environment: { LOG_LEVEL: 'info' } },
    });
  });

  it('keeps the environments that are there, and adds those that are named', async () => {
    const stages = [{ name: 'qa', hosts: ['deploy@qa.example.com'] }];
    const options = { ...OPTIONS, services: { images: 'registry.example.com/mine', stages } };
    updateNxJson(tree, { plugins: [{ plugin: PLUGIN, options }] });
    await make({ name: 'orders' }, 'github.com/acme/store');
    expect(registeredOptions(readNxJson(tree) ?? {})).toEqual(options);
    await make({
      name: 'stock',
      environments: ['qa=ignored', 'live=deploy@a.example.com, deploy@b.example.com'],
    });
    expect(registeredOptions(readNxJson(tree) ?? {})?.['services']).toEqual({
      ...options.services,
      stages: [...stages, { name: 'live', hosts: ['deploy@a.example.com', 'deploy@b.example.com'] }],
    });
    expect(Object.keys(config('apps/stock').stages)).toEqual(['qa', 'live']);
  });

  it('says where hosts were asked for that a stage of that name does not have', () => {
    const before = {
      services: { stages: [{ name: 'qa', hosts: ['deploy@qa.example.com'] }, { name: 'live' }] },
    };
    const asked = (...environments: string[]) =>
      withEnvironments(before, { name: 'orders', environments }).notes;
    expect(asked('qa', 'qa=deploy@qa.example.com', 'new=deploy@new.example.com')).toEqual([]);
    expect(asked('qa=a,b', 'live=c')).toEqual([
      expect.stringMatching(/"qa" .* npx nx g @sluice\/nx:stage qa --hosts=a --hosts=b$/),
      expect.stringMatching(/"live" .* npx nx g @sluice\/nx:stage live --hosts=c$/),
    ]);
  });

  it('goes beside the others, and takes over their scope', async () => {
    await make({ name: '@acme/orders', directory: 'services/orders', path: '/' });
    await make({ name: 'stock' });
    expect(readJson(tree, 'services/stock/package.json').name).toBe('@acme/stock');
    expect(config('services/orders').http['orders']?.path).toBe('/');
    expect(text('services/orders/src/app.ts')).toContain("app.get('/', ");
  });

  it('changes nothing when it runs again', async () => {
    await make({ name: 'orders', database: 'postgres' });
    tree.write('apps/orders/src/app.ts', 'mine');
    const before = changes();
    await make({ name: 'orders', database: 'mariadb' });
    expect(changes()).toEqual(before);
  });

  it('gets a place in the list of pnpm', async () => {
    tree.write('pnpm-workspace.yaml', '# ours\npackages:\n  - libs/*\n');
    await make({ name: 'orders' });
    expect(text('pnpm-workspace.yaml')).toBe('# ours\npackages:\n  - libs/*\n  - apps/orders\n');
  });
});

describe('bad input', () => {
  it.each([
    [{ name: 'Orders' }, 'SERVICE_SPELLING'],
    [{ name: '../orders' }, 'SERVICE_SPELLING'],
    [{ name: 'o'.repeat(41) }, 'SERVICE_SPELLING'],
    [{ name: 'orders', scope: '@A b' }, 'SERVICE_SPELLING'],
    [{ name: 'db' }, 'NAME_RESERVED'],
    [{ name: 'acme' }, 'PROJECT_TAKEN'],
    [{ name: 'money' }, 'PROJECT_TAKEN'],
    [{ name: 'orders', path: '/a b' }, 'SERVICE_PATH_INVALID'],
    [{ name: 'orders', environments: ['Staging'] }, 'ENVIRONMENT_SPELLING'],
    [{ name: 'orders', environments: ['staging='] }, 'ENVIRONMENT_SPELLING'],
    [{ name: 'orders', environments: ['public'] }, 'OPTIONS_REFUSED'],
    [{ name: 'old', directory: 'apps/old' }, 'SERVICE_NOT_ADOPTABLE'],
  ])('%j is refused with %s, and nothing is written', async (schema, code) => {
    writeJson(tree, 'libs/money/package.json', {
      name: '@acme/money',
      version: '1.0.0',
      nx: { name: 'money' },
    });
    tree.write('apps/old/index.php', '<?php');
    const before = changes();
    await expect(make(schema as ServiceSchema)).rejects.toMatchObject({
      code,
    });
    expect(changes()).toEqual(before);
  });

  it('says what to do where the plugin is not registered', async () => {
    updateNxJson(tree, {});
    await expect(make({ name: 'orders' })).rejects.toMatchObject({ code: 'PLUGIN_NOT_REGISTERED' });
  });
});

describe('adopting', () => {
  it('keeps a Dockerfile, and writes a compose file beside it', async () => {
    const dockerfile =
      'FROM node AS a\nEXPOSE 1\nFROM node\nEXPOSE 4000/tcp\nHEALTHCHECK --interval=5s \\\n  CMD curl -f http://localhost:4000/up || exit 1\n';
    tree.write('apps/shop/Dockerfile', dockerfile);
    await make({ name: 'shop' });
    expect(text('apps/shop/Dockerfile')).toBe(dockerfile);
    expect(config('apps/shop').http['shop']).toMatchObject({
      port: 4000,
      path: '/',
      health: { path: '/up' },
    });
    expect(config('apps/shop').smoke?.checks).toEqual([{ service: 'shop', path: '/up', status: 200 }]);
    expect(readJson(tree, 'apps/shop/package.json')).toMatchObject({ name: 'shop', private: true });
    expect(readNxJson(tree)?.plugins).toHaveLength(1);
  });

  it('leaves compose file and package.json as they are', async () => {
    const compose = "services: { web: { build: ., ports: ['80:8080'] } }\n";
    tree.write('apps/shop/docker-compose.yml', compose);
    tree.write('apps/shop/package.json', '{"name":"shop"}');
    await make({ name: 'shop', health: '/up', migrate: 'bin/migrate --all' });
    expect(text('apps/shop/docker-compose.yml')).toBe(compose);
    expect(readJson(tree, 'apps/shop/package.json')).toEqual({ name: 'shop' });
    expect(config('apps/shop')).toMatchObject({
      compose: 'docker-compose.yml',
      migrations: { service: 'web', command: ['bin/migrate', '--all'] },
    });
  });
});
