import { createServer, type Server } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Flow } from '../../promotion/testing/flow.ts';
import { examine } from '../testing/examine.ts';
import { judgeNames, judgePresence, judgeRights } from './packages.ts';
import { judgeClock } from './reachable.ts';
import { noToken } from './token.ts';

describe('registries of package stages', () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start({ live: true, packages: { units: [], money: ['units'] } });
    await flow.build();
    await flow.publish();
  });
  afterAll(() => flow?.close());
  beforeEach(() => {
    for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
  });

  it('are well: reachable, with a token that is taken, and the packages that are there', async () => {
    const { of, ok } = await examine(flow);
    expect(of('reachable', 'github')).toMatch(/^ok: http:\/\/127\.0\.0\.1:\d+ answers in \d+ ms$/);
    expect(of('token', 'test')).toMatch(/^ok: TEST_REGISTRY_TOKEN is \S+'s$/);
    expect(of('names and scope', 'test')).toBe('ok: it takes 2 packages');
    expect(of('packages', 'github')).toBe('ok: all 2 are there already');
    expect(of('packages', 'test')).toBe(
      'ok: not there yet: @acme/money, @acme/units; the first publish makes them',
    );
    expect(of('rights', 'test')).toMatch(/^not checked: this kind of registry does not tell/);
    expect(of('clock')).toBe('ok: agrees with 3 registries to the second or so');
    expect(ok).toBe(true);
  });

  it('for one stage are that stage, and the one that it fetches from', async () => {
    const { checks } = await examine(flow, { stage: 'test' });
    const seen = checks
      .filter(({ room }) => room === 'registry')
      .map(({ title, stage }) => `${stage} ${title}`);
    expect(seen).toEqual([
      'github reachable',
      'github token',
      'test reachable',
      'test token',
      'test names and scope',
      'test packages',
      'test rights',
    ]);
  });

  it('without a token, and with a wrong one, are problems of that stage alone', async () => {
    const { of, ok } = await examine(flow, {
      env: { TEST_REGISTRY_TOKEN: '', PUBLIC_REGISTRY_TOKEN: 'not-a-token-of-anybody' },
    });
    expect(ok).toBe(false);
    expect(of('token', 'github')).toMatch(/^ok/);
    expect(of('token', 'test')).toBe(
      "problem: TEST_REGISTRY_TOKEN is not set, and the npm client's configuration has no token for this registry -> export TEST_REGISTRY_TOKEN=<token> (in GitHub Actions: a secret of the environment, handed to the job as TEST_REGISTRY_TOKEN)",
    );
    expect(of('token', 'public')).toMatch(/^problem: .*PUBLIC_REGISTRY_TOKEN/);
    expect(JSON.stringify(of('token', 'public'))).not.toContain('not-a-token-of-anybody');
  });

  it('that tell nothing, or that nobody is logged in', async () => {
    const whoami = (stage: 'github' | 'public', status: number, body: object) =>
      flow.proxy(stage).rules.push({
        path: /whoami/,
        times: Infinity,
        fault: { do: 'answer', status, body, headers: { 'content-type': 'application/json' } },
      });
    whoami('github', 404, {});
    whoami('public', 200, {});
    const { of, check } = await examine(flow);
    expect(of('token', 'github')).toMatch(
      /^ok: GITHUB_REGISTRY_TOKEN is taken for reading @acme\/money; this registry does not tell whose it is$/,
    );
    expect(check('token', 'public')).toMatchObject({ verdict: 'problem', code: 'TOKEN_REFUSED' });
  });

  it('of GitHub are asked for a package where they do not say whose the token of a job is', async () => {
    const nxJson = await readFile(join(flow.root, 'nx.json'), 'utf8');
    const as = (kind: string) =>
      writeFile(join(flow.root, 'nx.json'), nxJson.replaceAll('"kind":"verdaccio"', `"kind":"${kind}"`));
    const env = { GITHUB_TOKEN: flow.env['TEST_REGISTRY_TOKEN'] ?? '', NPM_TOKEN: 'x' };
    const refuse = (path: RegExp) =>
      flow.proxy('test').rules.push({ path, times: Infinity, fault: { do: 'answer', status: 403 } });
    await as('github');
    refuse(/whoami/);
    expect((await examine(flow, { stage: 'test', env })).of('token', 'test')).toMatch(
      /^ok: GITHUB_TOKEN is taken for reading/,
    );
    refuse(/money/);
    expect((await examine(flow, { stage: 'test', env })).of('token', 'test')).toMatch(/^problem: /);
    flow.proxy('test').rules.splice(0);
    flow
      .proxy('test')
      .rules.push({ path: /whoami/, times: 9, fault: { do: 'answer', status: 200, body: {} } });
    await as('generic');
    expect((await examine(flow, { stage: 'test' })).of('token', 'test')).toMatch(
      /^warning: the registry says that nobody is logged in with TEST_REGISTRY_TOKEN/,
    );
    await writeFile(join(flow.root, 'nx.json'), nxJson);
  });

  it('that fail, or are gone, are said once; what needs them is not checked', async () => {
    flow.proxy('test').rules.push({ times: Infinity, fault: { do: 'answer', status: 503 } });
    flow.proxy('public').rules.push({ times: Infinity, fault: { do: 'cut-request', after: 0 } });
    const { of } = await examine(flow);
    expect(of('reachable', 'test')).toMatch(/^problem: http\S+ answers 503 -> npx sluice doctor test/);
    expect(of('reachable', 'public')).toMatch(/^problem: .*cannot be reached/);
    expect(of('packages', 'public')).toMatch(
      /^not checked: the registry cannot be reached \(REGISTRY_UNREACHABLE, above\)/,
    );
    expect(of('reachable', 'github')).toMatch(/^ok/);
  });

  it('whose address the environment moves in spite of a gate is bad configuration, said once', async () => {
    const gated = await Flow.start({ live: true, packages: { solo: [] }, gates: { public: { soak: '1m' } } });
    try {
      const { checks, of } = await examine(gated, {
        env: { SLUICE_PUBLIC_REGISTRY: 'http://127.0.0.1:9' },
      });
      expect(of('reachable', 'public')).toMatch(/^problem: SLUICE_PUBLIC_REGISTRY would move/);
      expect(of('token', 'public')).toBe(
        'not checked: the address of the stage is not known (ADDRESS_OVERRIDE_REFUSED, above)',
      );
      expect(checks.filter(({ code }) => code === 'UNEXPECTED')).toEqual([]);
    } finally {
      await gated.close();
    }
  });
});

