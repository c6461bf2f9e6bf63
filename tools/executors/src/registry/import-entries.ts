import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageEntry } from './package-entries.ts';

const WITHIN = 60_000;

/** Runs in the folder of the installation, so that names resolve as they would for a user. */
const CHILD = `
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
const { name, folder, entries } = JSON.parse(process.env.SLUICE_ENTRIES);
process.channel.unref();
for (const { entry, check, paths } of entries) {
  await new Promise((sent) => process.send({ entry }, sent));
  const specifier = name + entry.slice(1);
  try {
    if (check === 'import') await import(specifier);
    else if (check === 'require') createRequire(import.meta.url)(specifier);
    else for (const path of paths) if (!existsSync(join(folder, path))) throw new Error(path + ' is not in the package');
  } catch (error) {
    const reason = error instanceof Error ? error.name + ': ' + error.message : String(error);
    await new Promise((sent) => process.send({ entry, reason }, sent));
    process.exit(0);
  }
}
await new Promise((sent) => process.send({ done: true }, sent));
process.exit(0);
`;

interface Message {
  entry?: string;
  reason?: string;
  done?: boolean;
}

/**
 * Loads every entry of an installed package in one Node process of its own, which sees none of our environment's
 * secrets. Returns the first entry that fails with its reason, or undefined.
 */
export async function importEntries(
  where: { folder: string; name: string; entries: PackageEntry[]; within?: number },
  signal?: AbortSignal,
): Promise<{ entry: string; reason: string } | undefined> {
  const { folder, name, entries, within = WITHIN } = where;
  if (entries.length === 0) return undefined;
  const script = join(folder, 'check-entries.mjs');
  await writeFile(script, CHILD);
  const child = spawn(process.execPath, ['--no-warnings', script], {
    cwd: folder,
    env: environment(folder, { name, folder: join(folder, 'node_modules', name), entries }),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    killSignal: 'SIGKILL',
    timeout: within,
    signal,
  });
  let at = entries[0]!.entry;
  let result: { entry: string; reason: string } | 'done' | undefined;
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  });
  child.on('message', (message: Message) => {
    at = message.entry ?? at;
    if (message.done) result = 'done';
    else if (message.reason !== undefined) result = { entry: at, reason: message.reason };
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', (error) => reject(signal?.aborted ? signal.reason : error));
    child.once('close', (code, killed) =>
      resolve(
        killed ? `it did not end within ${within / 1000} s` : `it ended the process (exit code ${code})`,
      ),
    );
  });
  if (result === 'done') return undefined;
  const { entry, reason } = result ?? { entry: at, reason: `${ended} ${said}` };
  return { entry, reason: firstLines(reason.replaceAll(folder, '')) };
}

/** The first lines of a reason, for one message. */
export function firstLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 3)
    .join(' | ')
    .slice(0, 500);
}

/** What a Node process needs; packages that are only being tried get no tokens to read. */
function environment(home: string, entries: object): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { HOME: home, USERPROFILE: home, SLUICE_ENTRIES: JSON.stringify(entries) };
  for (const name of ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'LANG', 'SystemRoot', 'windir']) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  return env;
}
