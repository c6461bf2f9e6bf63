import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { LedgerRecord } from '../tools/executors/src/ledger/types.ts';

export const BRANCH = 'sluice/ledger';
export const STAGES = ['github', 'test', 'public'];

export interface History {
  records: number;
  /** Records of one batch. */
  size: number;
  packages: number;
  repository?: string;
  /** What every artifact was built from; made up unless given. */
  commit?: string;
}

const sha512 = (text: string) => `sha512-${createHash('sha512').update(text).digest('base64')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Record number `n` of a workspace whose packages go through three stages, one version after the other. */
export function recordOf(n: number, history: History): LedgerRecord {
  const { packages, size, repository = 'git.example.com/acme/shop', commit } = history;
  const name = `@acme/package-${n % packages}`;
  const pass = Math.floor(n / packages);
  const stage = STAGES[pass % 3] as string;
  const version = `1.${Math.floor(pass / 3)}.0`;
  const common = {
    at: new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString(),
    pipeline: 'packages' as const,
    repository,
    stage,
    registry: `${stage}.example.com`,
    by: 'ada@example.com',
    run: `run-${Math.floor(n / size)}`,
    project: `package-${n % packages}`,
    name,
    version,
    integrity: sha512(`${name}@${version}`),
    tag: 'latest',
  };
  if (stage === 'github') {
    return {
      ...common,
      type: 'published',
      root: `libs/package-${n % packages}`,
      shasum: '0'.repeat(40),
      size: 20_480,
      source: { commit: commit ?? sha256(version).slice(0, 40), dirty: false },
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

/** Writes the history onto the ledger's branch of a new repository. */
export async function writeHistory(folder: string, history: History, bare = false): Promise<void> {
  const { records, size } = history;
  execFileSync('git', [
    'init',
    '--quiet',
    ...(bare ? ['--bare', `--initial-branch=${BRANCH}`] : ['--initial-branch=main']),
    folder,
  ]);
  const git = spawn('git', ['fast-import', '--quiet', '--date-format=raw'], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const value = `-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(380)}\n-----END SSH SIGNATURE-----\n`;
  for (let n = 0; n < records; n += size) {
    const all = Array.from({ length: Math.min(size, records - n) }, (_, index) =>
      recordOf(n + index, history),
    );
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
