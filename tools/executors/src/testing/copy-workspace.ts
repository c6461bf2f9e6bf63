import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Copies the workspace's own files (tracked ones and new ones, as they are now) into an empty folder that can be
 * changed, committed and thrown away. Installed packages are linked, not copied; the workspace's own packages in
 * `node_modules` point into the copy.
 */
export function copyWorkspace(from: string, to: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: from,
  });
  const files = listed.toString().split('\0').filter(Boolean);
  for (const file of files) {
    // Deleted, and not committed yet.
    if (!existsSync(join(from, file))) continue;
    mkdirSync(join(to, dirname(file)), { recursive: true });
    cpSync(join(from, file), join(to, file), { force: false });
  }
  linkModules(from, to);
}

/** What `npm ci` would install, linked; the workspace's own packages point into the copy. */
export function linkModules(from: string, to: string): void {
  const own = new Set(['@acme', '@sluice', '.bin', '.package-lock.json', '.cache', '.vite', 'sluice']);
  for (const folder of ['node_modules', 'node_modules/.bin']) {
    mkdirSync(join(to, folder));
    for (const entry of readdirSync(join(from, folder))) {
      if (!own.has(entry)) symlinkSync(join(from, folder, entry), join(to, folder, entry));
    }
  }
  symlinkSync(join(to, 'tools/executors/bin/sluice.js'), join(to, 'node_modules/.bin/sluice'));
  const links = {
    '@acme/units': 'libs/units',
    '@acme/money': 'libs/money',
    '@acme/invoice': 'libs/invoice',
    '@acme/logger': 'libs/logger',
    '@sluice/nx': 'tools/executors',
  };
  for (const [name, folder] of Object.entries(links)) {
    mkdirSync(join(to, 'node_modules', dirname(name)), { recursive: true });
    symlinkSync(join(to, folder), join(to, 'node_modules', name));
  }
}
