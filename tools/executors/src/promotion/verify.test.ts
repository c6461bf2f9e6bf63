import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatVerify } from '../report/verify.ts';
import { makeTarball } from '../testing/npm-packages.ts';
import { proveAll } from './prove.ts';
import { putByHand, tagByHand } from './testing/by-hand.ts';
import { Flow } from './testing/flow.ts';

const packages = {
  sound: [],
  swapped: [],
  extra: [],
  deleted: [],
  moved: [],
  refused: [],
  rebuilt: [],
  candidate: [],
};
let flow: Flow;
const verified = (stages?: string[]) => flow.with((context) => proveAll(context, stages ? { stages } : {}));
const told = (findings: { kind: string; stage?: string; name?: string; version?: string }[]) =>
  findings.map(
    ({ kind, stage = '-', name = '-', version = '-' }) =>
      `${kind} ${stage} ${name.replace('@acme/', '')} ${version}`,
  );

beforeAll(async () => {
  flow = await Flow.start({ packages });
  await flow.build();
  await flow.publish();
  await flow.promote('test');
  await flow.promote('public', ['sound']);
});
afterAll(() => flow?.close());
beforeEach(() => {
  for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
});

describe('verify', () => {
  it('downloads every version of every stage, and finds all as it was recorded', async () => {
    const before = [await flow.world('test'), await flow.records()];
    const report = await verified();
    expect(report).toMatchObject({
      ok: true,
      proved: 8 + 8 + 1,
      findings: [],
      history: { records: 17, problems: 0 },
    });
    expect(report.bytes).toBeGreaterThan(0);
    for (const [stage, count] of [
      ['github', 8],
      ['test', 8],
      ['public', 1],
    ] as const) {
      const downloads = flow
        .proxy(stage)
        .requests.filter(({ method, path }) => method === 'GET' && path.endsWith('.tgz'));
      expect(downloads.length).toBeGreaterThanOrEqual(count);
    }
    expect(formatVerify(report)).toMatch(/^17 downloads .*\n17 records .*sound\nverified$/);
    expect([await flow.world('test'), await flow.records()]).toEqual(before);
  });

  it('asks the stages that are named, and refuses names of none', async () => {
    const asked = flow.proxy('test').requests.length;
    expect(await verified(['public'])).toMatchObject({ ok: true, proved: 1 });
    expect(flow.proxy('test').requests.length).toBe(asked);
    await expect(verified(['public', 'tset'])).rejects.toMatchObject({ code: 'STAGE_UNKNOWN', exit: 2 });
  });

  it('finds what was done to a stage around us, each by its name', async () => {
    const file = join(flow.storage('test'), '@acme/swapped/swapped-1.0.0.tgz');
    await writeFile(file, (await makeTarball({ name: '@acme/swapped', version: '1.0.0' })).buffer);
    const extra = { name: '@acme/extra', version: '6.6.6' };
    await putByHand(flow, 'test', (await makeTarball(extra)).buffer, extra);
    const moved = { name: '@acme/moved', version: '1.0.1' };
    await putByHand(flow, 'test', (await makeTarball(moved)).buffer, moved);
    await tagByHand(flow, 'test', '@acme/moved', 'latest', '1.0.1');
    flow
      .proxy('test')
      .rules.push(
        { path: /^\/@acme\/deleted$/, times: 9, fault: { do: 'hide', version: '1.0.0' } },
        { path: /^\/@acme\/refused$/, times: 9, fault: { do: 'answer', status: 401 } },
      );
    await flow.write({ 'libs/rebuilt/index.js': 'export const rebuilt = true;\n' });
    await flow.build(['rebuilt']);
    flow.git('checkout', '--quiet', 'libs');

    const report = await verified(['test']);
    expect(report.ok).toBe(false);
    expect(told(report.findings)).toEqual([
      'artifact - rebuilt 1.0.0',
      'different test swapped 1.0.0',
      'missing test deleted 1.0.0',
      'tag test moved 1.0.1',
      'unproved test refused -',
      'unrecorded test extra 6.6.6',
      'unrecorded test moved 1.0.1',
    ]);
    const different = report.findings.find((finding) => finding.kind === 'different');
    expect(different?.what).toMatch(/expected sha512-\S+, found sha512-\S+/);
    expect(report.findings.find((finding) => finding.kind === 'unproved')?.what).toMatch(/^TOKEN_REFUSED/);
    expect(report.proved).toBe(8 - 3);
    const text = formatVerify(report);
    expect(text.match(/^PROBLEM /gm)).toHaveLength(6);
    expect(text).toMatch(/^note: dist\/artifacts\/rebuilt holds other bytes/m);
  });

  it('takes a build folder with other bytes for a note, not for a problem', async () => {
    const report = await verified(['public']);
    expect(told(report.findings)).toEqual(['artifact - rebuilt 1.0.0']);
    expect(report.ok).toBe(true);
  });

  it('finds a dist-tag that was moved back to an older version, not one that an older line left alone', async () => {
    for (const version of ['1.2.0', '1.1.0']) {
      await flow.release(version, ['sound']);
      await flow.build(['sound']);
      await flow.publish(['sound']);
      await flow.promote('test', ['sound']);
    }
    const ofSound = async () =>
      told((await verified(['test'])).findings).filter((line) => line.includes('sound'));
    expect((await flow.world('test'))['sound']?.tags['latest']).toBe('1.2.0');
    expect(await ofSound()).toEqual([]);
    await tagByHand(flow, 'test', '@acme/sound', 'latest', '1.0.0');
    expect(await ofSound()).toEqual(['tag test sound 1.0.0']);
    await tagByHand(flow, 'test', '@acme/sound', 'latest', '1.2.0');
  });

  it('finds a record that was edited, and a history that was written anew', async () => {
    const ledger = join(flow.root, '.sluice/local/ledger.git');
    const clone = join(flow.root, 'home/forger');
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: clone, env: flow.env, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    execFileSync('git', ['clone', '--quiet', '--branch', 'sluice/ledger', ledger, clone], {
      env: flow.env,
      stdio: 'ignore',
    });
    const path = git('ls-files', 'records').split('\n')[0] as string;
    const text = await readFile(join(clone, path), 'utf8');
    await writeFile(join(clone, path), text.replace('"size": ', '"size": 1'));
    git('commit', '--quiet', '--all', '--message', 'nothing to see');
    git('push', '--quiet', 'origin', 'HEAD');
    const outcome = await verified(['public']).then(
      (report) => told(report.findings).join('\n'),
      (error) => error.code,
    );
    expect(outcome).toMatch(/^history/m);
    git('reset', '--quiet', '--hard', 'HEAD~2');
    git('push', '--quiet', '--force', 'origin', 'HEAD');
    await expect(verified(['public'])).rejects.toMatchObject({ code: 'LEDGER_REWRITTEN' });
  });
});
