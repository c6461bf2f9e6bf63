import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import registries from './executor.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-registries-'));
  const options = { packages: { stages: [{ name: 'alpha' }, { name: 'omega' }] } };
  await writeFile(join(root, 'nx.json'), JSON.stringify({ plugins: [{ plugin: '@sluice/nx', options }] }));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

test('a dry run names what would run, writes it where asked, and starts nothing', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(
    await registries({ dryRun: true, reset: true, json: true, outputFile: 'out.json' }, { root }),
  ).toEqual({ success: true });
  const printed = String(write.mock.calls[0]?.[0]);
  expect(JSON.parse(printed)).toEqual({
    registries: ['alpha', 'omega'].map((stage) => ({
      stage,
      storage: join('.sluice', 'local', stage, 'storage'),
      configuration: 'built in',
    })),
    notes: [],
  });
  expect(await readFile(join(root, 'out.json'), 'utf8')).toBe(printed);
  expect(existsSync(join(root, '.sluice'))).toBe(false);
});

test('an error is told with its code and fails', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await writeFile(join(root, 'nx.json'), '{}');
  expect(await registries({}, { root })).toEqual({ success: false });
  expect(String(write.mock.calls[0]?.[0])).toContain('PLUGIN_NOT_REGISTERED');
});

test.each(['SIGINT', 'SIGTERM'] as const)('runs until %s, then leaves nothing running', async (signal) => {
  const executor = pathToFileURL(join(import.meta.dirname, 'executor.ts')).href;
  const code = `const { default: run } = await import(${JSON.stringify(executor)});
    process.exitCode = (await run({ json: true }, { root: ${JSON.stringify(root)} })).success ? 0 : 1;`;
  const env = { ...process.env, SLUICE_LOCAL_LINGER_MS: '0' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  for (let i = 0; i < 2000 && !text.endsWith('}\n'); i++) await pause(10);
  const [{ url }] = (JSON.parse(text) as { registries: [{ url: string }] }).registries;
  expect((await fetch(`${url}/-/ping`, { headers: { connection: 'close' } })).status).toBe(200);
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([0, null]);
  for (let i = 0; i < 1000 && existsSync(join(root, '.sluice/local/registries.lock')); i++) await pause(10);
  await expect(fetch(`${url}/-/ping`)).rejects.toThrow('fetch failed');
});
