import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { NotificationOptions } from '../../pipeline/types.ts';
import { duration, messageOf, plainText } from './message.ts';
import { openNotifier } from './notify.ts';
import type { Notification } from './types.ts';

const failed: Notification = {
  event: 'failed',
  at: '2026-01-01T00:00:00.000Z',
  run: 'local-1',
  by: 'ada@example.com',
  repository: 'github.com/acme/shop',
  stage: 'production',
  project: 'api',
  version: 'sha-0123456789ab',
  hosts: ['www1', 'www2'],
  outcome: 'the release before serves on all hosts',
  error: {
    code: 'PROBE_FAILED',
    what: 'www2 answers <503> & *not* 200',
    state: 'old',
    next: 'npx nx run api:releases:production',
  },
  ms: 61_000,
};

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

type Post = { path: string; body: any };
async function receiver(answer: (post: Post) => number | undefined = () => 200) {
  const posts: Post[] = [];
  const server: Server = createServer((request, response) => {
    let text = '';
    request
      .on('data', (chunk) => (text += chunk))
      .on('end', () => {
        const post = { path: request.url ?? '', body: JSON.parse(text) };
        posts.push(post);
        const status = answer(post);
        if (status !== undefined) response.writeHead(status).end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook-0123456789` };
}

function notifier(options: NotificationOptions[], env: Record<string, string>, patience?: number) {
  const warnings: string[] = [];
  const lines: string[] = [];
  const notify = openNotifier({
    options,
    env,
    warn: (line) => warnings.push(line),
    write: (line) => lines.push(line),
    ...(patience ? { patience } : {}),
  }).notify;
  return { notify, warnings, lines };
}

describe('webhooks', () => {
  it('get Slack’s format, with project-supplied text as text', async () => {
    const { posts, url } = await receiver();
    const { notify, warnings } = notifier([{ webhookEnv: 'HOOK', format: 'slack' }], { HOOK: url });
    await notify(failed);
    expect(warnings).toEqual([]);
    const text = JSON.stringify(posts[0]?.body);
    expect(posts[0]?.body.text).toBe('api sha-0123456789ab failed in production');
    expect(text).toContain('PROBE_FAILED: www2 answers &lt;503&gt; &amp; *not* 200');
    expect(text).toContain('npx nx run api:releases:production');
  });

  it('get plain JSON, and only what they asked for', async () => {
    const { posts, url } = await receiver();
    const options: NotificationOptions[] = [
      { webhookEnv: 'HOOK', on: ['succeeded'] },
      { webhookEnv: 'HOOK', stages: ['staging'] },
      { webhookEnv: 'HOOK', on: ['failed'], stages: ['production'] },
    ];
    await notifier(options, { HOOK: url }).notify(failed);
    expect(posts).toHaveLength(1);
    expect(posts[0]?.body).toMatchObject({ schemaVersion: 1, event: 'failed', hosts: ['www1', 'www2'] });
  });

  it('that refuse, are silent, or are not there are a warning without the address', async () => {
    const refusing = await receiver(() => 404);
    const silent = await receiver(() => undefined);
    const well = await receiver();
    const { notify, warnings } = notifier(
      [
        { webhookEnv: 'A' },
        { webhookEnv: 'B', name: '#ops' },
        { webhookEnv: 'C' },
        { webhookEnv: 'D' },
        { webhookEnv: 'E' },
      ],
      { A: refusing.url, B: silent.url, C: 'http://127.0.0.1:9/hook-0123456789', E: well.url },
      300,
    );
    await notify(failed);
    expect(well.posts).toHaveLength(1);
    expect(warnings).toHaveLength(4);
    expect(warnings.join('\n')).toContain(
      'NOTIFICATION_REFUSED: notifications[0] did not take the notification: HTTP 404',
    );
    expect(warnings.join('\n')).toContain('#ops did not take the notification: no answer within 300 ms');
    expect(warnings.join('\n')).toContain('NOTIFICATION_ADDRESS: notifications[3] has no address: D');
    expect(warnings.join('\n')).not.toContain('hook-0123456789');
  });
});

describe('e-mail', () => {
  it('goes by SMTP, with its password, and no line break reaches a header', async () => {
    const mails: string[] = [];
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        done(username === 'sluice' && password === 'pass/word' ? null : new Error('wrong'), { user: 1 }),
      onData: (stream, _session, done) => {
        let mail = '';
        stream
          .on('data', (chunk: Buffer) => (mail += chunk))
          .on('end', () => done(null, void mails.push(mail)));
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const { port } = server.server.address() as AddressInfo;
    const { notify, warnings } = notifier(
      [{ smtpEnv: 'SMTP_URL', from: 'sluice@example.com', to: ['ops@example.com', 'ada@example.com'] }],
      { SMTP_URL: `smtp://sluice:pass%2Fword@127.0.0.1:${port}` },
    );
    await notify({ ...failed, project: 'api\r\nBcc: eve@example.com' });
    expect(warnings).toEqual([]);
    expect(mails[0]).toMatch(/^To: ops@example.com, ada@example.com$/m);
    expect(mails[0]).toMatch(/^Subject: api Bcc: eve@example.com/m);
    expect(mails[0]?.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/m);
    expect(mails[0]).toContain('the release before serves on all hosts');
  });
});

