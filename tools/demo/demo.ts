import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { leaseLocalRegistries } from '../executors/src/registry/local/index.ts';
import { copyWorkspace } from '../executors/src/testing/copy-workspace.ts';
import { startHost, whyNoHost, type DemoHost } from './host.ts';
import { serviceStory } from './service-story.ts';
import { print, StageHand } from './stage-hand.ts';

/**
 * `npm run demo`: the whole story of a package, and of a service where a Docker engine answers, in a copy of this workspace that is thrown away afterwards. Real git,
 * real registries on loopback, real signatures; no token, and nothing outside the copy is touched. Ends non-zero when
 * anything is not as told.
 */
const workspace = join(import.meta.dirname, '../..');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-demo-')));
const copy = join(folder, 'acme');
const reviewer = join(folder, 'rita_ed25519');
const began = performance.now();

const env: NodeJS.ProcessEnv = {
  ...process.env,
  NX_DAEMON: 'false',
  NX_ISOLATE_PLUGINS: 'false',
  NX_TUI: 'false',
  PATH: `${join(copy, 'node_modules/.bin')}:${process.env['PATH']}`,
  // Made up for the demo's own database.
  DATABASE_PASSWORD: randomBytes(12).toString('hex'),
  DATABASE_ROOT_PASSWORD: randomBytes(12).toString('hex'),
};
for (const name of Object.keys(env))
  if (/^(SLUICE_|NX_RELEASE|GIT_)/.test(name) || name === 'CI') delete env[name];
const hand = new StageHand(copy, env);
const git = (...args: string[]) => execFileSync('git', args, { cwd: copy, env, encoding: 'utf8' }).trim();

function prepare(): void {
  copyWorkspace(workspace, copy);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'rita@acme.example', '-f', reviewer]);
  const [type, key] = readFileSync(`${reviewer}.pub`, 'utf8').split(' ');
  writeFileSync(
    join(copy, '.sluice/allowed_signers'),
    `rita@acme.example namespaces="sluice" ${type} ${key}\n`,
  );
  // The plugin is a package of this workspace like the others; the demo leaves it where it is, to be quick.
  edit('tools/executors/package.json', (manifest) => ({ ...manifest, private: true }));
  git('init', '--quiet', '--initial-branch=main');
  for (const [name, value] of [
    ['user.name', 'Dev'],
    ['user.email', 'dev@acme.example'],
    ['commit.gpgsign', 'false'],
    ['tag.gpgsign', 'false'],
  ] as const) {
    git('config', name, value);
  }
  git('add', '.');
  git('commit', '--quiet', '--message', 'feat: the workspace, with Rita as approver');
}

function edit(file: string, change: (json: Record<string, unknown>) => Record<string, unknown>): void {
  const path = join(copy, file);
  writeFileSync(
    path,
    `${JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>), null, 2)}\n`,
  );
}

function change(library: string, line: string): void {
  const file = join(copy, `libs/${library}/src/index.ts`);
  writeFileSync(file, `${readFileSync(file, 'utf8')}${line}\n`);
}

/** Adds a line to a library and commits it. */
function commit(library: string, line: string, message: string): void {
  change(library, line);
  git('commit', '--quiet', '--all', '--message', message);
}

interface StageStatus {
  stage: string;
  version?: string;
  held?: string[];
}
async function stands(project: string, stage: string): Promise<StageStatus | undefined> {
  const { code, stdout, out } = await hand.quietly('npx sluice status --json');
  if (code !== 0) throw new Error(out);
  const status = JSON.parse(stdout) as { packages: { project: string; stages: StageStatus[] }[] };
  return status.packages.find((one) => one.project === project)?.stages.find((one) => one.stage === stage);
}
const versionIn = async (project: string, stage: string) => (await stands(project, stage))?.version;

