import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBoard } from './run.ts';
import { serveBoard, type BoardServer } from './server.ts';
import { openBoard, type BoardSource } from './source.ts';
import { HOSTILE, LEAKED, promoted, published, Story } from './testing/story.ts';
import type { Board, Changes, Evidence, Timeline } from './model/types.ts';

const page = { script: 'script', style: 'style' };
let story: Story;
let source: BoardSource;
let server: BoardServer;

beforeAll(async () => {
  story = await Story.tell();
  source = await openBoard(await story.context());
  server = await serveBoard(source, page, { port: 0 });
});
afterAll(async () => {
  await server?.close();
  await source?.close();
  await story?.close();
});

const get = async <T>(path: string): Promise<T> => (await (await fetch(server.url + path)).json()) as T;

/** A request with headers that `fetch` does not let one set. */
function raw(path: string, method: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(new URL(path, server.url), { method, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });
}

describe('the server', () => {
  it('gives the page under rules that let nothing but its own code run', async () => {
    const answer = await fetch(server.url);
    const rules = answer.headers.get('content-security-policy')?.split('; ');
    expect(rules).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
      ]),
    );
    expect(rules?.join()).not.toMatch(/unsafe|https?:/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.text()).not.toMatch(/<script>|<style|style=|onload/);
    expect(await (await fetch(`${server.url}page.js`)).text()).toBe('script');
  });

  it('listens on loopback, and answers no other name and no other method', async () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    const { host } = new URL(server.url);
    const all = await Promise.all([
      raw('/api/board', 'GET', { host }),
      raw('/api/board', 'GET', { host: `evil.example.com:${new URL(server.url).port}` }),
      raw('/api/board', 'POST', { host }),
      raw('/../../etc/passwd', 'GET', { host }),
    ]);
    expect(all).toEqual([200, 421, 405, 404]);
    expect((await fetch(server.url)).headers.has('access-control-allow-origin')).toBe(false);
  });

  it('tells when a named port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveBoard(source, page, { port })).rejects.toMatchObject({
      code: 'BOARD_PORT_TAKEN',
      exit: 2,
    });
  });

  it('shows what was found out later, too: gates and what is new', async () => {
    const board = await source.whole();
    const [packages, services] = board.pipelines;
    expect(board).toMatchObject({ judged: true, problems: [], profile: 'local' });
    expect(packages?.projects.map(({ project, news }) => [project, news])).toEqual([
      ['fresh', 'changed'],
      ['invoice', 'affected'],
      ['money', 'affected'],
      ['units', 'changed'],
    ]);
    const money = packages?.projects[2]?.cells[2];
    expect(money).toMatchObject({ version: '1.0.0', waiting: { version: '1.1.0', gate: { open: false } } });
    const missing = money?.waiting?.gate?.conditions.filter((condition) => !condition.open);
    expect(missing).toMatchObject([
      { name: 'soak', until: expect.stringMatching(/Z$/) },
      { name: 'approvals', who: ['rita@acme.example'] },
    ]);
    const production = services?.projects[0]?.cells[2];
    expect(production?.running?.hosts).toMatchObject([
      { host: 'deploy@www1.example.com', health: 'serves' },
      { host: 'deploy@www2.example.com', health: 'restored' },
    ]);
    expect(production?.failed).toMatchObject({ code: 'HEALTH_FAILED', outcome: 'restored' });
  });

  it('says what the next promotion would carry: commits and changelog, as they are', async () => {
    const changes = await get<Changes>('api/changes?name=%40acme%2Fmoney&stage=public');
    expect(changes).toMatchObject({
      from: { version: '1.1.0' },
      to: { version: '1.0.0' },
      commits: [{ author: 'Dev', subject: `feat(money): cents ${HOSTILE}` }],
      more: 0,
      changelog: [{ version: '1.1.0', text: `- cents ${HOSTILE}` }],
    });
    const first = await get<Changes>('api/changes?name=%40acme%2Finvoice&stage=public');
    expect(first.to).toBeUndefined();
    expect(first.commits.map((commit) => commit.subject)).toEqual(['feat: everything']);
    expect((await fetch(`${server.url}api/changes?name=%40acme%2Funits&stage=public`)).status).toBe(404);
  });

  it('has the timeline in windows, and evidence by name and version', async () => {
    const timeline = await get<Timeline>('api/timeline?from=1&count=2&types=published,held');
    expect(timeline).toMatchObject({ from: 1, events: [{ type: 'published' }, { type: 'held' }] });
    const sheet = await get<Evidence>('api/evidence?name=%40acme%2Fmoney&version=1.0.0');
    expect(sheet.stages.map((one) => [one.stage, one.entered?.same])).toEqual([
      ['github', true],
      ['test', true],
      ['public', true],
    ]);
    expect((await fetch(`${server.url}api/evidence?name=x&version=1`)).status).toBe(404);
  });

  it('never shows a secret, whatever somebody wrote into the ledger', async () => {
    for (const path of ['api/board', 'api/timeline', 'api/evidence?name=%40acme%2Funits&version=1.1.0']) {
      const text = await (await fetch(server.url + path)).text();
      expect(text).not.toContain(LEAKED);
      expect(text).toContain('says [redacted]');
    }
  });

  it('tells at once when another process writes a record', async () => {
    const stream = await fetch(`${server.url}api/events`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    const before = await get<Board>('api/board');
    await story.record(0, published('fresh', '0.1.0', story.git('rev-parse', 'HEAD')));
    await story.record(0, promoted('fresh', '0.1.0', 'test', 'github'));
    let text = '';
    while (!text.includes('event: changed')) text += new TextDecoder().decode((await reader.read()).value);
    let after = before;
    for (let round = 0; round < 60 && after.records < before.records + 2; round++) {
      await reader.read();
      after = await get<Board>('api/board');
    }
    await reader.cancel();
    const fresh = after.pipelines[0]?.projects.find((one) => one.project === 'fresh');
    expect(fresh?.cells.map((cell) => cell.version)).toEqual(['0.1.0', '0.1.0', undefined]);
  });
});

