import { afterEach, describe, expect, it } from 'vitest';
import type { Promoted, RecordBody } from '../../ledger/types.ts';
import { record } from '../recording.ts';
import { ServiceFlow, type ServiceFlowOptions } from './testing/flow.ts';
import { deploymentSource } from './source.ts';

let flow: ServiceFlow;
afterEach(() => flow.close());
const start = async (options?: ServiceFlowOptions) => (flow = await ServiceFlow.start(options));
const short = (version: string) => version.replace('sha-', '');
const said = (results: { line: string }[]) => results.map(({ line }) => line);

describe('the way of a service', () => {
  it('goes from the artifact into the registry, and by its digest into the stages', async () => {
    await start();
    const one = await flow.build('api', 'one');
    const published = await flow.publish(['api']);
    expect(said(published.results)).toEqual([
      `@acme/api@${one.version} -> images: accepted, visible, verified, tagged`,
    ]);
    expect(await flow.tags('api')).toMatchObject({ [one.version]: one.digest });

    const { plan, results } = await flow.promote('staging');
    expect(said(results)).toEqual([
      `@acme/api@${one.version} -> staging: accepted, visible, verified, tagged`,
    ]);
    expect(plan).toMatchObject({ pipeline: 'services', from: 'images', stage: 'staging' });
    expect(await flow.tags('api')).toMatchObject({
      staging: one.digest,
      [`staging-${short(one.version)}`]: one.digest,
    });

    const two = await flow.ship('api', 'two', 'staging');
    await flow.promote('production');
    const tags = await flow.tags('api');
    expect(tags).toMatchObject({ staging: two.digest, production: two.digest });
    expect(tags[`staging-${short(one.version)}`]).toBe(one.digest);
    expect(await flow.records()).toEqual([
      `published images api@${one.version}`,
      `promoted staging api@${one.version}`,
      `published images api@${two.version}`,
      `promoted staging api@${two.version}`,
      `promoted production api@${two.version}`,
    ]);
  });

  it('has nothing left to do the second time, and changes nothing', async () => {
    await start();
    const { version } = await flow.ship('api', 'one', 'staging');
    const records = await flow.records();
    const { results } = await flow.publish(['api']);
    expect(said([...results, ...(await flow.promote('staging')).results])).toEqual([
      `@acme/api@${version} is in images: nothing to do`,
      `@acme/api@${version} is in staging: nothing to do`,
    ]);
    expect(await flow.records()).toEqual(records);
  });

  it('copies into a registry of the stage’s own, with all that is attached', async () => {
    await start({ own: ['production'], live: true });
    const { digest, version } = await flow.ship('api', 'one', 'staging', 'production');
    const there = await flow.tags('api', 'production');
    expect(there).toMatchObject({ production: digest, [`production-${short(version)}`]: digest });
    const deployable = await flow.with(async (context) =>
      deploymentSource(context).artifact(await context.serviceStage('production', 't'), '@acme/api'),
    );
    const at = `${flow.images('production')}/api`;
    expect(deployable).toMatchObject({
      digest,
      bundle: { project: 'api' },
      credentials: { username: 'sluice' },
    });
    expect(Object.values(deployable?.images ?? {})).toEqual([
      expect.stringMatching(new RegExp(`^${at}@sha256:`)),
      expect.stringMatching(new RegExp(`^${at}@sha256:`)),
    ]);
  });

  it('dry runs tell, and change nothing', async () => {
    await start();
    const { version } = await flow.build('api', 'one');
    expect(said((await flow.publish(['api'], { dryRun: true })).results)).toEqual([
      expect.stringMatching(new RegExp(`^@acme/api@${version} would be pushed to images \\(6000 bytes`)),
    ]);
    expect(await flow.tags('api')).toEqual({});
    await flow.publish(['api']);
    const before = await flow.tags('api');
    expect(said((await flow.promote('staging', { dryRun: true })).results)).toEqual([
      `@acme/api@${version} would go from images to staging as staging`,
    ]);
    expect(await flow.tags('api')).toEqual(before);
    expect(await flow.records()).toEqual([`published images api@${version}`]);
  });

  it('goes by order: an older version that is promoted again stands there, and its tag follows', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    const request = { project: 'api', name: '@acme/api', version: one.version };
    await flow.promote('staging', { requests: [request] });
    expect(await flow.tags('api')).toMatchObject({ staging: one.digest });
    await flow.promote('production');
    expect(await flow.tags('api')).toMatchObject({ production: one.digest });
    expect((await flow.records()).slice(-2)).toEqual([
      `promoted staging api@${one.version}`,
      `promoted production api@${one.version}`,
    ]);
    expect(two.digest).not.toBe(one.digest);
  });

  it('records what a run had done that was stopped before it could, once', async () => {
    await start();
    const { digest, version } = await flow.build('api', 'one');
    await flow.publish(['api']);
    for (const tag of ['staging', `staging-${short(version)}`]) await flow.retag('api', tag, digest);
    expect((await flow.promote('staging')).results).toMatchObject([{ status: 'done' }]);
    expect((await flow.promote('staging')).results).toMatchObject([{ status: 'nothing' }]);
    expect(await flow.records()).toEqual([
      `published images api@${version}`,
      `promoted staging api@${version}`,
    ]);
  });

  it('needs no registry but the one of this machine, in the local profile', async () => {
    await start();
    for (const part of ['REGISTRY', 'TOKEN', 'USERNAME']) delete flow.env[`SLUICE_IMAGES_${part}`];
    Object.assign(flow.env, { SLUICE_LOCAL_LINGER_MS: '0' });
    const { digest } = await flow.ship('api', 'one', 'staging', 'production');
    const found = await flow.with(async (context) => {
      const stage = await context.serviceStage('production', 'test');
      const there = await (await context.images('production')).of('api').head('production');
      return [stage.identity, stage.insecure, there?.digest];
    });
    expect(found).toEqual(['local:images', true, digest]);
    expect(await flow.tags('api')).toEqual({});
  });

  it('goes on after the registry was away for a moment', async () => {
    await start();
    const { digest } = await flow.build('api', 'one');
    await flow.publish(['api']);
    flow.proxy().rules.push({ path: /./, times: 3, fault: { do: 'answer', status: 503 } });
    const { results } = await flow.promote('staging');
    expect(results).toMatchObject([{ success: true }]);
    expect(await flow.tags('api')).toMatchObject({ staging: digest });
  });
});

