import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { start } from './testing/child.ts';
import { endState } from './testing/crash.ts';
import { Flow } from './testing/flow.ts';

const system = process.env['TMPDIR'];
let folder: string;
let flow: Flow;
const mounts: string[] = [];

/** A disk of its own with so many bytes; undefined where this user may not mount one. */
function smallDisk(path: string, size: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' });
    mounts.push(path);
    return path;
  } catch {
    return undefined;
  }
}
const mayMount = await (async () => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-mount-'));
  const may = smallDisk(path, '64k') !== undefined;
  for (const mount of mounts.splice(0)) execFileSync('umount', [mount]);
  await rm(path, { recursive: true });
  return may;
})();

const temporary = async () => (await readdir(folder)).filter((file) => file.startsWith('sluice-'));
const latest = async (project: string) => (await flow.world('test'))[project]?.tags['latest'];
const useTemporary = (path: string) => (process.env['TMPDIR'] = path);

/** `bulk` grows by so many bytes that do not compress, and both packages get the version and are published. */
async function release(version: string, size: number): Promise<void> {
  await writeFile(join(flow.root, 'libs/bulk/data.bin'), randomBytes(size));
  await flow.release(version);
  await flow.build();
  const { results } = await flow.publish();
  expect(results.filter((result) => !result.success)).toEqual([]);
}

beforeAll(async () => {
  flow = await Flow.start({ packages: { bulk: [], small: [] } });
  flow.git('config', 'core.compression', '0');
  await mkdir(join(flow.root, '.sluice/local'), { recursive: true });
  folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  useTemporary(folder);
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const proxy of flow.proxies.values()) proxy.rules.length = 0;
  useTemporary(folder);
});
afterAll(async () => {
  for (const mount of mounts) execFileSync('umount', [mount]);
  if (system === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = system;
  await flow?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a tarball of 16 MB, twice what is held in memory', () => {
  it('is published and promoted by way of a temporary file, which is removed', async () => {
    await release('1.0.0', 16_000_000);
    expect(await temporary()).toEqual([]);
    const spooled: string[] = [];
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /^\/@acme\/bulk$/,
      fault: { do: 'meanwhile', work: async () => void spooled.push(...(await temporary())) },
    });
    const { results } = await flow.promote('test');
    expect(results.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(spooled).toEqual([expect.stringMatching(/^sluice-artifact-/)]);
    expect(await temporary()).toEqual([]);
    expect((await endState(flow)).findings).toEqual([]);
    expect(await temporary()).toEqual([]);
  });

  it('leaves no temporary file when the promotion is stopped by SIGTERM', async () => {
    await release('1.1.0', 16_000_000);
    const child = start(flow, { command: 'promote', options: { stage: 'test' } }, { TMPDIR: folder });
    let spooled: string[] = [];
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /^\/@acme\/bulk$/,
      fault: {
        do: 'meanwhile',
        work: async () => {
          spooled = await temporary();
          child.process.kill('SIGTERM');
          await child.ended;
        },
      },
    });
    expect(await child.ended).toMatchObject({ code: 1, signal: null });
    expect(spooled).toEqual([expect.stringMatching(/^sluice-artifact-/)]);
    expect(await temporary()).toEqual([]);
    expect(await latest('bulk')).toBe('1.0.0');
    await flow.promote('test');
    expect([await latest('bulk'), await latest('small')]).toEqual(['1.1.0', '1.1.0']);
  });
});

describe('a disk without space', () => {
  /** The large one fails and leaves nothing; the small one arrives. With space, the same command ends it. */
  async function expectFailureOfBulk(version: string, again: () => void): Promise<void> {
    const before = (await flow.world('test'))['bulk'];
    const { results } = await flow.promote('test');
    expect(results.map(({ project, status, error }) => [project, status, error?.code])).toEqual([
      ['bulk', 'failed', 'DISK_FULL'],
      ['small', 'done', undefined],
    ]);
    expect((await flow.world('test'))['bulk']).toEqual(before);
    expect(await latest('small')).toBe(version);
    expect(await flow.records()).not.toContain(`promoted test bulk@${version}`);
    expect((await readdir(tmpdir())).filter((file) => file.startsWith('sluice-artifact'))).toEqual([]);
    again();
    expect((await flow.promote('test')).results.map(({ status }) => status)).toEqual(['done', 'nothing']);
    expect(await latest('bulk')).toBe(version);
  }

  it('for the temporary file, as the file system says it', async () => {
    await release('1.2.0', 10_000_000);
    const handle = await open(join(flow.root, 'package.json'));
    const proto = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    vi.spyOn(proto, 'writeFile').mockRejectedValue(Object.assign(new Error('write'), { code: 'ENOSPC' }));
    await expectFailureOfBulk('1.2.0', () => vi.restoreAllMocks());
  });

  it.skipIf(!mayMount)('for the temporary file, on a real small disk', async () => {
    await release('1.3.0', 10_000_000);
    const small = join(folder, 'small');
    await mkdir(small);
    useTemporary(smallDisk(small, '4m') ?? '');
    await expectFailureOfBulk('1.3.0', () => useTemporary(folder));
  });

  async function expectOnlyTheRecordMissing(version: string): Promise<void> {
    const records = await flow.records();
    const { results } = await flow.promote('test');
    expect(
      results.map(
        ({ error }) => `${error?.code} by ${(error?.cause as { code?: string } | undefined)?.code}`,
      ),
    ).toEqual(['NOT_RECORDED by DISK_FULL', 'NOT_RECORDED by DISK_FULL']);
    expect([await latest('bulk'), await latest('small')]).toEqual([version, version]);
    expect(await flow.records()).toEqual(records);
  }

  async function expectOnlyRecording(version: string): Promise<void> {
    const records = await flow.records();
    const proxy = flow.proxy('test');
    const seen = proxy.requests.length;
    expect((await flow.promote('test')).results.map(({ status }) => status)).toEqual(['done', 'done']);
    const asked = proxy.requests.slice(seen);
    expect(asked.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect((await endState(flow)).findings).toEqual([]);
    expect((await flow.records()).slice(records.length).toSorted()).toEqual([
      `promoted test bulk@${version}`,
      `promoted test small@${version}`,
    ]);
  }

  it('for the ledger, as git says it', async () => {
    await release('1.4.0', 1000);
    const path = process.env['PATH'];
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const full = 'echo "fatal: write error: No space left on device" >&2; exit 128';
    const script = `#!/bin/sh\ncase " $* " in *" fast-import "*) ${full} ;; esac\nexec "${real}" "$@"\n`;
    await writeFile(join(folder, 'git'), script, { mode: 0o755 });
    process.env['PATH'] = `${folder}:${path}`;
    try {
      await expectOnlyTheRecordMissing('1.4.0');
    } finally {
      process.env['PATH'] = path;
    }
    await expectOnlyRecording('1.4.0');
  });

  it.skipIf(!mayMount)('for the ledger, on a real small disk', async () => {
    await release('1.5.0', 1000);
    const local = join(flow.root, '.sluice/local');
    const aside = join(folder, 'aside');
    execFileSync('cp', ['-r', local, aside]);
    smallDisk(local, '2m');
    execFileSync('cp', ['-r', join(aside, 'ledger.git'), local]);
    await writeFile(join(local, 'filler'), Buffer.alloc(4_000_000)).catch(() => undefined);
    await expectOnlyTheRecordMissing('1.5.0');
    await rm(join(local, 'filler'));
    await expectOnlyRecording('1.5.0');
  });
});
