import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPty, typed } from '../src/cli/testing/pty.ts';
import { NxWorkspace } from './nx-workspace.ts';

/** At a terminal where there is one to be had: what a person sees of it at the end. */
async function watched(workspace: NxWorkspace, line: string): Promise<{ code: number; seen: string }> {
  if (!hasPty) {
    const { code, out } = await workspace.run('sh', '-c', line);
    return { code: code ?? -1, seen: out };
  }
  const { NX_TUI: _, GITHUB_ACTIONS: __, ...env } = workspace.env;
  const run = typed(workspace.root, env, line);
  return { code: await run.ended, seen: (await run.screen.all()).join('\n') };
}

const ALL = ['invoice', 'logger', 'money', 'units'];
const each = (version: string) => Object.fromEntries(ALL.map((project) => [project, version]));

/** What a user types, through real Nx; each test stands on the one before. */
describe('the targets, through Nx', { timeout: 240_000 }, () => {
  let workspace: NxWorkspace;
  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
  });
  afterAll(() => workspace.close());

  it('publishes all packages, and builds them before', async () => {
    const { code, out } = await workspace.run('nx', 'run-many', '-t', 'publish-registry');
    expect(code, out).toBe(0);
    expect(await workspace.versions('github')).toEqual(each('1.0.0'));
    expect(workspace.git('tag', '--list')).toBe('');
    expect(workspace.git('status', '--porcelain')).toBe('');
  });

  it('lists the stages where none is named, and takes a stage of another pipeline for no work', async () => {
    const none = await workspace.run('nx', 'run', 'money:promote');
    expect(none.code).not.toBe(0);
    expect(none.out).toMatch(/STAGE_MISSING[^]*github, test, public/);
    workspace.json('nx.json', (nx) => {
      const plugins = nx['plugins'] as { plugin: string; options: Record<string, unknown> }[];
      const own = plugins.find((one) => one.plugin.startsWith('@sluice/'));
      if (own) own.options['services'] = { stages: [{ name: 'staging' }] };
      return nx;
    });
    const other = await workspace.run('nx', 'run-many', '-t', 'promote', '-c', 'staging');
    expect(other.code, other.out).toBe(0);
    workspace.git('checkout', '--quiet', 'nx.json');
    expect(await workspace.versions('test')).toEqual(
      Object.fromEntries(ALL.map((project) => [project, undefined])),
    );
  });

  it('prints the plan in a dry run and writes it as data', async () => {
    const { code, out } = await workspace.run(
      'nx',
      'run-many',
      '-t',
      'promote',
      '-c',
      'test',
      '--dry-run',
      '--output-file=dist/plan.json',
      '--output-style=static',
    );
    expect(code, out).toBe(0);
    expect(out).toContain('would go from github to test');
    const { plan } = JSON.parse(readFileSync(join(workspace.root, 'dist/plan.json'), 'utf8')) as {
      plan: { items: { name: string; action: string }[]; hash: string };
    };
    expect(plan.items.map(({ name, action }) => `${name} ${action}`).toSorted()).toEqual(
      ALL.map((project) => `@acme/${project} promote`),
    );
    const { stdout } = await workspace.run('sluice', 'plan', 'test', '--json');
    expect((JSON.parse(stdout) as typeof plan).hash).toBe(plan.hash);
    expect((await workspace.versions('test'))['money']).toBeUndefined();
  });

  it('promotes one project with its dependencies without a batch, the others with one; then affected skips nothing', async () => {
    const single = await workspace.run('nx', 'run', 'money:promote:test', '--batch=false');
    expect(single.code, single.out).toBe(0);
    expect(await workspace.versions('test')).toEqual({ ...each('1.0.0'), invoice: undefined });
    const { stdout: base } = await workspace.run('sluice', 'base', 'test');
    const affected = await workspace.run(
      'nx',
      'affected',
      '-t',
      'promote',
      '-c',
      'test',
      `--base=${base.trim()}`,
    );
    expect(affected.code, affected.out).toBe(0);
    expect(await workspace.versions('test')).toEqual(each('1.0.0'));
    const after = await workspace.run('sluice', 'base', 'test');
    expect(after.stdout.trim()).toBe(workspace.git('rev-parse', 'HEAD'));
  });

  it('finds the positions of projects that moved apart', async () => {
    workspace.change('units', 'feat(units): one');
    const behindSince = workspace.git('rev-parse', 'HEAD~1');
    workspace.change('logger', 'feat(logger): two');
    for (const project of ['units', 'logger']) {
      workspace.json(`libs/${project}/package.json`, (manifest) => ({ ...manifest, version: '1.1.0' }));
    }
    workspace.commit('chore: versions');
    const published = await workspace.run('nx', 'run-many', '-t', 'publish-registry', '-p', 'units,logger');
    expect(published.code, published.out).toBe(0);
    const one = await watched(workspace, 'nx run logger:promote:test');
    expect(one.code, one.seen).toBe(0);
    // What Nx gives to the only task of a run is what the live lines need, in the version that is installed.
    const title = hasPty ? /^logger:promote:test \.\.\.$/m : / /;
    const row = hasPty
      ? /^@acme\/logger +1\.1\.0 +done +planned, accepted, visible, verified, tagged +0 /m
      : / /;
    expect(one.seen).toMatch(title);
    expect(one.seen).toMatch(row);
    expect(one.seen).toMatch(/^@acme\/logger@1\.1\.0 -> test: [^]* NX {3}Successfully ran target promote/m);
    const { stdout } = await workspace.run('sluice', 'base', 'test');
    expect(stdout.trim()).toBe(behindSince);
    const rest = await workspace.run(
      'nx',
      'affected',
      '-t',
      'promote',
      '-c',
      'test',
      `--base=${stdout.trim()}`,
    );
    expect(rest.code, rest.out).toBe(0);
    expect(await workspace.versions('test')).toMatchObject({ units: '1.1.0', logger: '1.1.0' });
  });

  it('fails with the code of a closed gate, and changes nothing', async () => {
    const { code, out } = await workspace.run('nx', 'run-many', '-t', 'promote', '-c', 'public');
    expect(code).not.toBe(0);
    expect(out).toContain('GATE_CLOSED');
    expect((await workspace.run('sluice', 'promote', 'public')).code).toBe(3);
    expect((await workspace.versions('public'))['money']).toBeUndefined();
  });

  it('answers from the root without a project named', async () => {
    const status = await workspace.run('nx', 'status');
    expect(status.code, status.out).toBe(0);
    expect(status.out).toMatch(/units\s+1\.1\.0/);
    const verify = await workspace.run('nx', 'verify');
    expect(verify.code, verify.out).toBe(0);
    const doctor = await workspace.run('nx', 'doctor', '-c', 'test', '--outputFile=dist/doctor.json');
    expect(doctor.code, doctor.out).toBe(0);
    expect(doctor.out).toMatch(/registry: local registry +test +ok/);
    const written = readFileSync(join(workspace.root, 'dist/doctor.json'), 'utf8');
    expect(JSON.parse(written)).toMatchObject({ stage: 'test', ok: true });
  });

  it('names a wrong option by its path', async () => {
    workspace.json('nx.json', (nx) => {
      const plugins = nx['plugins'] as {
        plugin: string;
        options: { packages?: { stages: Record<string, unknown>[] } };
      }[];
      const stages = plugins.find((one) => one.plugin.startsWith('@sluice/'))?.options.packages?.stages ?? [];
      if (stages[1]) stages[1]['registry'] = 'not a url';
      return nx;
    });
    const { code, out } = await workspace.run('nx', 'show', 'projects');
    workspace.git('checkout', '--quiet', 'nx.json');
    expect(code).not.toBe(0);
    expect(out).toContain('packages.stages[1].registry');
  });
});