describe('what is refused, with nothing changed', () => {
  const codes = (results: { error?: { code: string } }[]) => results.map((one) => one.error?.code);

  it('other bytes under a published version', async () => {
    await start();
    const one = await flow.ship('api', 'one');
    const two = await flow.build('api', 'two', { version: one.version });
    const { results } = await flow.publish(['api']);
    expect(codes(results)).toEqual(['OTHER_BYTES']);
    expect(results[0]?.line).toContain(two.digest);
    expect(await flow.tags('api')).toEqual({ [one.version]: one.digest, ...(await attached(flow)) });
  });

  it('a tag that does not move and is another digest', async () => {
    await start({ stages: { staging: { tags: ['{stage}', '{label}'] } } });
    const one = await flow.build('api', 'one', { label: '1.0.0' });
    await flow.publish(['api']);
    await flow.promote('staging');
    await flow.build('api', 'two', { label: '1.0.0' });
    await flow.publish(['api']);
    const { results, plan } = await flow.promote('staging');
    expect(codes(results)).toEqual(['TAG_TAKEN']);
    expect(plan.items[0]?.action).toBe('refused');
    expect(await flow.tags('api')).toMatchObject({ staging: one.digest, '1.0.0': one.digest });
  });

  it('a held digest', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    await hold(two);
    const request = { project: 'api', name: '@acme/api', version: two.version };
    const { results } = await flow.promote('production', { requests: [request] });
    expect(codes(results)).toEqual(['HELD']);
    expect(await flow.tags('api')).not.toHaveProperty('production');
    await flow.promote('production');
    expect(await flow.tags('api')).toMatchObject({ production: one.digest });
    const source = async (version?: string) =>
      flow.with(async (context) =>
        deploymentSource(context).artifact(await context.serviceStage('staging', 't'), '@acme/api', version),
      );
    await expect(source(two.version)).rejects.toMatchObject({ code: 'HELD' });
    expect(await source()).toMatchObject({ digest: one.digest });
    expect(codes((await flow.publish(['api'])).results)).toEqual(['HELD']);
  });

  it('a stage before that has nothing, or not this version', async () => {
    await start();
    await flow.ship('api', 'one');
    expect(codes((await flow.promote('production')).results)).toEqual(['PREDECESSOR_EMPTY']);
    const request = { project: 'api', name: '@acme/api', version: 'sha-000000000000' };
    expect(codes((await flow.promote('staging', { requests: [request] })).results)).toEqual([
      'VERSION_NOT_IN_PREDECESSOR',
    ]);
  });

  it('an artifact from a tree with changes, in the live profile, unless it is allowed and recorded', async () => {
    await start({ live: true });
    await flow.build('api', 'one', { dirty: true });
    expect(codes((await flow.publish(['api'])).results)).toEqual(['ARTIFACT_DIRTY']);
    expect(await flow.records()).toEqual([]);
    const { results } = await flow.publish(['api'], { allowDirty: true });
    expect(results).toMatchObject([{ success: true }]);
  });

  it('no artifact', async () => {
    await start();
    expect(codes((await flow.publish(['api'])).results)).toEqual(['ARTIFACT_MISSING']);
  });
});

