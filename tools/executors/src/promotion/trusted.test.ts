import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../testing/npm-registry/index.ts';
import { Flow } from './testing/flow.ts';

/** The last stage is a registry that exchanges the job's token; no other token lies anywhere. */
describe('a promotion by trusted publishing', () => {
  let issuer: TestIssuer;
  let registry: TestNpmRegistry;
  let flow: Flow;

  beforeEach(async () => {
    issuer = await startIssuer({ environment: 'Production' });
    registry = await startNpmRegistry({ issuer: issuer.url });
    flow = await Flow.start({
      live: true,
      packages: { units: [], money: ['units'] },
      options: { github: { issuer: issuer.url } },
      stages: {
        public: { registry: registry.url, kind: 'npm', trusted: true, tokenEnv: 'NPM_TOKEN' },
      },
    });
    Object.assign(flow.env, issuer.env);
    delete flow.env['PUBLIC_REGISTRY_TOKEN'];
  });
  afterEach(async () => {
    await flow.close();
    await registry.close();
    await issuer.close();
  });

  const trust = () => {
    for (const project of ['units', 'money'])
      registry.publishers.set(`@acme/${project}`, { repository: 'acme/platform', workflow: 'release.yml' });
  };
  const bring = async (version: string): Promise<void> => {
    if (version !== '1.0.0') {
      await flow.release(version);
      flow.push();
    }
    await flow.build();
    await flow.publish();
    await flow.promote('test');
  };
  const tags = (project: string) => registry.state.packages.get(`@acme/${project}`)?.tags;
  /** The first publish, with a token of a person. */
  const firstTime = async (): Promise<void> => {
    await bring('1.0.0');
    flow.env['NPM_TOKEN'] = registry.token;
    await flow.promote('public');
    delete flow.env['NPM_TOKEN'];
    trust();
  };

  it('cannot do the first publish, and says what to do; with a token it can, and from then on without', async () => {
    await bring('1.0.0');
    const { results } = await flow.promote('public');
    expect(results.map(({ name, error }) => [name, error?.code])).toEqual([
      ['@acme/units', 'TRUSTED_FIRST_PUBLISH'],
      ['@acme/money', 'DEPENDENCY_FAILED'],
    ]);
    expect(registry.state.packages.size).toBe(0);

    flow.env['NPM_TOKEN'] = registry.token;
    const first = await flow.promote('public');
    expect(first.results.map(({ status }) => status)).toEqual(['done', 'done']);
    delete flow.env['NPM_TOKEN'];
    trust();

    await bring('1.1.0');
    const { results: again } = await flow.promote('public');
    expect(again.map(({ status }) => status)).toEqual(['done', 'done']);
    expect([tags('units'), tags('money')].map((one) => one?.['latest'])).toEqual(['1.1.0', '1.1.0']);
    expect((await flow.records()).filter((line) => line.startsWith('promoted public'))).toEqual([
      'promoted public units@1.0.0',
      'promoted public money@1.0.0',
      'promoted public units@1.1.0',
      'promoted public money@1.1.0',
    ]);
  });

  it('publishes under the tag itself, since these tokens cannot move it later', async () => {
    await firstTime();
    await bring('1.1.0');
    registry.requests.length = 0;
    await flow.promote('public');
    expect(registry.requests.filter((request) => request.includes('dist-tags'))).toEqual([]);
    expect(tags('units')?.['latest']).toBe('1.1.0');
  });

  it('leaves the tag where it is when an older version comes late', async () => {
    await firstTime();
    await bring('1.2.0');
    await flow.promote('public');
    await flow.release('1.1.0');
    flow.push();
    await flow.build();
    await flow.publish();
    await flow.with(async (context) => {
      const { promote } = await import('./promote.ts');
      const requests = ['units', 'money'].map((project) => ({
        project,
        name: `@acme/${project}`,
        version: '1.1.0',
      }));
      for (const stage of ['test', 'public'])
        expect((await promote(context, { stage, requests })).results.map(({ line }) => line)).toEqual([
          expect.stringContaining('@acme/units@1.1.0'),
          expect.stringContaining('@acme/money@1.1.0'),
        ]);
    });
    expect(tags('units')?.['latest']).toBe('1.2.0');
    expect(Object.keys(registry.state.packages.get('@acme/units')?.versions ?? {})).toContain('1.1.0');
  });

  it('stops with the command for a person where a version is there, and its tag is not', async () => {
    await firstTime();
    await bring('1.1.0');
    await flow.promote('public');
    // A run that had a token put it under the other tag, and was stopped before the tag moved.
    await bring('1.2.0');
    flow.env['NPM_TOKEN'] = registry.token;
    await flow.promote('public');
    delete flow.env['NPM_TOKEN'];
    for (const project of ['units', 'money']) (tags(project) ?? {})['latest'] = '1.1.0';
    const { results } = await flow.promote('public', ['units']);
    expect(results[0]?.error).toMatchObject({
      code: 'TRUSTED_TOKEN_CANNOT',
      next: expect.stringContaining('npm dist-tag add @acme/units@1.2.0 latest'),
    });
    (tags('units') ?? {})['latest'] = '1.2.0';
    expect((await flow.promote('public', ['units'])).results[0]?.success).toBe(true);
  });

  it('changes nothing where the trusted publisher is another one', async () => {
    await firstTime();
    for (const publisher of registry.publishers.values()) publisher.environment = 'Elsewhere';
    await bring('1.1.0');
    const before = await flow.records();
    const { results } = await flow.promote('public');
    expect(results[0]?.error).toMatchObject({ code: 'TOKEN_EXCHANGE_REFUSED' });
    expect(results[1]?.error).toMatchObject({ code: 'DEPENDENCY_FAILED' });
    expect(Object.keys(registry.state.packages.get('@acme/units')?.versions ?? {})).toEqual(['1.0.0']);
    expect(await flow.records()).toEqual(before);
    // No secret of the exchange stands in what a person sees.
    const text = JSON.stringify(results);
    expect(text).not.toContain('eyJ');
  });
});
