import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { workspaceRoot } from '../versioning/workspace-root.ts';
import { run } from './program.ts';

const COMMANDS = [
  'base',
  'changed',
  'plan',
  'promote',
  'approve',
  'approve-comment',
  'status',
  'board',
  'verify',
  'announce',
  'doctor',
  'rollback',
  'unhold',
  'override',
];
let out = '';
let err = '';
beforeEach(() => {
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
});
afterEach(() => void vi.restoreAllMocks());

describe('sluice', () => {
  it('lists its commands and exit codes', async () => {
    expect(await run(['--help'])).toBe(0);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(out).toMatch(/Exit codes: 0 done.* 1 failed; 2 bad input.* 3 a gate is closed/);
  });

  it.each(COMMANDS)('%s --help says what it is for', async (command) => {
    expect(await run([command, '--help'])).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: sluice ${command}`));
    expect(err).toBe('');
  });

  it('--version is the version of the package', async () => {
    expect(await run(['--version'])).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it.each([
    ['no command that there is', ['promtoe', 'test']],
    ['no option that there is', ['promote', 'test', '--froce']],
    ['an option without its value', ['approve', 'public', '--key']],
    ['no stage', ['promote']],
    ['no reason', ['unhold', 'money', '1.0.0']],
    ['no port that there is', ['board', '--port', '70000']],
    ['too many arguments', ['status', 'everything']],
    ['nothing', []],
  ])('answers %s with 2 and help, and nothing on standard output', async (_, args) => {
    expect(await run(args)).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/sluice --help|Usage: sluice/);
  });
});

describe('the workspace', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-root-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('is the nearest folder upwards with an nx.json', () => {
    mkdirSync(join(root, 'a/libs/deep'), { recursive: true });
    writeFileSync(join(root, 'a/nx.json'), '{}');
    expect(workspaceRoot(join(root, 'a/libs/deep'))).toBe(join(root, 'a'));
    expect(workspaceRoot(join(root, 'a'))).toBe(join(root, 'a'));
    expect(() => workspaceRoot(root)).toThrow(expect.objectContaining({ code: 'NO_WORKSPACE', exit: 2 }));
  });
});