describe('what cannot be found out', () => {
  it('is said, and the rest is shown', async () => {
    // The rules of the live profile are those of the remote, and there is none.
    story.git('fetch', '--quiet', '.sluice/local/ledger.git', 'sluice/ledger:sluice/ledger');
    const live = await openBoard(await story.context({ SLUICE_PROFILE: 'live' }));
    const board = await live.whole();
    await live.close();
    expect(board.problems).toEqual([expect.stringMatching(/^POLICY_UNREACHABLE: /)]);
    const money = board.pipelines[0]?.projects.find((one) => one.project === 'money');
    expect(money?.cells[2]).toMatchObject({
      version: '1.0.0',
      waiting: { version: '1.1.0', gated: true, problem: expect.stringContaining('POLICY_UNREACHABLE') },
    });
    expect(board.pipelines[0]?.stages.map((stage) => stage.registry)).toEqual([
      'npm.pkg.github.com',
      'npm.test.example.com',
      'default',
    ]);
  });
});

describe('sluice board', () => {
  it('writes one file with all of it, and no secret', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-board-out-'));
    try {
      const said = await runBoard(await story.context(), { output: 'page', from: folder, said: () => {} });
      const file = join(folder, 'page', 'index.html');
      expect(said).toBe(`The board is in ${file}`);
      const text = await readFile(file, 'utf8');
      const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(text)?.[1] ?? '');
      expect(Object.keys(data.evidence)).toContain('@acme/money@1.1.0');
      expect(Object.keys(data.changes)).toContain('@acme/money public');
      expect(data.board.judged).toBe(true);
      expect(text).not.toContain(LEAKED);
      expect(text).not.toContain('</script><script>window');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('serves until it is stopped, and then nobody listens any more', async () => {
    const abort = new AbortController();
    let url = '';
    const running = runBoard(await story.context(), {
      port: 0,
      signal: abort.signal,
      said: (line) => {
        url = /http:\S+/.exec(line)?.[0] ?? '';
        void fetch(`${url}api/events`).then(() => abort.abort());
      },
    });
    expect(await running).toBe('The board has ended.');
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('is JSON for scripts', async () => {
    const text = await runBoard(await story.context(), { json: true, said: () => {} });
    expect(JSON.parse(text)).toMatchObject({ schemaVersion: 1, judged: true });
  });
});
