import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../testing/lab/index.ts';
import { backupInput, restoreInput } from './backups.ts';
import { openHost, type Host } from './index.ts';
import { DatabaseOnHost, KINDS } from './testing/databases.ts';
import { readBackup, readRestore } from './testing/reports.ts';

describeWithHosts('databases', () => {
  let lab: Lab;
  let machine: LabHost;
  let host: Host;
  const HOME = '.sluice/shop/staging';
  beforeAll(async () => {
    lab = await openLab();
    machine = await lab.host();
    host = await openHost({
      name: machine.target,
      sshConfig: lab.sshConfig,
      service: 'shop',
      environment: 'staging',
      run: 'run-1',
      root: '.sluice',
    });
    await machine.ssh(`mkdir -p ${HOME}/lock && echo run-1 >${HOME}/lock/run && touch ${HOME}/lock/lease`);
    await machine.ssh(`echo old >${HOME}/current`);
  });
  afterAll(async () => {
    await host?.close();
    await lab?.close();
  });

  describe.each(KINDS)('$kind', (kind) => {
    let database: DatabaseOnHost;
    beforeAll(async () => {
      database = new DatabaseOnHost(machine, kind);
      await database.start();
    });
    beforeEach(() => machine.ssh(`rm -rf ${HOME}/backups ${HOME}/restore`));

    const backup = async (...names: string[]) =>
      readBackup(
        await host.run(
          'backup',
          backupInput({ release: 'new', databases: names.map((name) => database.access(name)), volumes: [] }),
        ),
      );
    const restore = async (...names: string[]) =>
      readRestore(
        await host.run(
          'restore',
          restoreInput({ release: 'old', databases: names.map((name) => database.access(name)) }),
        ),
      );
    const backupFiles = async () => (await machine.ssh(`ls -A ${HOME}/backups`)).stdout.trim();
    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => expect.unreachable('it should have failed'),
        (error: Error & { code: string; state: string }) => error,
      );
    /** A database with everything in it; the name is different each time. */
    let count = 0;
    const filled = async (base = 'shop') => {
      count += 1;
      const name = `${base}${count}`;
      await database.create(name, kind.fixture);
      return { name, content: await database.content(name) };
    };

    it('comes back as it was, in the place of what is there now, which is kept', async () => {
      const { name, content } = await filled(kind.evil);
      const report = await backup(name);
      expect(report.tables).toBeGreaterThan(4);
      expect(await database.content(name)).toBe(content);
      expect(await database.names()).toEqual([name]);

      await database.sql(name, kind.damage);
      expect(await database.content(name)).not.toBe(content);
      const restored = await restore(name);

      expect(await database.content(name)).toBe(content);
      expect(restored.restored).toEqual([`${kind.service}/${name}`]);
      const replaced = restored.replaced[0]?.slice(kind.service.length + 1) as string;
      expect(await database.names()).toEqual([name, replaced].sort());
      expect(await database.sql(replaced, 'SELECT id FROM later;')).toBe('3');
      await machine.ssh(`! ls -d ${HOME}/restore`);
    });

    it('is one of two in a service, and may hold nothing', async () => {
      const { name, content } = await filled();
      count += 1;
      const empty = `empty${count}`;
      await database.create(empty);
      await backup(empty, name);
      await database.sql(empty, 'CREATE TABLE later (id int);');
      await database.sql(name, kind.damage);

      expect((await restore(empty, name)).restored).toEqual([
        `${kind.service}/${empty}`,
        `${kind.service}/${name}`,
      ]);
      expect(await database.content(name)).toBe(content);
      expect(await database.content(empty)).not.toContain('later');
    });

    it.each([
      ['dies half-way', '"$0.real" "$@" | head -c 3000; echo "lost it" >&2; exit 3', /lost it/],
      ['breaks off without saying so', '"$0.real" "$@" | head -c 3000', /no end/],
    ])('has no backup where its tool %s', async (_, script, reason) => {
      const { name } = await filled();
      await database.replace(kind.dumper, script);
      const error = await failure(backup(name));
      await database.mend(kind.dumper);
      expect(error).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringMatching(reason) });
      expect(await backupFiles()).toBe('');
      expect(await database.names()).not.toContain(`${name}_sluice_check`);
    });

    it('has no backup where its schema makes fewer tables than it has', async () => {
      const { name } = await filled();
      await database.replace(kind.dumper, `"$0.real" "$@" | sed '/${kind.trailer}/i ${kind.dropOne}'`);
      const error = await failure(backup(name));
      await database.mend(kind.dumper);
      expect(error).toMatchObject({ code: 'BACKUP_INVALID', message: expect.stringMatching(/tables/) });
      expect(await backupFiles()).toBe('');
      expect(await database.names()).not.toContain(`${name}_sluice_check`);
    });

    it('says that its tool is missing', async () => {
      const { name } = await filled();
      await database.inside(`for t in ${kind.dumpers}; do mv $t $t.away; done`);
      const error = await failure(backup(name));
      await database.inside(`for t in ${kind.dumpers}; do mv $t.away $t; done`);
      expect(error).toMatchObject({ code: 'DUMP_TOOL_MISSING' });
      expect(await backupFiles()).toBe('');
    });

    it('says that it does not answer', async () => {
      await machine.engine('stop', '-t', '10', database.container);
      const error = await failure(backup('shop'));
      await machine.engine('start', database.container);
      await database.answers();
      expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
      expect(String(error)).not.toContain(database.password.reveal());
    });

    /** The client does what it is asked, but `before` or `after` it is asked to swap, this happens. */
    const atTheSwap = (before: string, after = '') =>
      database.replace(
        kind.client,
        `if [ -e /tmp/dead ]; then exit 1; fi
in=$(mktemp)
cat >"$in"
if grep -q '${kind.swap}' "$in" && ! grep -q CONCAT "$in"; then ${before || ':'}; "$0.real" "$@" <"$in"; ${after || ':'}; else "$0.real" "$@" <"$in"; fi`,
      );

    it('is as before where it cannot be swapped', async () => {
      const { name } = await filled();
      const bystander = await filled();
      await backup(name, bystander.name);
      await database.sql(name, kind.damage);
      const damaged = await database.content(name);
      await atTheSwap('exit 1');
      const error = await failure(restore(name, bystander.name));
      await database.mend(kind.client);

      expect(error).toMatchObject({ code: 'RESTORE_FAILED', state: expect.stringContaining('as before') });
      expect(await database.content(name)).toBe(damaged);
      expect((await database.names()).filter((one) => one.includes('_re') && one.startsWith(name))).toEqual(
        [],
      );
    });

    it('is restored where only the answer to the swap was lost', async () => {
      const { name, content } = await filled();
      await backup(name);
      await database.sql(name, kind.damage);
      await atTheSwap('', 'exit 1');
      const { restored } = await restore(name);
      await database.mend(kind.client);
      expect(restored).toEqual([`${kind.service}/${name}`]);
      expect(await database.content(name)).toBe(content);
    });

    it('is brought to an end by the next restore where its server died in the swap', async () => {
      const { name, content } = await filled();
      await backup(name);
      await database.sql(name, kind.damage);
      await atTheSwap('', 'touch /tmp/dead; exit 1');
      const error = await failure(restore(name));
      expect(error).toMatchObject({
        code: 'RESTORE_SWAP_FAILED',
        state: expect.stringContaining(`${name}_replaced_`),
      });

      await database.mend(kind.client);
      const again = await restore(name);
      expect(again.restored).toEqual([`${kind.service}/${name}`, `${kind.service}/${name}`]);
      expect(await database.content(name)).toBe(content);
      const kept = (await database.names()).filter((one) => one.startsWith(`${name}_`));
      expect(kept.length).toBe(2);
      expect(await database.sql(kept[0] as string, 'SELECT id FROM later;')).toBe('3');
    });
  });
});
