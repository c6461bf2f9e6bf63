import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../../testing/lab/index.ts';
import { hostDown } from '../../testing/lab/machine.ts';
import { openHost } from '../../host/index.ts';
import { prepare } from './prepare.ts';
import { valuesFor, type HostSchema } from './values.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA lab';

describeWithHosts('a host that is prepared', () => {
  let lab: Lab;
  let host: LabHost;
  const at = (schema: Partial<HostSchema> = {}, user = 'root') => {
    const name = `${user}@${host.address}`;
    const values = valuesFor(
      { host: name, user: 'shipper', backupsTo: 'keeper@nas.example.com:/srv', ...schema },
      undefined,
      KEY,
    );
    return { host: name, sshConfig: lab.sshConfig, values };
  };
  const texts = async (kind: string, lines: ReturnType<typeof prepare>) =>
    (await lines).flatMap((line) => (line.kind === kind ? [line.text] : []));

  beforeAll(async () => {
    lab = await openLab();
    host = await lab.host({ user: 'root' });
  });
  afterAll(async () => {
    // It has another user and a firewall now, which no reset takes away.
    if (host) await hostDown(host.name);
    await lab?.close();
  });

  it('is only looked at first', async () => {
    const before = await host.exec('getent passwd; dpkg -l | sha256sum');
    const todo = await texts('todo', prepare('look', at()));
    expect(todo).toEqual([
      'the user shipper, without a password',
      'your public key for shipper',
      'shipper in the group docker',
      'a firewall (ufw) that lets in 22 80 443 and nothing else',
      'the folder .sluice, for shipper alone',
      'each day a copy of the backups at keeper@nas.example.com:/srv',
    ]);
    expect(await host.exec('getent passwd; dpkg -l | sha256sum')).toBe(before);
  });

  it('has all of it then, and is not touched again', async () => {
    const did = await texts('did', prepare('do', at()));
    expect(did).toHaveLength(6);
    expect(await host.exec('cat ~shipper/.ssh/authorized_keys')).toBe(KEY);
    expect(await host.exec("stat -c '%U %a' ~shipper/.sluice ~shipper/.ssh")).toBe(
      'shipper 700\nshipper 700',
    );
    expect(await host.exec('su shipper -c "docker ps -q"')).toBe('');
    expect(await host.exec('ufw status | grep -cE "^[0-9]+/tcp +ALLOW"')).toBe('3');
    // The connection by which all this came is not locked out, and the packet filter itself knows.
    expect((await host.ssh('iptables -S ufw-user-input')).stdout).toContain('--dport 22 -j ACCEPT');
    expect(
      await host.exec('sh -n /etc/cron.daily/sluice-backups && cat /etc/cron.daily/sluice-backups'),
    ).toContain("rsync -a --relative --exclude='*.tmp' ./*/*/backups 'keeper@nas.example.com:/srv/'");
    const state =
      'getent passwd; dpkg -l | sha256sum; find ~shipper /etc -type f -printf "%p %T@\\n" | sha256sum';
    const before = await host.exec(state);
    expect(await texts('did', prepare('do', at()))).toEqual([]);
    expect(await texts('note', prepare('look', at()))).toEqual([
      expect.stringMatching(/^let this key in at keeper@nas\.example\.com:\/srv: ssh-ed25519 /),
    ]);
    expect(await host.exec(state)).toBe(before);
  });

  it('is taken by a deployment for one that it can deploy to', async () => {
    await host.exec(
      'cp /root/.ssh/authorized_keys ~shipper/.ssh/authorized_keys && chown shipper: ~shipper/.ssh/authorized_keys',
    );
    const name = `shipper@${host.address}`;
    const opened = await openHost({
      name,
      sshConfig: lab.sshConfig,
      service: 'x',
      environment: 'y',
      run: 'z',
      root: '.sluice',
    });
    try {
      const { facts } = await opened.run('preflight', {
        values: { NEED_MB: '1', PORTS: '80 443' },
      });
      expect(facts).toContainEqual({ key: 'user', value: 'shipper' });
    } finally {
      await opened.close();
    }
  });

  it.each([
    ['a user without rights', () => at({}, 'shipper'), 'HOST_NEEDS_ROOT'],
    ['a user that does not exist', () => at({}, 'nobody-here'), 'HOST_REFUSED_KEY'],
  ])('says what is wrong with %s', async (_, asked, code) => {
    await expect(prepare('look', asked())).rejects.toMatchObject({ code });
  });

  it('says which step failed, and goes on there when it runs again', async () => {
    await host.exec(
      'printf "#!/bin/sh\\necho no space left >&2; exit 1\\n" >/usr/local/sbin/useradd; chmod +x /usr/local/sbin/useradd',
    );
    const other = at({ user: 'second', firewall: 'none', backupsTo: '' });
    await expect(prepare('do', other)).rejects.toMatchObject({
      code: 'HOST_PREPARE_FAILED',
      message: expect.stringContaining('no space left'),
    });
    await host.exec('rm /usr/local/sbin/useradd');
    expect(await texts('did', prepare('do', other))).toContain('the user second, without a password');
  });

  it('says what a system lacks by which things are installed', async () => {
    await host.exec('mv /usr/bin/apt-get /usr/bin/rsync /root/');
    try {
      await expect(prepare('do', at())).rejects.toMatchObject({
        code: 'HOST_SYSTEM_UNKNOWN',
        message: expect.stringContaining('rsync'),
      });
    } finally {
      await host.exec('mv /root/apt-get /root/rsync /usr/bin/');
    }
  });
});
