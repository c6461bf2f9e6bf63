import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIssuer } from '../testing/issuer/index.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../testing/npm-registry/index.ts';
import { approveAll, type SessionOptions } from './approve-staged.ts';
import { Flow } from './testing/flow.ts';

const STAGED = { publish: 'staged', kind: 'npm', tokenEnv: 'NPM_TOKEN', visibleWithin: '1s' } as const;

/** The last stage keeps what it gets until a person approves it there. */
describe('a stage that publishes in two steps', () => {
  let registry: TestNpmRegistry;
  let flow: Flow;
  let said: string[];

  const start = async (options: Record<string, unknown> = {}) => {
    registry = await startNpmRegistry(options['issuer'] ? { issuer: String(options['issuer']) } : {});
    flow = await Flow.start({
      live: true,
      packages: { units: [], money: ['units'] },
      stages: {
        public: {
          registry: registry.url,
          ...STAGED,
          ...(options['stage'] as object),
        },
      },
      ...(options['issuer'] ? { options: { github: { issuer: options['issuer'] } } } : {}),
      ...(options['gate'] ? { gates: { public: options['gate'] as object } } : {}),
    });
    flow.env['NPM_TOKEN'] = registry.token;
    await flow.build();
    await flow.publish();
    await flow.promote('test');
  };
  beforeEach(() => {
    said = [];
  });
  afterEach(async () => {
    await flow.close();
    await registry.close();
  });

  const session = (given: Partial<SessionOptions> = {}) =>
    flow.with((context) =>
      approveAll(context, { stage: 'public', waitMs: 20_000, say: (line) => said.push(line), ...given }),
    );
  const codes = (results: { status: string; error?: { code: string } }[] = []) =>
    results.map(({ status, error }) => error?.code ?? status);
  const versions = (project: string) =>
    Object.keys(registry.state.packages.get(`@acme/${project}`)?.versions ?? {});
  const staged = () => [...registry.state.staged.values()].map(({ name }) => name).toSorted();
  /** A person who types what is shown. */
  const typing = (line: string): void => {
    said.push(line);
    const id = /^now: npm stage approve (\S+)/.exec(line)?.[1];
    if (id) registry.state.approve(id);
  };
  const promotions = async () => (await flow.records()).filter((line) => line.startsWith('promoted public'));

  it('stages all, compares, and stops as at a closed gate; a session of approvals brings it to its end', async () => {
    await start();
    const { results } = await flow.promote('public');
    expect(results.map(({ error }) => [error?.code, error?.exit])).toEqual([
      ['STAGED_WAITING', 3],
      ['STAGED_WAITING', 3],
    ]);
    expect(results[0]?.error?.next).toContain('npx nx approve -c public');
    expect(staged()).toEqual(['@acme/money', '@acme/units']);
    expect(registry.requests.filter((request) => request.endsWith('/tarball'))).toHaveLength(2);
    expect(registry.state.packages.size).toBe(0);
    expect(await promotions()).toEqual([]);

    const { session: done } = await session({ say: typing });
    expect(codes(done?.results)).toEqual(['done', 'done']);
    // What others need first, whatever order they were staged in.
    expect(registry.state.approved).toEqual(['@acme/units@1.0.0', '@acme/money@1.0.0']);
    expect(registry.state.packages.get('@acme/money')?.tags['latest']).toBe('1.0.0');
    expect(await promotions()).toEqual(['promoted public units@1.0.0', 'promoted public money@1.0.0']);

    // And then there is nothing to approve.
    expect((await session()).approved?.open).toEqual([]);
  });

  it('shows the next command only when what the package needs was approved', async () => {
    await start();
    await flow.promote('public');
    await session({ waitMs: 0 });
    const now = said.filter((line) => line.startsWith('now: '));
    expect(now).toEqual([
      expect.stringMatching(/^now: npm stage approve [\w-]+ --registry=http.*\(@acme\/units@1\.0\.0\)$/),
    ]);
    expect(said.slice(0, 2)).toEqual([
      expect.stringMatching(
        /^@acme\/units@1\.0\.0: staged with the right bytes; to approve: npm stage approve/,
      ),
      expect.stringMatching(/^@acme\/money@1\.0\.0: staged with the right bytes/),
    ]);
  });

  it('waits for an approval that never comes for a while, and goes on from there the next time', async () => {
    await start();
    await flow.promote('public');
    const first = await session({ waitMs: 0 });
    expect(codes(first.session?.results)).toEqual(['STAGED_WAITING', 'STAGED_WAITING']);
    expect(first.session?.results[0]?.error?.exit).toBe(3);
    expect(staged()).toHaveLength(2);

    // Somebody approves one of them in between.
    const [units] = [...registry.state.staged.values()].filter(({ name }) => name === '@acme/units');
    registry.state.approve(units?.id ?? '');
    const second = await session({ waitMs: 0 });
    expect(codes(second.session?.results)).toEqual(['done', 'STAGED_WAITING']);
    expect(await promotions()).toEqual(['promoted public units@1.0.0']);

    // Nothing is staged twice by a promotion that is run again.
    expect(codes((await flow.promote('public')).results)).toEqual(['nothing', 'STAGED_WAITING']);
    expect(staged()).toEqual(['@acme/money']);
    expect(codes((await session({ say: typing })).session?.results)).toEqual(['done']);
  });

  it('may be waited for by the promotion itself', async () => {
    await start({ stage: { approvedWithin: '20s' } });
    const going = flow.promote('public');
    const person = setInterval(() => {
      for (const project of ['units', 'money']) {
        const one = registry.state.find(`@acme/${project}`, '1.0.0');
        if (one) registry.state.approve(one.id);
      }
    }, 100);
    const { results } = await going;
    clearInterval(person);
    expect(codes(results)).toEqual(['done', 'done']);
    expect(await promotions()).toHaveLength(2);
  });

  it('says that a version was rejected, and records nothing of it', async () => {
    await start({ stage: { approvedWithin: '20s' } });
    const going = flow.promote('public', ['units']);
    const person = setInterval(() => {
      const one = registry.state.find('@acme/units', '1.0.0');
      // Not before it was compared: what is gone then was never seen.
      if (one && registry.requests.some((request) => request.endsWith('/tarball')))
        registry.state.staged.delete(one.id);
    }, 50);
    const { results } = await going;
    clearInterval(person);
    expect(codes(results)).toEqual(['STAGED_REJECTED']);
    expect(versions('units')).toEqual([]);
    expect(await promotions()).toEqual([]);
  });

  it('shows nothing for approval where other bytes are staged', async () => {
    await start();
    await flow.promote('public');
    const money = registry.state.find('@acme/money', '1.0.0');
    const attachment = money?.document['_attachments']?.['@acme/money-1.0.0.tgz'];
    if (attachment) attachment.data = Buffer.from('other bytes').toString('base64');
    await expect(session()).rejects.toMatchObject({
      code: 'STAGED_OTHER_BYTES',
      next: expect.stringContaining(`npm stage reject ${money?.id}`),
    });
    expect(said).toEqual([]);
    expect(codes((await flow.promote('public', ['units', 'money'])).results)).toEqual([
      'STAGED_WAITING',
      'STAGED_OTHER_BYTES',
    ]);
    expect(registry.state.packages.size).toBe(0);
  });

  it('says that nothing is staged yet', async () => {
    await start();
    await expect(session()).rejects.toMatchObject({
      code: 'STAGED_NOTHING',
      next: expect.stringContaining('-t promote -c public'),
    });
    expect(registry.state.staged.size).toBe(0);
  });

  it('lists in a dry run, and waits for nobody', async () => {
    await start();
    await flow.promote('public');
    const { session: listed } = await session({ dryRun: true });
    expect(listed?.results).toEqual([]);
    expect(listed?.staged.map(({ id }) => id)).toEqual(['@acme/units@1.0.0', '@acme/money@1.0.0']);
    expect(said.some((line) => line.startsWith('now: '))).toBe(false);
  });

  it('asks for the signed approval first where the gate wants one', async () => {
    await start({ gate: { approvals: { count: 1, allowAuthor: true } } });
    expect(codes((await flow.promote('public')).results)).toEqual(['GATE_CLOSED', 'GATE_CLOSED']);
    expect(staged()).toEqual([]);
    const { approved, session: none } = await session();
    expect(approved?.open).toEqual(['@acme/units@1.0.0', '@acme/money@1.0.0']);
    expect(none).toBeUndefined();
    expect(codes((await flow.promote('public')).results)).toEqual(['STAGED_WAITING', 'STAGED_WAITING']);
    const { session: done } = await session({ say: typing });
    expect(codes(done?.results)).toEqual(['done', 'done']);
  });

  it('stages with tokens of trusted publishing, which may not look: then who approves compares', async () => {
    const issuer = await startIssuer();
    try {
      await start({ issuer: issuer.url, stage: { trusted: true } });
      // The packages are there, and trust the workflow.
      await flow.promote('public');
      await session({ say: typing });
      for (const project of ['units', 'money'])
        registry.publishers.set(`@acme/${project}`, { repository: 'acme/platform', workflow: 'release.yml' });
      await flow.release('1.1.0');
      flow.push();
      await flow.build();
      await flow.publish();
      await flow.promote('test');

      delete flow.env['NPM_TOKEN'];
      Object.assign(flow.env, issuer.env);
      registry.requests.length = 0;
      const { results } = await flow.promote('public');
      expect(codes(results)).toEqual(['STAGED_WAITING', 'STAGED_WAITING']);
      expect(results[0]?.error?.state).toContain('who approves compares');
      expect(staged()).toHaveLength(2);
      expect(registry.requests.filter((request) => request.startsWith('GET /-/stage'))).toEqual([]);

      for (const name of Object.keys(issuer.env)) delete flow.env[name];
      flow.env['NPM_TOKEN'] = registry.token;
      expect(codes((await session({ say: typing })).session?.results)).toEqual(['done', 'done']);
      expect(registry.state.packages.get('@acme/money')?.tags['latest']).toBe('1.1.0');
    } finally {
      await issuer.close();
    }
  });
});