describe("npm's own kind of registry, which tells of rights", () => {
  let server: Server;
  let flow: Flow;
  const rights: Record<string, string> = {};
  let date: string | undefined;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
      const name = /^\/-\/package\/(.+)\/collaborators$/.exec(path)?.[1];
      if (date) response.setHeader('date', date);
      response.setHeader('content-type', 'application/json');
      if (path === '/-/whoami') response.end('{"username":"dev"}');
      else if (path === '/-/ping') response.end('{}');
      else if (name)
        response.writeHead(rights[name] ? 200 : 404).end(`{"dev":"${rights[name]}","rita":"write"}`);
      else response.writeHead(404).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    flow = await Flow.start({
      live: true,
      packages: { units: [], money: [] },
      stages: { public: { registry, kind: 'npm' } },
    });
  });
  afterAll(async () => {
    await flow?.close();
    server.closeAllConnections();
    server.close();
  });
  const look = () => examine(flow, { stage: 'public', env: { NPM_TOKEN: 'token-of-dev' } });

  it('a right to all packages that are there is well', async () => {
    Object.assign(rights, { '@acme/units': 'write' });
    const { of } = await look();
    expect(of('token', 'public')).toBe("ok: NPM_TOKEN is dev's");
    expect(of('rights')).toBe('ok: dev may write it (a token can be narrower than its owner)');
  });

  it('a missing one names the package, and who can give it', async () => {
    Object.assign(rights, { '@acme/units': 'write', '@acme/money': 'read' });
    expect((await look()).of('rights')).toBe(
      'problem: dev, whose the token is, may not publish @acme/money -> npm owner add dev @acme/money (by one of: npm owner ls @acme/money)',
    );
  });

  it('a clock that differs from one registry alone is a warning, from all a problem', async () => {
    date = new Date(Date.now() - 3_600_000).toUTCString();
    const { of } = await look();
    expect(of('clock')).toBe(
      'warning: one of the registries is 60 minutes off, the others agree with this machine',
    );
    date = undefined;
  });
});

