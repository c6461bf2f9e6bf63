import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser that this machine has; undefined where it has none. @throws where one is required, as in CI */
export function findBrowser(): string | undefined {
  const found = [process.env['SLUICE_CHROMIUM'] ?? '', ...PLACES].find((file) => file && existsSync(file));
  if (found === undefined && process.env['SLUICE_REQUIRE_HOSTS'] === '1')
    throw new Error('the board is tested in a browser, and there is no chromium: apt-get install chromium');
  return found;
}

/** A headless one. In a container nobody may make the sandbox of its own that a desktop has. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
