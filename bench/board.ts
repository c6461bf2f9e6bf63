// What the board costs with 500 projects and 100,000 records: node bench/board.ts [projects] [records]
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Page } from 'playwright-core';
import { openBoard, pageFiles, serveBoard } from '../tools/executors/src/board/index.ts';
import { openContext } from '../tools/executors/src/promotion/context.ts';
import { findBrowser, launch } from '../tools/executors/test/board/browser.ts';
import { STAGES, writeHistory } from './ledger-history.ts';

const [projects = 500, records = 100_000] = process.argv.slice(2).map(Number);
const ROUNDS = 5;

const executable = findBrowser();
if (executable === undefined) throw new Error('there is no chromium here: apt-get install chromium');
const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-board-'));
const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
const say = (what: string, milliseconds: number) =>
  console.log(`${what.padEnd(58)} ${milliseconds.toFixed(0).padStart(6)} ms`);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

async function workspace(): Promise<void> {
  for (let n = 0; n < projects; n++) {
    const root = join(folder, 'libs', `package-${n}`);
    await mkdir(root, { recursive: true });
    const dependencies = n > 9 ? { [`@acme/package-${Math.floor(n / 3)}`]: '^1.0.0' } : {};
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({
        name: `@acme/package-${n}`,
        version: '1.0.0',
        dependencies,
        nx: { name: `package-${n}` },
      }),
    );
  }
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'big', private: true, workspaces: ['libs/*'] }),
  );
  const stages = STAGES.map((name) => ({ name, ...(name === 'public' ? { gate: { soak: '1h' } } : {}) }));
  const plugin = { plugin: '@sluice/nx/plugin', options: { packages: { stages } } };
  await writeFile(join(folder, 'nx.json'), JSON.stringify({ plugins: [plugin] }));
  await writeFile(join(folder, '.gitignore'), '.sluice/local\n');
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.com');
  git('add', '.');
  git('commit', '--quiet', '--message', 'feat: many packages');
  await mkdir(join(folder, '.sluice/local'), { recursive: true });
  const history = {
    records,
    size: 5,
    packages: projects,
    commit: git('rev-parse', 'HEAD'),
    repository: `root:${git('rev-parse', 'HEAD')}`,
  };
  await writeHistory(join(folder, '.sluice/local/ledger.git'), history, true);
}

/** The longest and the middle wait for a picture while the page is scrolled through, a window's height each time. */
async function scrolled(page: Page): Promise<{ longest: number; middle: number }> {
  const gaps = await page.evaluate<number[]>(`new Promise((resolve) => {
    const gaps = [];
    let last = performance.now();
    const frame = (now) => {
      gaps.push(now - last);
      last = now;
      if (gaps.length > 120) return resolve(gaps.slice(1));
      scrollBy({ top: innerHeight / 2, behavior: 'instant' });
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);
  return { longest: Math.max(...gaps), middle: median(gaps) };
}

try {
  await workspace();
  // The ledger's first reading leaves a snapshot for all that come after.
  const env = { PATH: process.env['PATH'], HOME: folder };
  const first = await openContext({ workspaceRoot: folder, env });
  await (await first.ledger()).refresh();
  await first.close();

  console.log(`${projects} projects, ${records} records\n`);
  const starting: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    const context = await openContext({ workspaceRoot: folder, env });
    const source = await openBoard(context);
    JSON.stringify(await source.board());
    starting.push(performance.now() - begin);
    await source.close();
    await context.close();
  }
  say('ledger and workspace read, first board made', median(starting));

  const context = await openContext({ workspaceRoot: folder, env });
  const source = await openBoard(context);
  const server = await serveBoard(source, await pageFiles(), { port: 0 });
  const begin = performance.now();
  await source.whole();
  say('gates asked, and what is new found (in the background)', performance.now() - begin);
  const browser = await launch(executable);
  const opening: number[] = [];
  const timeline: number[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  for (let round = 0; round < ROUNDS; round++) {
    for (const [times, hash, row] of [
      [opening, '#/flow', '.list .cell b'],
      [timeline, '#/timeline', '.timeline a'],
    ] as const) {
      await page.goto('about:blank');
      const start = performance.now();
      await page.goto(server.url + hash);
      await page.locator(row).first().waitFor();
      times.push(performance.now() - start);
    }
  }
  say('page opened, projects to be seen', median(opening));
  say('page opened, timeline to be seen', median(timeline));
  for (const hash of ['#/flow', '#/timeline']) {
    await page.goto('about:blank');
    await page.goto(server.url + hash);
    await page.locator('.list > *').nth(9).waitFor();
    const { longest, middle } = await scrolled(page);
    say(`${hash}: between two pictures while scrolling, median`, middle);
    say(`${hash}: the longest`, longest);
  }
  await page.goto(`${server.url}#/flow`);
  await page.locator('.list .cell').first().waitFor();
  const typed = performance.now();
  await page.getByRole('searchbox').fill('package-499');
  await page.getByText(`1 of ${projects}`).waitFor();
  say('search typed, found', performance.now() - typed);
  const drawn = performance.now();
  await page.goto(`${server.url}#/graph`);
  await page
    .locator('.node')
    .nth(projects - 1)
    .waitFor();
  say('graph drawn', performance.now() - drawn);
  await browser.close();
  await server.close();
  await source.close();
  await context.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
