import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutorContext } from '@nx/devkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sluice, type Ran } from './testing/sluice.ts';
import { batch } from '../executors/lazy.ts';
import { Flow } from '../promotion/testing/flow.ts';

/** Where it was planted -> the secret. The tokens of the stages join them. */
const planted: Record<string, string> = {
  NPM_TOKEN: 'npm_9aZ+planted/in=NPM',
  GITHUB_TOKEN: 'ghp_planted&in?GITHUB',
  DB_PASSWORD: 'pässwörd-planted-in-DB',
  'the .npmrc': 'npmrc-token-planted-there',
  'the address of the default registry': 'registry-password-planted',
  'the address of the remote': 'remote-password-planted',
};
let flow: Flow;
const said = new Map<string, string>();
const files = new Map<string, string>();

/** Every form of a secret that a text could hold it in; of base64, what does not depend on its neighbours. */
function formsOf(secret: string): string[] {
  const base64 = ['', ':', 'u:', 'user:'].flatMap((before) => {
    const bytes = Buffer.from(before + secret);
    const start = Math.ceil((Buffer.byteLength(before) * 4) / 3);
    return (['base64', 'base64url'] as const).map((form) =>
      bytes
        .subarray(0, bytes.length - (bytes.length % 3))
        .toString(form)
        .slice(start),
    );
  });
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...base64];
}

/** What a rude registry or proxy repeats of a request. */
const echo = (token: string) =>
  [
    token,
    encodeURIComponent(token),
    ...[token, `:${token}`, `user:${token}`].map((text) => Buffer.from(text).toString('base64')),
  ].join(' ');

beforeAll(async () => {
  flow = await Flow.start({
    live: true,
    packages: { fine: [], leaky: [], lost: [] },
    stages: { public: { registry: undefined, tokenEnv: 'PUBLIC_REGISTRY_TOKEN' } },
  } as never);
  for (const name of ['NPM_TOKEN', 'GITHUB_TOKEN', 'DB_PASSWORD']) flow.env[name] = planted[name];
  for (const name of ['GITHUB', 'TEST', 'PUBLIC']) {
    planted[`${name}_REGISTRY_TOKEN`] = flow.env[`${name}_REGISTRY_TOKEN`] as string;
  }
  const { host } = new URL(flow.proxy('public').url);
  await writeFile(
    join(flow.root, 'home/.npmrc'),
    `registry=http://user:${planted['the address of the default registry']}@${host}/\n//other.example.com/:_authToken=${planted['the .npmrc']}\n`,
  );
  await flow.build();
  const { results } = await flow.publish();
  expect(results.flatMap((result) => result.error?.format() ?? [])).toEqual([]);
  const token = planted['TEST_REGISTRY_TOKEN'] as string;
  const all = Object.values(planted).map(echo).join(' ');
  flow.proxy('test').rules.push(
    {
      method: 'PUT',
      path: /^\/@acme\/leaky$/,
      times: 99,
      fault: { do: 'answer', status: 401, body: { error: `no: ${echo(token)}` } },
    },
    {
      method: 'PUT',
      path: /^\/@acme\/lost$/,
      times: 99,
      fault: { do: 'answer', status: 400, headers: { 'content-type': 'text/html' }, body: `<b>${all}</b>` },
    },
  );
  const run = async (name: string, work: Promise<Ran>) => {
    const { stdout, stderr } = await work;
    said.set(name, stdout + stderr);
  };
  const type = (...args: string[]) => sluice(flow.root, flow.env, ...args);
  await run('promote', type('promote', 'test'));
  await run('promote --json', type('promote', 'test', '--json'));
  await Promise.all([
    run('plan', type('plan', 'test', '--json')),
    run('status', type('status', '--json')),
    run('verify', type('verify', '--json')),
    run('rollback', type('rollback', 'test', 'fine', '--reason', `it said ${echo(token)}`)),
  ]);
  said.set('executor', await throughNx());
  flow.proxy('public').rules.push({
    path: /./,
    times: 99,
    fault: {
      do: 'answer',
      status: 401,
      body: { error: echo(planted['the address of the default registry'] as string) },
    },
  });
  await run('the default registry', type('plan', 'public', 'leaky'));
  await run('the default registry, promoted into', type('promote', 'public', 'fine'));
  flow.git(
    'remote',
    'set-url',
    'origin',
    `http://user:${planted['the address of the remote']}@${host}/acme.git`,
  );
  await run('a remote that refuses', type('status'));
  flow.git('remote', 'set-url', 'origin', '../remote.git');
  await collect(flow.root, ['.git', 'home']);
});
afterAll(() => flow?.close());

