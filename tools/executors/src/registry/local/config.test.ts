import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfigFile } from 'verdaccio';
import { preferredPort, runConfig, templateConfig, type VerdaccioConfig } from './config.ts';
import { localPaths, stagePaths } from './paths.ts';

const repository = join(import.meta.dirname, '../../../../..');

test.each([
  ['github', 0],
  ['test', 1],
  ['public', 2],
])('verdaccio/%s.yaml says what a stage at its place gets without a file', (stage, index) => {
  const file = parseConfigFile(join(repository, 'verdaccio', `${stage}.yaml`)) as unknown as VerdaccioConfig;
  const { listen, uplinks, packages, max_body_size, web, server, auth, storage } = file;
  const { auth: users, ...template } = templateConfig(index, 3);
  expect({ listen, uplinks, packages, max_body_size, web, server }).toEqual(template);
  expect(auth?.['htpasswd']).toEqual({ ...users?.['htpasswd'], file: `../.sluice/local/${stage}/htpasswd` });
  expect(storage).toBe(`../.sluice/local/${stage}/storage`);
});

test('the only stage asks for a login like any first one', () => {
  expect(templateConfig(0, 1).packages?.['**']?.access).toBe('$authenticated');
});

test('a file keeps its rights and limits; places on the machine are ours', () => {
  const local = localPaths('/w');
  const paths = stagePaths(local, 'test');
  const file = {
    ...templateConfig(1, 3),
    max_body_size: '1mb',
    storage: '/elsewhere',
    log: { type: 'file', path: '/elsewhere/log' },
  };
  expect(runConfig(file, paths, local)).toMatchObject({
    max_body_size: '1mb',
    packages: file.packages,
    storage: paths.storage,
    auth: { htpasswd: { max_users: -1, file: paths.htpasswd } },
    log: { type: 'stdout', level: 'error' },
  });
});

test.each([
  ['127.0.0.1:4873', 4873],
  ['http://localhost:4874/', 4874],
  [4875, 4875],
  [['[::1]:4876', '127.0.0.1:1'], 4876],
  [undefined, 0],
  ['unix:/tmp/x.sock', 0],
])('listen: %o prefers port %i', (listen, port) => {
  expect(preferredPort({ listen })).toBe(port);
});
