import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithHosts } from '../../testing/lab/index.ts';
import { PASSWORD, Scene } from './scene.ts';
import { filesWith, formsOf, found, ledgerText, watchProcesses } from './search.ts';

/** A file that only a shell could make of it. */
const EVIL = `a'b"c $(touch /tmp/evil) \`touch /tmp/evil\` ; touch /tmp/evil # \${PATH} $PATH %s \\n | & <x> *\nsecond line'`;
const TOKEN = `tok-9f8e7d6c5b4a?&+=/ü "$(touch /tmp/evil)"\nof two lines`;
const COMPOSE_LITERAL = `\`touch /tmp/evil\` $$(touch /tmp/evil) "it's" $$HOME`;

/** Files of a host that a service's variables stand in, for their owner alone. */
const MAY_HOLD_SECRETS =
  /^600 \/home\/deploy\/\.sluice\/web\/staging\/(releases\/[^/]+\/(compose\.yaml|accessories\.yaml|environment\.json)|backups\/[^/]+\.tar\.gz)$/;

describeWithHosts('deployments with values that are not nice, and what becomes of them', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open();
    await scene.begin();
  });
  afterAll(() => scene?.close());

  it('passes every value on as it is, runs none of them, and shows no secret to anybody', async () => {
    const { leader, flow } = scene;
    const { number } = await scene.ship({
      environment: { GREETING: EVIL },
      secrets: ['TOKEN'],
      command: ['node', '/app.mjs', 'migrate', EVIL.replaceAll('\n', ' ')],
      compose: (text) =>
        text.replace(
          'DATABASE_PASSWORD:',
          () =>
            `TOKEN: \${TOKEN:?}\n      LITERAL: ${JSON.stringify(COMPOSE_LITERAL)}\n      DATABASE_PASSWORD:`,
        ),
    });
    flow.env['TOKEN'] = TOKEN;
    const watched = watchProcesses(leader);
    const ended = await scene.deploy({ options: { outputFile: 'report.json' } });
    const said = `${ended.progress}\n${ended.output}`;
    const processes = await watched();
    expect(ended.code, said).toBe(0);
    const { world, ...rest } = await scene.whenQuiet();
    expect({ world, ...rest }).toEqual(scene.wanted(world.current, number));
    scene.serving = number;

    const container = `${world.current.toLowerCase()}-web`;
    const id = await leader.engine('ps', '-q', '--filter', `label=com.docker.compose.service=${container}`);
    const inside = JSON.parse(
      await leader.engine('exec', id, 'node', '-p', 'JSON.stringify(process.env)'),
    ) as Record<string, string>;
    expect(inside).toMatchObject({
      GREETING: EVIL,
      TOKEN,
      LITERAL: COMPOSE_LITERAL.replaceAll('$$', '$'),
      DATABASE_PASSWORD: PASSWORD,
    });
    expect(await leader.engine('exec', id, 'ls', '/tmp')).not.toContain('evil');
    expect(await leader.engine('exec', 'web-staging_db_1', 'ls', '/tmp')).not.toContain('evil');
    expect(existsSync('/tmp/evil')).toBe(false);

    const secrets = [TOKEN, PASSWORD, 'registry-password-of-a-test'].flatMap((all) => [
      all,
      all.slice(0, 15),
    ]);
    expect(found(said, secrets)).toEqual([]);
    expect(found(processes, secrets)).toEqual([]);
    expect(processes).toContain('docker');
    expect(found(await ledgerText(scene), secrets)).toEqual([]);
    expect(await ledgerText(scene)).toContain('deployed');

    const files = await filesWith(leader, secrets, [
      '/home',
      '/root',
      '/tmp',
      '/var/log',
      '/srv',
      '/opt',
      '/etc',
    ]);
    const open = files.filter((line) => !MAY_HOLD_SECRETS.test(line));
    expect(open).toEqual([]);
    // The search finds what is there.
    expect(files.some((line) => line.endsWith(`releases/${world.current}/compose.yaml`))).toBe(true);
    // Registry, workspace, report, temporary files: all that lies on this machine.
    expect(await scene.localFilesWith(secrets.flatMap(formsOf))).toEqual([]);
  });

  it('goes nowhere while another deployment is under way, and says whose that is', async () => {
    const { number } = await scene.ship({ environment: { GREETING: 'first' }, secrets: ['TOKEN'] });
    const first = scene.start({ stopAt: 'pull' });
    await first.stopped();
    const second = await scene.deploy();
    first.go();
    const { code, progress, output } = await first.ended;
    expect(second.code).toBe(1);
    expect(second.output).toContain('LOCK_HELD');
    expect(second.output).toContain(`@${hostname()}`);
    expect(code, `${progress}\n${output}`).toBe(0);
    const { world, ...rest } = await scene.whenQuiet();
    expect({ world, ...rest }).toEqual(scene.wanted(world.current, number));
    scene.serving = number;
    // Nothing had begun of the second one that a record could tell of.
    expect((await scene.deployments()).at(-1)).toMatchObject({ type: 'deployed', release: world.current });
  });

  it('gives up the lock and goes back when it is stopped by Ctrl-C', async () => {
    const { current } = await scene.world();
    await scene.ship({ secrets: ['TOKEN'] });
    const deploying = scene.start({ stopAt: 'bake' });
    await deploying.stopped();
    deploying.interrupt();
    deploying.go();
    const { code, output } = await deploying.ended;
    expect(code, output).toBe(1);
    // At once, not when the lease is over.
    expect(await scene.look()).toEqual(scene.wanted(current, scene.serving));
    expect((await scene.deployments()).at(-1)).toMatchObject({ type: 'deploy-failed', outcome: 'restored' });
  });

  it('serves again by itself after a power cut', async () => {
    const { leader } = scene;
    const { world } = await scene.whenQuiet();
    await leader.powerCut();
    await leader.powerOn();
    await scene.untilAnswered(String(scene.serving));
    // The database needs a moment longer than the service.
    await expect
      .poll(() => scene.whenQuiet(), { timeout: 60_000, interval: 500 })
      .toEqual(scene.wanted(world.current, scene.serving));
  });
});