/** The batch executor with `--output-file`, as Nx calls it. */
async function throughNx(): Promise<string> {
  let text = '';
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => ((text += String(chunk)), true)),
  );
  const env = { ...process.env };
  Object.assign(process.env, flow.env);
  try {
    const projects = Object.fromEntries(
      ['fine', 'leaky', 'lost'].map((project) => [project, { root: `libs/${project}` }]),
    );
    const tasks = Object.fromEntries(
      Object.keys(projects).map((project) => [
        `${project}:promote:test`,
        { id: `${project}:promote:test`, target: { project, target: 'promote' } },
      ]),
    );
    const inputs = Object.fromEntries(
      Object.keys(tasks).map((id) => [id, { stage: 'test', outputFile: 'dist/report/promotion.json' }]),
    );
    const context = {
      root: flow.root,
      projectsConfigurations: { version: 2, projects },
    } as unknown as ExecutorContext;
    for await (const { task, result } of batch('promoteTasks')({ tasks } as never, inputs, {}, context)) {
      text += `${task} ${result.success} ${result.terminalOutput}`;
    }
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    for (const spy of spies) spy.mockRestore();
  }
  return text;
}

async function collect(folder: string, without: string[]): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const below = path.slice(folder.length + 1);
    if (entry.isFile() && !without.some((one) => below.startsWith(`${one}/`)))
      files.set(below, await readFile(path, 'latin1'));
  }
}

const objects = (gitDir: string) =>
  execFileSync('git', ['--git-dir', gitDir, 'cat-file', '--batch-all-objects', '--batch'], {
    maxBuffer: 1 << 28,
  });

describe.each(
  Object.keys(planted).concat('GITHUB_REGISTRY_TOKEN', 'TEST_REGISTRY_TOKEN', 'PUBLIC_REGISTRY_TOKEN'),
)('a secret in %s', (place) => {
  const found = (text: string) => formsOf(planted[place] as string).filter((form) => text.includes(form));

  it('is in nothing that was printed', () => {
    for (const [name, text] of said) expect([name, found(text)]).toEqual([name, []]);
  });

  it('is in no object of the ledger or the repository, and in no file', () => {
    for (const gitDir of [join(flow.root, '.git'), join(dirname(flow.root), 'remote.git')]) {
      const content = objects(gitDir);
      expect(content.includes('published')).toBe(true);
      expect(found(content.toString('latin1'))).toEqual([]);
      expect(found(content.toString('utf8'))).toEqual([]);
    }
    for (const [name, text] of files) expect([name, found(text)]).toEqual([name, []]);
  });
});

describe('what was searched', () => {
  it('had reason to hold them: requests failed, a registry repeated tokens, and all was written', () => {
    expect(said.get('promote')).toMatch(/TOKEN_REFUSED[\s\S]*\[redacted\]/);
    expect(said.get('promote')).toMatch(/REGISTRY_REFUSED[\s\S]*\[redacted\]/);
    expect(said.get('promote --json')).toMatch(/"code": "TOKEN_REFUSED"/);
    expect(said.get('executor')).toMatch(/leaky:promote:test false TOKEN_REFUSED/);
    expect(said.get('executor')).toMatch(/fine:promote:test true/);
    expect(said.get('a remote that refuses')).toMatch(/POLICY_UNREACHABLE|LEDGER_UNREACHABLE/);
    expect(said.get('the default registry, promoted into')).toMatch(/TOKEN_REFUSED/);
    expect(said.get('status')).toMatch(/"packages"/);
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['dist/report/promotion.json', 'dist/artifacts/leaky/artifact.json']),
    );
    expect(files.get('dist/report/promotion.json')).toContain('[redacted]');
  });

  it('would have been found', () => {
    const secret = planted['TEST_REGISTRY_TOKEN'] as string;
    for (const text of echo(secret).split(' '))
      expect(formsOf(secret).some((form) => text.includes(form))).toBe(true);
  });
});
