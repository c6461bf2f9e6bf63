import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../../testing/lab/index.ts';
import { examine } from '../testing/examine.ts';

describeWithHosts('the doctor on real hosts', () => {
  let lab: Lab;
  let host: LabHost;
  let flow: Flow;
  beforeAll(async () => {
    lab = await openLab();
    host = await lab.host();
    flow = await Flow.start({
      live: true,
      packages: { solo: [] },
      options: {
        services: {
          images: '127.0.0.1:1/acme',
          stages: [
            {
              name: 'staging',
              hosts: [host.target],
              sshConfig: lab.sshConfig,
              ports: { http: 8080, https: 8443 },
            },
          ],
        },
      },
    });
    await flow.write({
      'libs/api/package.json': JSON.stringify({ name: '@acme/api', private: true, version: '0.0.0' }),
      'libs/api/sluice.json': '{}',
    });
  });
  afterAll(async () => {
    await flow?.close();
    await lab?.close();
  });
  const look = async () => (await examine(flow, { stage: 'staging' })).of(host.target, 'staging');
  /** Files of the user and of /tmp, and containers: what a deployment would leave. */
  const traces = () =>
    host.exec('find /home /root /tmp /srv /opt -xdev -printf "%p %s %T@\\n" | sort; docker ps -aq');

  it('names engine, compose and room of one that is well, and leaves no trace on it', async () => {
    const before = await traces();
    expect(await look()).toMatch(/^ok: docker \d+\S*, compose \d+\S*, \d\S* [GM]B free$/);
    expect(await traces()).toBe(before);
  });

  it('says that another program has a port of the proxy', async () => {
    const file = join(flow.root, 'nx.json');
    const options = await readFile(file, 'utf8');
    // Its sshd has that one.
    await writeFile(file, options.replace('8080', '22'));
    const { check } = await examine(flow, { stage: 'staging' });
    await writeFile(file, options);
    expect(check(host.target)).toMatchObject({
      verdict: 'problem',
      code: 'PORT_TAKEN',
      said: expect.stringContaining('22'),
    });
  });

  it('says that the engine is down, and that its disk is nearly full', async () => {
    await host.stopEngine();
    expect(await look()).toMatch(/^problem: .*(engine|docker|Docker)/);
    await host.startEngine();
    await host.fillDisk({ leave: 300_000_000 });
    expect(await look()).toMatch(/^warning: docker .*\d+ MB free: the next image may not fit/);
    await host.freeDisk();
  });

  it('says that its key is not known', async () => {
    const known = await readFile(lab.knownHosts, 'utf8');
    await writeFile(lab.knownHosts, '');
    const unknown = await examine(flow, { stage: 'staging' });
    await writeFile(lab.knownHosts, known);
    expect(unknown.check(host.target)).toMatchObject({ verdict: 'problem', code: 'HOST_KEY_UNKNOWN' });
  });
});
