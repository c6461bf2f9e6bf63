// What a ledger of 100,000 records costs to open: node bench/ledger.ts [records] [records a batch]
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openRepository } from '../tools/executors/src/git/index.ts';
import { openLedger } from '../tools/executors/src/ledger/index.ts';
import type { LedgerRecord, Published, RecordBody } from '../tools/executors/src/ledger/types.ts';

const [records = 100_000, size = 5] = process.argv.slice(2).map(Number);
const PACKAGES = 300;
const BRANCH = 'sluice/ledger';
const STAGES = ['github', 'test', 'public'];

const sha512 = (text: string) => `sha512-${createHash('sha512').update(text).digest('base64')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Record number `n` of a workspace whose packages go through three stages, one version after the other. */
function recordOf(n: number): LedgerRecord {
  const name = `@acme/package-${n % PACKAGES}`;
  const pass = Math.floor(n / PACKAGES);
  const stage = STAGES[pass % 3] as string;
  const version = `1.${Math.floor(pass / 3)}.0`;
  const common = {
    at: new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString(),
    pipeline: 'packages' as const,
    repository: 'git.example.com/acme/shop',
    stage,
    registry: `${stage}.example.com`,
    by: 'ada@example.com',
    run: `run-${Math.floor(n / size)}`,
    project: `package-${n % PACKAGES}`,
    name,
    version,
    integrity: sha512(`${name}@${version}`),
    tag: 'latest',
  };
  if (stage === 'github') {
    return {
      ...common,
      type: 'published',
      root: `libs/package-${n % PACKAGES}`,
      shasum: '0'.repeat(40),
      size: 20_480,
      source: { commit: sha256(version).slice(0, 40), dirty: false },
      tools: { node: '26.10.0', npm: '11.19.1', typescript: '6.0.3' },
      dependencies: {
        '@acme/units': { version, range: '^1.0.0' },
        '@acme/logger': { version, range: '^1.0.0' },
      },
    };
  }
  return {
    ...common,
    type: 'promoted',
    from: stage === 'test' ? 'github' : 'test',
    verified: 'bytes',
    planHash: sha256(version),
    policy: sha256('policy').slice(0, 40),
    approvals: stage === 'public' ? [sha256(`${version} approved`).slice(0, 32)] : [],
    gate: [{ condition: 'approvals', detail: '1 of 1: grace@example.com' }],
  };
}

async function generate(folder: string): Promise<void> {
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', folder]);
  const git = spawn('git', ['fast-import', '--quiet', '--date-format=raw'], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const value = `-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(380)}\n-----END SSH SIGNATURE-----\n`;
  for (let n = 0; n < records; n += size) {
    const all = Array.from({ length: Math.min(size, records - n) }, (_, index) => recordOf(n + index));
    const at = all[0]?.at ?? '';
    const signature = { format: 'sshsig', principal: 'ada@example.com', value };
    const content = Buffer.from(
      `${JSON.stringify({ schemaVersion: 1, records: all, signature }, null, 2)}\n`,
    );
    const path = `records/${at.slice(0, 10).replaceAll('-', '/')}/${at.replace(/[-:.]/g, '')}-${n}.json`;
    const who = `Ada <ada@example.com> ${Date.parse(at) / 1000} +0000`;
    const parts = [
      Buffer.from(
        `commit refs/heads/${BRANCH}\ncommitter ${who}\ndata 7\nrecords\nM 100644 inline ${path}\n`,
      ),
      Buffer.from(`data ${content.length}\n`),
      content,
      Buffer.from('\n\n'),
    ];
    if (!git.stdin.write(Buffer.concat(parts))) await once(git.stdin, 'drain');
  }
  git.stdin.end();
  await once(git, 'exit');
}

const milliseconds = async <T>(work: () => Promise<T> | T): Promise<[number, T]> => {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
};
const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-ledger-'));
try {
  const [generating] = await milliseconds(() => generate(folder));
  console.log(
    `${records} records in ${Math.ceil(records / size)} batches, made in ${(generating / 1000).toFixed(1)} s\n`,
  );
  const open = async (remote?: string) =>
    openLedger({
      repository: await openRepository(folder),
      branch: BRANCH,
      push: false,
      ...(remote ? { remote } : {}),
      repositoryIdentity: 'git.example.com/acme/shop',
      requireSignature: false,
    });
  const measure = async () => {
    const [opening, ledger] = await milliseconds(() => open());
    const [refresh, state] = await milliseconds(() => ledger.refresh());
    const [position] = await milliseconds(() => {
      for (const name of state.packages()) for (const stage of STAGES) state.position(stage, name);
    });
    const [spent] = await milliseconds(() => state.spent('none'));
    const [audit, problems] = await milliseconds(() => ledger.audit());
    if (state.count !== records || problems.length > 0)
      throw new Error('the ledger was not read as it was written');
    return { opening, refresh, position, spent, audit };
  };
  const print = (title: string, times: Awaited<ReturnType<typeof measure>>) =>
    console.log(
      `${title.padEnd(28)} ${Object.values(times)
        .map((time) => `${time.toFixed(0)} ms`.padStart(10))
        .join('')}`,
    );
  console.log(
    `${''.padEnd(28)} ${['open', 'refresh', 'positions', 'spent', 'audit'].map((t) => t.padStart(10)).join('')}`,
  );
  print('cold (no snapshot)', await measure());
  const warm: Awaited<ReturnType<typeof measure>>[] = [];
  for (let round = 0; round < 7; round++) warm.push(await measure());
  const keys = Object.keys(warm[0] as object) as (keyof (typeof warm)[0])[];
  print(
    'warm, median of 7',
    Object.fromEntries(keys.map((key) => [key, median(warm.map((run) => run[key]))])) as never,
  );

  const ledger = await open();
  await ledger.refresh();
  const { project, name, integrity, stage, registry } = recordOf(0) as Published;
  const body = (n: number): RecordBody => {
    const item = { project, name, version: `9.${n}.0`, integrity };
    return { type: 'held', pipeline: 'packages', stage, registry, ...item, reason: 'bench' };
  };
  const appends: number[] = [];
  for (let n = 0; n < 15; n++)
    appends.push((await milliseconds(() => ledger.append(() => [body(n)], { run: 'b' })))[0]);
  console.log(`\nappend of one record          ${median(appends).toFixed(0)} ms (median of 15)`);
  const [reopened, state] = await milliseconds(async () => (await open()).refresh());
  console.log(`refresh after 15 more batches ${reopened.toFixed(0)} ms (${state.count} records)`);
  const snapshots = join(folder, '.git', 'sluice');
  for (const name of await readdir(snapshots)) {
    console.log(
      `snapshot                      ${((await stat(join(snapshots, name))).size / 1e6).toFixed(0)} MB`,
    );
  }
  console.log(`resident memory               ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
