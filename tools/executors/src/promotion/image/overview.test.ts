import { afterEach, describe, expect, it } from 'vitest';
import { formatStatus } from '../../report/status.ts';
import { formatVerify } from '../../report/verify.ts';
import { baseCommit } from '../base.ts';
import { proveAll } from '../prove.ts';
import { statusOf } from '../status.ts';
import { settleImageTags } from './settle.ts';
import { deploymentRecords } from './source.ts';
import { ServiceFlow, type ServiceFlowOptions } from './testing/flow.ts';
import type { HostWitness } from './verify.ts';

let flow: ServiceFlow;
afterEach(() => flow.close());
const start = async (options?: ServiceFlowOptions) => (flow = await ServiceFlow.start(options));
const HOSTS = { stages: { staging: { hosts: ['deploy@a', 'deploy@b'] } } };

describe('status', () => {
  it('shows what is promoted, what runs, what failed and what waits', async () => {
    await start({ ...HOSTS, gates: { production: { approvals: 1 } } });
    await flow.write({
      'apps/web/package.json': '{"name":"@acme/web","nx":{"name":"web"}}',
      'apps/web/sluice.json': '{}',
    });
    const one = await flow.ship('api', 'one', 'staging');
    await flow.deployed('staging', one, { hosts: ['deploy@a', 'deploy@b'] });
    const two = await flow.ship('api', 'two', 'staging');
    await flow.deployed('staging', two, {
      type: 'deploy-failed',
      code: 'NEVER_HEALTHY',
      reason: 'r',
      outcome: 'restored',
    });
    const status = await flow.with(statusOf);
    expect(status.packages).toEqual([]);
    expect(status.services.map(({ project }) => project)).toEqual(['api', 'web']);
    const [images, staging, production] = status.services[0]?.stages ?? [];
    expect(images).toMatchObject({ stage: 'images', version: two.version });
    expect(staging).toMatchObject({
      version: two.version,
      running: { version: one.version, hosts: 2 },
      failed: { version: two.version, code: 'NEVER_HEALTHY', outcome: 'restored' },
    });
    expect(production).toMatchObject({ waiting: two.version, waitsFor: [expect.stringMatching(/^0 of 1/)] });
    const text = formatStatus(status, new Date());
    expect(text).toMatch(/^service +images +staging +production$/m);
    expect(text).toMatch(new RegExp(`^api .*${two.version} \\(.*\\), runs ${one.version} +-$`, 'm'));
    expect(text).toContain(`api in staging: release 20260101T000000-`);
    expect(text).toContain(`on 2 hosts; ${two.version} can be deployed`);
    expect(text).toContain(`${two.version} failed at `);
    expect(text).toMatch(/^web +- +- +-$/m);
  });

  it('does not send anybody to deploy what is held', async () => {
    await start(HOSTS);
    const one = await flow.ship('api', 'one', 'staging');
    await flow.deployed('staging', one);
    const two = await flow.ship('api', 'two', 'staging');
    await flow.deployed('staging', two, { type: 'held', reason: 'it leaks' });
    const text = formatStatus(await flow.with(statusOf), new Date());
    expect(text).toContain(`${two.version} HELD`);
    expect(text).not.toContain('can be deployed');
  });
});

describe('base', () => {
  it('is the oldest commit of a service that is behind', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    await flow.ship('api', 'two');
    const base = await flow.with(async (context) =>
      baseCommit(context.repository, await (await context.ledger()).refresh(), 'staging', 'images'),
    );
    expect(base).toBe(one.commit);
  });
});

