import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../src/testing/lab/index.ts';
import { FreshWorkspace } from './fresh-workspace.ts';

/** A service that somebody has already: what the generator finds stays as it is. */
const OLD = {
  'apps/site/Dockerfile':
    'FROM caddy:2.10\nCOPY index.html /site/index.html\nEXPOSE 8080\nCMD ["caddy", "file-server", "--root", "/site", "--listen", ":8080"]\n',
  'apps/site/docker-compose.yml':
    "services:\n  page:\n    build: .\n    ports: ['8080:8080']\n    environment: { API_TOKEN: '${API_TOKEN:-none}' }\n",
  'apps/site/index.html': 'the old page\n',
};
const SERVICES = 'orders,stock,site';

describeWithHosts('services from the generator, in a workspace of somebody else', () => {
  let lab: Lab;
  let host: LabHost;
  let workspace: FreshWorkspace | undefined;
  const made = () => workspace as FreshWorkspace;

  beforeAll(async () => {
    const offline = await FreshWorkspace.offline();
    if (offline) throw new Error(offline);
    [lab, workspace] = await Promise.all([openLab(), FreshWorkspace.withPlugin()]);
    host = await lab.host();
    Object.assign(made().env, {
      DATABASE_PASSWORD: 'password-of-the-lab',
      DATABASE_ROOT_PASSWORD: 'password-of-root',
      API_TOKEN: 'token-of-the-lab',
    });
  });
  afterAll(async () => {
    await lab?.close();
    await workspace?.close();
  });

  it('scaffolds two, each with a database, and adopts a third', async () => {
    for (const [file, text] of Object.entries(OLD)) await made().write(file, text);
    const environments = `--environments=staging=${host.target}`;
    await made().nx('g', '@sluice/nx:service', 'orders', '--database=mariadb', environments);
    await made().nx('g', '@sluice/nx:service', 'stock', '--database=postgres');
    await made().nx('g', '@sluice/nx:service', 'site', '--health=/');
    for (const [file, text] of Object.entries(OLD)) expect(await made().text(file)).toBe(text);

    const nxJson = await made().json('nx.json');
    const { options } = nxJson.plugins.find((one: { plugin?: string }) => one.plugin === '@sluice/nx/plugin');
    expect(options.services).toEqual({
      images: 'ghcr.io/acme',
      stages: [{ name: 'staging', hosts: [host.target] }],
    });
    Object.assign(options.services.stages[0], { sshConfig: lab.sshConfig, bake: '1s' });
    await made().write('nx.json', JSON.stringify(nxJson, null, 2));
    await made().nx('sync');
    await made().commit('feat: services');
  });

  it('leaves them alone when it runs again', async () => {
    await made().nx('g', '@sluice/nx:service', 'orders', '--database=mariadb');
    expect(await made().must('git', 'status', '--porcelain')).toBe('');
  });

  it('made what compiles, and what passes its tests', async () => {
    await made().nx('run-many', '-t', 'typecheck', 'compile', 'test', `--projects=${SERVICES}`);
  });

  it('made what is built, promoted, tried out and deployed', async () => {
    await made().nx('run-many', '-t', 'publish-registry', `--projects=${SERVICES}`);
    await made().nx('run-many', '-t', 'promote', '-c', 'staging', `--projects=${SERVICES}`);
    await made().nx('run', 'stock:smoke:staging');
    await made().nx(
      'run-many',
      '-t',
      'deploy-vps',
      '-c',
      'staging',
      `--projects=${SERVICES}`,
      '--parallel=1',
    );

    for (const name of ['orders', 'stock']) {
      const notes = host.url(80) + `/${name}/notes`;
      const sent = await fetch(notes, { method: 'POST', body: JSON.stringify({ text: `from ${name}` }) });
      expect(sent.status).toBe(201);
      expect(await (await fetch(notes)).json()).toMatchObject([{ id: 1, text: `from ${name}` }]);
    }
    expect(await (await fetch(host.url(80))).text()).toBe('the old page\n');
  });
});