async function story(addresses: Map<string, { url: string }>): Promise<void> {
  hand.act(
    'Release: versions from the commits, changelogs, built once, published into the first stage',
    'The git tags come last, when each version is proved to be there.',
  );
  for (const library of ['units', 'logger', 'money', 'invoice']) change(library, '');
  git('commit', '--quiet', '--all', '--message', 'feat: everything that an invoice needs');
  await hand.type('npx nx release --yes', { show: false });
  const tags = git('tag', '--list');
  print(`     ${tags.replaceAll('\n', ', ')}\n`);
  const first = (await versionIn('money', 'github')) ?? '';
  hand.holds(
    `money@${first} is in github, and its tag was made after that`,
    first !== '' && tags.includes(`money@${first}`),
  );

  hand.act(
    'Promotion to test: exactly those bytes, dependencies first, installed into an empty folder and imported',
  );
  await hand.type('npx nx run-many -t promote -c test --output-style=static');
  hand.holds(
    'all four are in test',
    (await versionIn('invoice', 'test')) === (await versionIn('invoice', 'github')),
  );

  hand.act('Promotion to public meets a closed gate');
  await hand.type('npx sluice promote public', { exit: 'non-zero', says: /GATE_CLOSED/ });
  hand.holds('nothing was changed in public', (await versionIn('money', 'public')) === undefined);

  hand.act('Rita, who wrote none of it, approves these digests with her SSH key');
  await hand.type(`npx sluice approve public --key ${reviewer}`, { says: /approved by rita@acme\.example/ });
  await hand.type('npx nx run-many -t promote -c public --output-style=static');
  hand.holds(
    'all four are public',
    (await versionIn('invoice', 'public')) === (await versionIn('invoice', 'test')),
  );

  hand.act('Somebody tampers with a tarball inside the registry of test');
  commit(
    'units',
    '/** How many things make a gross. */\nexport const GROSS = 144;',
    'feat(units): the gross',
  );
  await hand.type('npx nx release --yes', { show: false });
  await hand.type('npx nx affected -t promote -c test --base=$(npx sluice base test)', { show: false });
  const second = (await versionIn('units', 'test')) ?? '';
  const tarball = join(copy, `.sluice/local/test/storage/@acme/units/units-${second}.tgz`);
  const bytes = readFileSync(tarball);
  const tampered = Buffer.from(bytes);
  tampered[tampered.length - 9] = (tampered[tampered.length - 9] ?? 0) ^ 1;
  writeFileSync(tarball, tampered);
  await hand.type(`npx sluice approve public --key ${reviewer}`, { show: false });
  await hand.type('npx sluice promote public units', { exit: 'non-zero', says: /BYTES_CHANGED_IN_SOURCE/ });
  hand.holds(`units@${second} did not get into public`, (await versionIn('units', 'public')) === first);
  writeFileSync(tarball, bytes);
  print('   The true bytes are put back; the same command goes on:\n');
  await hand.type('npx nx run-many -t promote -c public');
  hand.holds(`units@${second} is public`, (await versionIn('units', 'public')) === second);

  hand.act('A bad release gets through, and is taken back');
  commit('money', '/** Off by one. */\nexport const CENTS = 99;', 'fix(money): count the cents');
  await hand.type('npx nx release --yes', { show: false });
  await hand.type('npx nx run-many -t promote -c test', { show: false });
  await hand.type(`npx sluice approve public --key ${reviewer}`, { show: false });
  await hand.type('npx nx run-many -t promote -c public', { show: false });
  const bad = (await versionIn('money', 'public')) ?? '';
  await hand.type('npx nx run money:rollback:public --reason="counts 99 cents"');
  const good = await versionIn('money', 'public');
  const registry = addresses.get('public')?.url ?? '';
  const packument = (await (await fetch(`${registry}/@acme%2fmoney`)).json()) as {
    'dist-tags': Record<string, string>;
  };
  hand.holds(
    `npm install @acme/money gets ${good} again, not ${bad}`,
    good !== bad && packument['dist-tags']['latest'] === good,
  );
  await hand.type('npx nx run-many -t promote -c public', { show: false });
  hand.holds(`${bad} is held: promoting again leaves it out`, (await versionIn('money', 'public')) === good);

  hand.act('What is where, and the proof');
  await hand.type('npx nx status');
  await hand.type('npx nx verify', { says: /verified/ });
}

/** The copy goes away; what the board shows of it stays. */
async function board(): Promise<void> {
  hand.act('All of it as a page', 'npx nx board serves it, and follows what happens.');
  await hand.type('npx nx board --output=board', { says: /The board is in/, show: false });
  const page = join(workspace, 'dist/demo-board/index.html');
  mkdirSync(dirname(page), { recursive: true });
  copyFileSync(join(copy, 'board/index.html'), page);
  print(`   Open it in a browser: ${page}\n`);
}

prepare();
let host: DemoHost | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // The commands that run get the signal too, and end; what is removed here stands outside of them.
    void Promise.resolve(host?.remove()).finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  });
}
const lease = await leaseLocalRegistries({ workspaceRoot: copy, stages: ['github', 'test', 'public'], env });
try {
  print('The story of a package, in a copy of this workspace with three registries of its own:\n');
  for (const [stage, { url }] of lease.addresses) print(`   ${stage.padEnd(7)} ${url}\n`);
  await story(lease.addresses);
  const missing = await whyNoHost();
  if (missing === undefined) {
    host = await startHost(folder);
    await serviceStory(hand, host, (message) => git('commit', '--quiet', '--all', '--message', message));
  } else
    print(
      `\nA service on a real host is shown where Docker runs (${missing}): start it, then npm run demo.\n`,
    );
  await board();
  print(
    `\nAll as told, in ${Math.round((performance.now() - began) / 1000)} s. Try it by hand: README.md, "Your first gated promotion".\n`,
  );
} catch (error) {
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await host?.remove();
  await lease.release();
  rmSync(folder, { recursive: true, force: true });
}
