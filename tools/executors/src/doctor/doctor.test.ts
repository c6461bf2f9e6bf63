import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../cli/testing/sluice.ts';
import { initialised } from '../generators/init/settings.ts';
import { Flow, STAGES } from '../promotion/testing/flow.ts';
import { worldOf } from './testing/examine.ts';
import type { Diagnosis } from './types.ts';

let flow: Flow;
const type = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  sluice(flow.root, { ...flow.env, ...env }, 'doctor', ...args);

beforeAll(async () => {
  flow = await Flow.start({ live: true, packages: { units: [], money: ['units'] } });
  const nxJson = initialised(JSON.parse(await readFile(join(flow.root, 'nx.json'), 'utf8')), {
    packageTargets: new Set(),
    rootTargets: new Set(),
  });
  await flow.write({ 'nx.json': JSON.stringify(nxJson) });
  flow.git('commit', '--quiet', '--all', '--message', 'chore: as init leaves it');
  flow.push();
  await flow.build();
  await flow.publish();
});
afterAll(() => flow?.close());
beforeEach(() => {
  for (const proxy of flow.proxies.values()) proxy.requests.splice(0);
});

describe('sluice doctor', () => {
  it('ends with 0 where all is well, and has changed nothing', async () => {
    const before = await worldOf(flow);
    const ran = await type([]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^check +stage +result\n/);
    expect(ran.stdout).toMatch(/^registry: token +test +ok +TEST_REGISTRY_TOKEN is /m);
    expect(ran.stdout).toMatch(/^\d+ ok, 3 not checked \(profile live\); nothing was changed\n$/m);
    expect(await worldOf(flow)).toEqual(before);
    for (const stage of STAGES) {
      expect(flow.proxy(stage).requests.length).toBeGreaterThan(0);
      expect(flow.proxy(stage).requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    }
  });

  it('ends with 1 where something would fail, and has changed nothing either', async () => {
    flow.git('branch', '--quiet', '--force', 'other');
    const before = await worldOf(flow);
    const ran = await type(['test'], { TEST_REGISTRY_TOKEN: '', SLUICE_SIGNING_KEY: '' });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(
      /^PROBLEM gates: signing, SIGNER_MISSING\n {2}.*\n {2}next: .*\n\nPROBLEM registry: token \(test\), TOKEN_MISSING\n {2}TEST_REGISTRY_TOKEN is not set.*\n {2}next: export TEST_REGISTRY_TOKEN=<token>/,
    );
    expect(ran.stdout).toMatch(/2 problems, .*\(stage test, profile live\); nothing was changed\nNext: /);
    expect(await worldOf(flow)).toEqual(before);
  });

  it('changes nothing where the remote has moved on: what is fetched stays outside', async () => {
    const other = await flow.clone();
    await other.release('1.1.0', ['units']);
    other.push();
    const before = await worldOf(flow);
    const ran = await type(['--json']);
    const { checks } = JSON.parse(ran.stdout) as Diagnosis;
    const policy = checks.find(({ title }) => title === 'policy');
    expect(policy?.said).toContain(other.git('rev-parse', 'HEAD').slice(0, 12));
    expect(await worldOf(flow)).toEqual(before);
  });

  it('prints JSON alone, from any folder', async () => {
    const ran = await sluice(join(flow.root, 'libs/units'), flow.env, 'doctor', 'public', '--json');
    const diagnosis = JSON.parse(ran.stdout) as Diagnosis;
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(diagnosis).toMatchObject({ profile: 'live', stage: 'public', ok: true, counts: { problem: 0 } });
    expect(diagnosis.checks).toContainEqual(
      expect.objectContaining({ room: 'tools', title: 'git', verdict: 'ok', ms: expect.any(Number) }),
    );
  });

  it('annotates inside GitHub Actions, and adds to the summary; standard output stays the answer', async () => {
    const summary = join(flow.root, 'home/summary.md');
    await writeFile(summary, 'before\n');
    const ran = await type(['test', '--json'], {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: summary,
      TEST_REGISTRY_TOKEN: '',
    });
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false });
    expect(ran.stderr).toMatch(
      /^::error title=registry%3A token \(test\)::TEST_REGISTRY_TOKEN is not set.*%0Anext: export/m,
    );
    expect(await readFile(summary, 'utf8')).toMatch(
      /^before\n### ❌ doctor test\n[^]*\| ❌ \| registry: token \| test \|/,
    );
  });

  it('shows no token, also where a registry repeats it', async () => {
    const secret = 'hunter2-hunter2-hunter2';
    flow.proxy('test').rules.push({
      path: /whoami/,
      times: 9,
      fault: { do: 'answer', status: 403, body: { error: `bad credentials: ${secret}` } },
    });
    const [text, json] = await Promise.all([
      type(['test'], { TEST_REGISTRY_TOKEN: secret }),
      type(['test', '--json'], { TEST_REGISTRY_TOKEN: secret }),
    ]);
    expect([text.code, json.code]).toEqual([1, 1]);
    expect(text.stdout + text.stderr + json.stdout + json.stderr).not.toContain(secret);
    flow.proxy('test').rules.splice(0);
  });

  it('ends with 2 where the question is wrong', async () => {
    const [stage, profile] = await Promise.all([type(['tset']), type([], { SLUICE_PROFILE: 'prod' })]);
    expect(stage).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^STAGE_UNKNOWN: /) });
    expect(profile).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^PROFILE_UNKNOWN: /),
    });
  });
});