describe('a GitHub job', () => {
  it('gets a summary and an annotation, in which markup is text', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'notify-'));
    open.push(() => rm(folder, { recursive: true }));
    const summary = join(folder, 'summary.md');
    const { notify, lines } = notifier([], { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
    await notify({ ...failed, by: 'a | b\n# <img src=x>' });
    const text = await readFile(summary, 'utf8');
    expect(text).toContain('❌ api sha\\-0123456789ab failed in production');
    expect(text).toContain('| By | a \\| b<br>\\# &lt;img src=x> |');
    expect(lines).toEqual([
      '::error title=api sha-0123456789ab failed in production::PROBE_FAILED: www2 answers <503> & *not* 200',
    ]);
  });
});

describe('what a promotion failed with', () => {
  it('stands in the summary, and is annotated by its command alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'notify-'));
    open.push(() => rm(folder, { recursive: true }));
    const summary = join(folder, 'summary.md');
    const { notify, lines } = notifier([], { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
    await notify({ ...failed, action: 'promotion' });
    expect(await readFile(summary, 'utf8')).toContain(
      '❌ api sha\\-0123456789ab was not promoted to production',
    );
    expect(lines).toEqual([]);
  });
});

describe('the words', () => {
  it.each([
    ['started', {}, 'api 1 is being deployed to staging'],
    ['approval-requested', {}, 'api 1 waits for an approval to enter staging'],
    ['succeeded', {}, 'api 1 is in staging'],
    ['failed', {}, 'api 1 failed in staging'],
    ['rolled-back', { to: 'sha-0' }, 'api in staging went back to sha-0'],
    ['rolled-back', {}, 'api 1 was taken back in staging'],
    ['succeeded', { action: 'promotion' }, 'api 1 was promoted to staging'],
    ['failed', { action: 'promotion' }, 'api 1 was not promoted to staging'],
    ['failed', { action: 'rollback' }, 'The rollback of api 1 in staging failed'],
    [
      'succeeded',
      { action: 'promotion', project: 'a 1, b 2', version: '' },
      'a 1, b 2 were promoted to staging',
    ],
    [
      'failed',
      { action: 'promotion', project: 'a 1, b 2', version: '' },
      'a 1, b 2 were not promoted to staging',
    ],
    [
      'approval-requested',
      { project: 'a 1, b 2', version: '' },
      'a 1, b 2 wait for an approval to enter staging',
    ],
    ['rolled-back', { project: 'a 1, b 2', version: '' }, 'a 1, b 2 were taken back in staging'],
  ] as const)('of %s', (event, more, title) => {
    const { error: _error, ...plain } = failed;
    expect(messageOf({ ...plain, event, version: '1', stage: 'staging', ...more }).title).toBe(title);
  });

  it('say who, what, from where to where, what to do next and how to get back', () => {
    const { error: _error, outcome: _outcome, hosts: _hosts, ms: _ms, ...plain } = failed;
    const message = messageOf({
      ...plain,
      event: 'succeeded',
      action: 'promotion',
      project: 'units 1.0.0, money 1.1.0',
      version: '',
      from: 'test',
      stage: 'public',
      to: 'public',
      changes: [
        { project: 'units', version: '1.0.0' },
        { project: 'money', version: '1.1.0', previous: '1.0.0' },
      ],
      next: 'npx nx verify',
      wayBack: 'npx nx run money:rollback:public',
      link: 'https://github.com/acme/shop/actions/runs/42',
    });
    expect(plainText(message).split('\n')).toEqual([
      'units 1.0.0, money 1.1.0 were promoted to public',
      '',
      'By: ada@example.com',
      'From: test',
      'To: public',
      'Versions: units 1.0.0',
      'money 1.0.0 -> 1.1.0',
      'Way back: npx nx run money:rollback:public',
      'Repository: github.com/acme/shop',
      'Run: local-1',
      '',
      'Next: npx nx verify',
      '',
      'https://github.com/acme/shop/actions/runs/42',
      '',
    ]);
    expect(messageOf({ ...plain, event: 'started', from: 'r-1', release: 'r-2' }).facts.slice(1, 3)).toEqual([
      ['From', 'r-1'],
      ['To', 'r-2'],
    ]);
  });

  it('say durations as people do', () => {
    expect([850, 12_400, 185_000].map(duration)).toEqual(['850 ms', '12 s', '3 min 5 s']);
  });
});