describe('what may be deployed', () => {
  const source = (version?: string) =>
    flow.with(async (context) =>
      deploymentSource(context).artifact(await context.serviceStage('staging', 't'), '@acme/api', version),
    );

  it('is what was promoted, by version or digest, and nothing by a tag', async () => {
    await start();
    const one = await flow.ship('api', 'one', 'staging');
    const two = await flow.ship('api', 'two', 'staging');
    await flow.ship('api', 'three');
    expect(await source()).toMatchObject({ version: two.version, digest: two.digest, size: 6_000 });
    expect(await source(one.version)).toMatchObject({ digest: one.digest });
    expect(await source(one.digest)).toMatchObject({ digest: one.digest });
    expect(await source('staging')).toBeUndefined();
    expect(await source('sha-000000000000')).toBeUndefined();
  });

  it('is not what the registry lost', async () => {
    await start();
    const { digest } = await flow.ship('api', 'one', 'staging');
    const path = new RegExp(`/manifests/${digest}`);
    flow.proxy().rules.push({ path, times: 99, fault: { do: 'answer', status: 404 } });
    await expect(source()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('comes with what its gate says of the promotion: a record alone proves nothing', async () => {
    await start({ live: true, gates: { staging: { approvals: { count: 1, allowAuthor: true } } } });
    const { name, project, version, digest } = await flow.ship('api', 'one');
    const forged: Partial<Promoted> = { type: 'promoted', from: 'images', tag: 'staging', verified: 'bytes' };
    await flow.with(async (context) => {
      const { commit } = await context.policy();
      const stage = await context.serviceStage('staging', 't');
      const body = { ...forged, planHash: 'p', policy: commit, approvals: [], gate: [] };
      const at = { pipeline: 'services', stage: 'staging', registry: stage.identity };
      const one = { ...body, ...at, project, name, version, integrity: digest } as RecordBody;
      expect(await record(context, await context.signer(), () => [one])).toBeUndefined();
    });
    const found = await source();
    expect(found?.gate).toMatchObject({ open: false });
    expect(found?.gate?.results).toContainEqual({
      condition: 'approvals',
      open: false,
      detail: expect.stringContaining('entered with 0 of 1 approvals'),
      next: 'npx nx run api:promote:staging',
    });
  });

  it('comes with an open gate where it was promoted through it', async () => {
    await start({ live: true, gates: { staging: { approvals: { count: 1, allowAuthor: true } } } });
    await flow.ship('api', 'one');
    await flow.approve('staging');
    await flow.promote('staging');
    expect((await source())?.gate).toMatchObject({ open: true });
  });
});

describe('the gate', () => {
  it('counts approvals of exactly this digest, once', async () => {
    await start({ gates: { production: { approvals: { count: 1, allowAuthor: true } } } });
    const one = await flow.ship('api', 'one', 'staging');
    const closed = await flow.promote('production');
    expect(closed.results).toMatchObject([{ success: false, error: { code: 'GATE_CLOSED' } }]);
    await flow.approve('production');
    expect((await flow.promote('production')).results).toMatchObject([{ status: 'done' }]);
    expect(await flow.tags('api')).toMatchObject({ production: one.digest });
    await flow.ship('api', 'two', 'staging');
    expect((await flow.promote('production')).results).toMatchObject([{ error: { code: 'GATE_CLOSED' } }]);
    expect(await flow.tags('api')).toMatchObject({ production: one.digest });
  });

  it('asks for a deployment where the stage before has hosts', async () => {
    await start({
      stages: { staging: { hosts: ['deploy@h'] } },
      gates: { production: { soak: '1s' } },
    });
    const one = await flow.ship('api', 'one', 'staging');
    const { results } = await flow.promote('production');
    expect(results).toMatchObject([{ error: { code: 'GATE_CLOSED' } }]);
    expect(results[0]?.line).toContain('was never deployed to staging');
    expect(results[0]?.line).toContain('npx nx run api:deploy-vps:staging');
    await flow.deployed('staging', one);
    await new Promise((done) => setTimeout(done, 1_100));
    expect((await flow.promote('production')).results).toMatchObject([{ status: 'done' }]);
  });
});

async function hold({ name, version, digest }: { name: string; version: string; digest: string }) {
  const held = { type: 'held', reason: 'it leaks' };
  await flow.deployed('staging', { name, version, digest, project: 'api' } as never, held);
}

/** Tags by which attachments are found where a registry has no list of them. */
async function attached(at: ServiceFlow): Promise<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(await at.tags('api')).filter(([tag]) => tag.startsWith('sha256-')),
  );
}
