import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBoard, pageFiles, serveBoard, writeBoard } from '../../src/board/index.ts';
import type { BoardServer, BoardSource } from '../../src/board/index.ts';
import { HOSTILE, promoted, published, Story } from '../../src/board/testing/story.ts';
import { findBrowser, launch } from './browser.ts';

const executable = findBrowser();
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let story: Story;
let source: BoardSource;
let server: BoardServer;
let browser: Browser;
let folder: string;
let page: Page;
/** What a browser complains about: errors of scripts, and what the rules of the page refused. */
let complaints: string[];

beforeAll(async () => {
  if (executable === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'sluice-board-page-'));
  story = await Story.tell();
  source = await openBoard(await story.context());
  const files = await pageFiles();
  await writeBoard(source, files, folder);
  server = await serveBoard(source, files, { port: 0 });
  browser = await launch(executable);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await source?.close();
  await story?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});
beforeEach(({ skip }) =>
  skip(executable === undefined, 'there is no chromium here: apt-get install chromium'),
);
afterEach(async () => {
  await page?.context().close();
});

async function open(hash = '', options: BrowserContextOptions = {}, base = server.url): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(base + hash);
  await page.locator('footer').waitFor();
  return page;
}

async function violations(): Promise<string[]> {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate<AxeResults>('axe.run()');
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`),
  );
}
const cellAt = (project: string, column: number) =>
  page
    .locator('.row', { has: page.locator('.who', { hasText: project }) })
    .locator('.cell')
    .nth(column);
const focused = () => page.evaluate<string>('document.activeElement.textContent');

describe('the flow', { timeout: 60_000 }, () => {
  it('shows every project against every stage: version, digest, age, who approved, what waits and for what', async () => {
    await open();
    expect(await page.getByRole('grid').count()).toBe(2);
    expect(await page.getByRole('columnheader').allInnerTexts()).toEqual([
      'Project',
      'github\npublished here first',
      'test\nno gate',
      'public\ngate: 1 approval, 24h in the stage before',
      'Project',
      'images\npublished here first',
      'staging\nno gate; 1 host',
      'production\nno gate; 2 hosts',
    ]);
    const money = cellAt('money', 2);
    await money.getByText('hours left').waitFor();
    expect(await money.innerText()).toMatch(
      /1\.0\.0\s*\w+.*\n2 days, approved by unsigned\n1\.1\.0 waits: soak, \d+ hours left; approval by rita@acme\.example/,
    );
    expect(await cellAt('units', 0).innerText()).toContain('went back from 1.1.0');
    expect(await cellAt('api', 2).innerText()).toContain('failed: HEALTH_FAILED, restored');
    expect(complaints).toEqual([]);
  });

  it('opens a cell: gate, commits, hosts, and what to type; its address shows the same again', async () => {
    await open();
    await cellAt('money', 2).click();
    const dialog = page.getByRole('dialog', { name: 'money in public' });
    await dialog.getByText(`feat(money): cents ${HOSTILE}`).waitFor();
    const text = await dialog.innerText();
    expect(text).toContain('soak is missing');
    expect(text).toContain('can be given by rita@acme.example');
    expect(text).toContain('It would carry 1 commit since 1.0.0');
    expect(text).toContain('npx nx approve -c public');
    await open(new URL(page.url()).hash);
    await page.getByRole('dialog', { name: 'money in public' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await cellAt('api', 2).click();
    const rows = page.getByRole('dialog').locator('tbody tr');
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/www1.*serves, verified/s),
      expect.stringMatching(/www2.*serves again, proved after a failure/s),
    ]);
  });

  it('copies a command', async () => {
    await open('#/flow?name=%40acme%2Fmoney&stage=public', {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByRole('button', { name: 'Copy: Approve for public' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('npx nx approve -c public');
  });

  it('is searched and filtered, and says so in its address', async () => {
    await open();
    await page.getByRole('searchbox').fill('money');
    await page.getByText('1 of 4 packages, 0 of 1 services').waitFor();
    await page.getByRole('searchbox').press('Escape');
    await page.getByLabel('Show').selectOption('held');
    await page.getByText('1 of 4 packages').waitFor();
    expect(await page.locator('.who a').allInnerTexts()).toEqual(['units']);
    expect(new URL(page.url()).hash).toBe('#/flow?show=held');
    await page.getByRole('searchbox').fill('nobody');
    await page.getByText('Nothing here is like that').waitFor();
  });

  it('is used with the keyboard alone', async () => {
    await open();
    await page.keyboard.press('/');
    await page.keyboard.type('mon');
    await page.getByText('1 of 4 packages').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('4 of 4 packages').waitFor();
    await cellAt('fresh', 0).focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'End']) await page.keyboard.press(key);
    await expect.poll(focused).toContain('1.1.0 waits');
    await page.keyboard.press('Control+Home');
    await expect.poll(focused).toContain('nothing yet');
    for (const key of ['ArrowDown', 'ArrowDown', 'End', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('dialog', { name: 'money in public' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(focused).toContain('1.1.0 waits');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys and signs' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await page.getByRole('table', { name: 'Timeline' }).waitFor();
    await page.keyboard.press('2');
    await page.getByRole('region', { name: 'Project graph' }).waitFor();
  });
});

describe('graph, timeline, evidence', { timeout: 60_000 }, () => {
  it('the graph lights what is new, and what hangs on the chosen project', async () => {
    await open('#/graph');
    await page.getByText('5 of 5 projects, 5 of them').waitFor();
    expect(await page.locator('.node.changed').allInnerTexts()).toEqual([
      expect.stringContaining('fresh'),
      expect.stringContaining('units'),
    ]);
    expect(await page.locator('.node.affected').count()).toBe(3);
    await page.getByRole('link', { name: 'money' }).click();
    await page.locator('.node.dim').waitFor();
    expect(await page.locator('.node.dim').allInnerTexts()).toEqual([expect.stringContaining('fresh')]);
    expect(await page.locator('path.on').count()).toBe(3);
  });

  it('the timeline is newest first, and narrowed to what is asked', async () => {
    await open('#/timeline');
    const rows = page.locator('.timeline .list .event');
    await rows.filter({ hasText: 'deployment failed' }).waitFor();
    expect(await rows.first().innerText()).toContain('HEALTH_FAILED');
    await page.getByLabel('Kind of event').selectOption('approved');
    await page.getByText('1 event', { exact: true }).waitFor();
    expect(await rows.allInnerTexts()).toEqual([expect.stringContaining('looks good')]);
  });

  it('evidence is one sheet with an address of its own', async () => {
    await open('#/artifact?name=%40acme%2Fmoney&version=1.0.0');
    const sheet = page.getByRole('article');
    await sheet.getByText('the same bytes as were built').first().waitFor();
    const text = await sheet.innerText();
    expect(text).toMatch(/Approved by\s+unsigned, .*: looks good/);
    expect(text.match(/sha512-/g)?.length).toBeGreaterThanOrEqual(4);
    await open('#/artifact?name=none&version=1');
    await page.getByText('Nothing is known of none 1').waitFor();
  });
});

describe('what a project wrote stays text', { timeout: 60_000 }, () => {
  it.each([
    '#/flow?name=%40acme%2Fmoney&stage=public',
    '#/timeline',
    '#/artifact?name=%40acme%2Funits&version=1.1.0',
  ])('at %s', async (hash) => {
    await open(hash);
    await page.getByText('window.pwned=1').first().waitFor();
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('the rules of the page would stop a script all the same', async () => {
    await open();
    await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.pwned=1';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="window.pwned=1">');
    }`);
    await expect.poll(() => complaints.join('\n')).toContain('Content Security Policy');
    expect(await page.evaluate('window.pwned')).toBeUndefined();
  });
});