describe('what is decided without asking', () => {
  const ping = (skewMs: number) => ({ status: 200, sent: 1e12, received: 1e12 + 50, date: 1e12 - skewMs });

  it('clocks', () => {
    expect(judgeClock([]).verdict).toBe('not checked');
    expect(judgeClock([{ ...ping(0), date: undefined }]).verdict).toBe('not checked');
    expect(judgeClock([ping(900), ping(-40)]).verdict).toBe('ok');
    expect(judgeClock([ping(300_000), ping(200_000)])).toMatchObject({
      verdict: 'problem',
      said: "this machine's clock differs from the registries' by 199 s: tokens and signatures will be refused",
      code: 'CLOCK_SKEW',
    });
    expect(judgeClock([ping(-7_200_000)]).said).toContain('120 minutes');
  });

  it('names that GitHub Packages takes: scoped, lower-case, of the owner', () => {
    expect(judgeNames(['@acme/a', '@acme/b'], 'github', 'Acme')).toEqual({
      verdict: 'ok',
      said: '2 packages of @acme',
    });
    expect(judgeNames(['@acme/a', 'b'], 'github', 'acme')).toMatchObject({
      verdict: 'problem',
      said: 'GitHub Packages takes scoped names only, and these have no scope: b',
      next: 'correct "name" in its package.json to "@acme/..."',
    });
    expect(judgeNames(['@acme/a', '@other/b'], 'github', 'acme').said).toMatch(
      /owner only \(@acme\).*: @other\/b$/,
    );
    expect(judgeNames(['@Acme/a'], 'npm', undefined).said).toBe(
      'names are lower-case, and these are not: @Acme/a',
    );
    expect(judgeNames(['@acme/a'], 'github', undefined).verdict).toBe('not checked');
    expect(judgeNames(['a', '@b/c'], 'npm', undefined).verdict).toBe('ok');
  });

  it('a first publish, which trusted publishing cannot do', () => {
    const found = { names: ['a', 'b'], absent: ['b'], tokenEnv: 'NPM_TOKEN' };
    expect(judgePresence({ ...found, exchangesOnly: false }).verdict).toBe('ok');
    expect(judgePresence({ ...found, absent: [], exchangesOnly: true }).verdict).toBe('ok');
    expect(judgePresence({ ...found, exchangesOnly: true })).toMatchObject({
      verdict: 'problem',
      said: "not there yet: b. Trusted publishing cannot do a package's first publish",
      code: 'TRUSTED_FIRST_PUBLISH',
    });
  });

  it('no token: what a trusted job does without, and what no other does', () => {
    const none = { tokenEnv: 'NPM_TOKEN', trusted: true, mayExchange: true };
    expect(noToken(none).verdict).toBe('ok');
    expect(noToken({ ...none, mayExchange: false }).said).toContain('id-token: write');
    expect(noToken({ ...none, trusted: false }).said).not.toContain('id-token');
    expect(noToken({ ...none, trusted: false, tokenEnv: 'GITHUB_TOKEN' }).next).toContain('packages: write');
  });

  it('rights to nothing are no rights to ask for', () => {
    expect(judgeRights('dev', new Map()).verdict).toBe('not checked');
  });
});
