import { expect, it } from 'vitest';
import { Secret } from '../foundation/index.ts';
import type { ServiceBundle } from '../service/types.ts';
import { releaseFiles } from './release-files.ts';

const http = (port: number) => ({
  port,
  path: '/',
  health: { path: '/readyz', status: 200 },
  healthWithin: '2m',
  drain: '30s',
});
const bundle = (proxied: string[]): ServiceBundle => ({
  schemaVersion: 1,
  project: 'shop',
  compose: `services:
  web: { build: ., ports: ['8080:80'], environment: ['KEY=\${KEY}'], volumes: ['data:/data'] }
  worker: { build: . }
  db: { image: 'mariadb:11' }
volumes: { data: { driver_opts: { type: tmpfs } } }`,
  images: { web: 'sha256:a', worker: 'sha256:b' },
  migrations: [],
  config: {
    compose: 'compose.yaml',
    http: Object.fromEntries(proxied.map((name) => [name, http(80)])),
    databases: [],
    volumes: [],
    environment: {},
    secrets: ['KEY'],
    stages: { staging: { hostnames: ['shop.example.com'] } },
  },
});
const digest = `sha256:${'0'.repeat(64)}`;
const made = (proxy: 'caddy' | 'none', proxied = ['web']) =>
  releaseFiles({
    bundle: bundle(proxied),
    stage: { name: 'staging', proxy, ports: { http: 80, https: 443 } },
    release: '20260102T030405-0123456789ab',
    run: 'run-1',
    images: { web: `ghcr.io/acme/shop@${digest}`, worker: `ghcr.io/acme/shop@${digest}` },
    variables: { KEY: new Secret('s3cret') },
  });

it('are all that the phases read of a release', () => {
  const { files, upstreams, accessories } = made('caddy');
  expect(Object.keys(files).sort()).toEqual([
    'accessories.yaml',
    'addresses',
    'compose.yaml',
    'environment.json',
    'network',
    'proxy.json',
    'routes',
    'services',
    'volumes',
  ]);
  expect(files).toMatchObject({
    'environment.json': '{\n  "KEY": "s3cret"\n}\n',
    network: 'shop-staging\n',
    services: 'web 20260102t030405-0123456789ab-web\nworker 20260102t030405-0123456789ab-worker\n',
    volumes: 'shop-staging_data\tlocal\ttype=tmpfs\n',
  });
  expect(accessories).toBe(true);
  expect(upstreams).toEqual([
    {
      service: 'web',
      route: 'shop-staging-web',
      addresses: ['20260102t030405-0123456789ab-web:80'],
      health: { path: '/readyz', status: 200 },
      within: 120,
      drain: 30,
    },
  ]);
});

it('have nothing for a proxy where there is none, or nothing that it serves', () => {
  expect(made('none').files).not.toHaveProperty('routes');
  expect(made('none').upstreams[0]?.addresses).toEqual(['127.0.0.1:8080']);
});