describe('the written page', { timeout: 60_000 }, () => {
  const file = () => pathToFileURL(join(folder, 'index.html')).href;

  it('works from a disk, without a server or a network', async () => {
    await open('', { offline: true }, file());
    await cellAt('money', 2).click();
    await page.getByText(`feat(money): cents ${HOSTILE}`).waitFor();
    await page.getByRole('link', { name: '1.0.0: its evidence' }).click();
    await page.getByRole('article').getByText('looks good').waitFor();
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.getByText('23 events').waitFor();
    expect(await page.locator('footer').innerText()).toMatch(/as of 20.* UTC/);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(complaints).toEqual([]);
    expect(await violations()).toEqual([]);
  });
});

describe('accessibility', { timeout: 120_000 }, () => {
  const views: [hash: string, there: string][] = [
    ['#/flow', '.cell .line'],
    ['#/flow?name=%40acme%2Fmoney&stage=public', 'dialog summary'],
    ['#/flow?name=%40acme%2Fapi&stage=production', 'dialog tbody'],
    ['#/graph?name=%40acme%2Fmoney', '.node'],
    ['#/timeline', '.timeline a'],
    ['#/artifact?name=%40acme%2Fmoney&version=1.0.0', '.way'],
  ];
  it.each([
    [360, 'dark'],
    [820, 'light'],
    [1440, 'dark'],
  ] as const)(
    'axe finds nothing at %i pixels, %s, on any view, and nothing sticks out',
    async (width, scheme) => {
      await open('', { colorScheme: scheme, viewport: { width, height: 800 } });
      for (const [hash, there] of views) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.locator(there).first().waitFor();
        expect([hash, await violations()]).toEqual([hash, []]);
        const beyond = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect([hash, beyond <= 0]).toEqual([hash, true]);
      }
    },
  );
});

describe('live', { timeout: 60_000 }, () => {
  it('what another process records is there without a reload, also after the connection was lost', async () => {
    await open('#/flow?text=fresh');
    expect(await cellAt('fresh', 0).innerText()).toContain('nothing yet');
    await story.record(0, published('fresh', '0.1.0', story.git('rev-parse', 'HEAD')));
    await cellAt('fresh', 0).getByText('0.1.0').waitFor();
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await story.record(0, promoted('fresh', '0.1.0', 'test', 'github'));
    await cellAt('fresh', 1).getByText('0.1.0').waitFor();
  });
});