describe('verify', () => {
  const kinds = ({ findings }: { findings: { kind: string; stage?: string; what: string }[] }) =>
    findings.map(({ kind, stage }) => `${kind} ${stage ?? ''}`.trim());
  const prove = (options: Parameters<typeof proveAll>[1] = {}) =>
    flow.with((context) => proveAll(context, options));

  it('finds all as it was recorded, and asks only where it was told to', async () => {
    await start();
    await flow.ship('api', 'one', 'staging');
    await flow.ship('api', 'two', 'staging', 'production');
    const report = await prove();
    expect(report).toMatchObject({ ok: true, findings: [], history: { problems: 0 } });
    // Digests: 2 in images, 2 in staging, 1 in production; tags: staging, two with its commit, production, one with its commit.
    expect(report.agreed).toBe(5 + 3 + 2);
    expect(formatVerify(report)).toContain('10 digests, tags and running releases of services');
    expect((await prove({ stages: ['production'] })).agreed).toBe(3);
    await expect(prove({ stages: ['nowhere'] })).rejects.toMatchObject({ code: 'STAGE_UNKNOWN' });
  });

  it('finds a tag that was moved behind its back, and an image that is gone', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    await flow.retag('api', 'staging', one.digest);
    const path = new RegExp(`/manifests/${two.digest}`);
    flow.proxy().rules.push({ path, times: 99, fault: { do: 'answer', status: 404 } });
    const report = await prove({ stages: ['staging'] });
    expect(report.ok).toBe(false);
    expect(kinds(report)).toEqual(['missing staging', 'tag staging']);
    expect(report.findings[1]?.what).toContain(`staging of @acme/api in staging is ${one.digest}`);
  });

  it('finds a host that runs something else, and a deployment that nothing promoted', async () => {
    await start(HOSTS);
    const one = await flow.ship('api', 'one', 'staging');
    await flow.deployed('staging', one);
    let running: Record<string, string | null> = { 'deploy@a': one.digest, 'deploy@b': one.digest };
    const witness: HostWitness = { running: async () => running };
    expect(await prove({ witness })).toMatchObject({ ok: true });
    running = { 'deploy@a': one.digest, 'deploy@b': null };
    const report = await prove({ witness });
    expect(kinds(report)).toEqual(['running staging']);
    expect(report.findings[0]?.what).toContain('deploy@b runs nothing; the ledger says');
    const two = await flow.ship('api', 'two');
    await flow.deployed('staging', two);
    const { findings } = await prove();
    expect(findings.map(({ what }) => what).join()).toContain(
      `@acme/api@${two.version}: deployed to staging without a promotion of ${two.digest}`,
    );
  });

  it('says what it could not ask', async () => {
    await start();
    await flow.ship('api', 'one', 'staging');
    flow.proxy().rules.push({ path: /manifests/, times: 99, fault: { do: 'answer', status: 403 } });
    const report = await prove({ stages: ['staging'] });
    expect(new Set(kinds(report))).toEqual(new Set(['unproved staging']));
  });
});

describe('tags', () => {
  it('follow the ledger back to what stands there after a hold', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    const { project, name, version, digest } = two;
    const held = {
      type: 'held',
      pipeline: 'services',
      stage: 'staging',
      registry: flow.images(),
      project,
      name,
      version,
      integrity: digest,
      reason: 'it leaks',
    } as const;
    expect(await flow.with((context) => deploymentRecords(context).write(() => [held]))).toBeUndefined();
    expect((await flow.records()).at(-1)).toBe(`held staging api@${version}`);
    const tags = await flow.tags('api');
    expect(tags).toMatchObject({ staging: one.digest });
    expect(tags[`staging-${two.version.slice(4)}`]).toBe(two.digest);
  });

  it('are put right by whoever records last, though the other one set them last', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    await flow.retag('api', 'staging', one.digest);
    await flow.with(async (context) => {
      const stage = await context.serviceStage('staging', 't');
      await (await context.ledger()).refresh();
      await settleImageTags(context, stage, [two], { since: 1 });
    });
    expect(await flow.tags('api')).toMatchObject({ staging: two.digest });
  });

  it('end at what was recorded last, when two runs promote different versions at once', async () => {
    await start();
    const one = await flow.ship('api', 'one');
    const two = await flow.ship('api', 'two');
    const promote = (version: string) =>
      flow.promote('staging', { requests: [{ project: 'api', name: '@acme/api', version }] });
    const both = await Promise.all([promote(one.version), promote(two.version)]);
    expect(both.flatMap(({ results }) => results.map((one) => one.success))).toEqual([true, true]);
    const last = (await flow.records()).at(-1);
    const digest = last?.endsWith(one.version) ? one.digest : two.digest;
    expect(await flow.tags('api')).toMatchObject({ staging: digest });
    expect((await flow.records()).filter((line) => line.startsWith('promoted'))).toHaveLength(2);
  });
});
