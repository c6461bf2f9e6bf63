import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.ts';
import { connectionError } from './connection-errors.ts';

const failure = (said: string, code: number | undefined = 255) => ({
  host: 'deploy@www1.example.com:2222',
  address: parseAddress('deploy@www1.example.com:2222'),
  config: undefined,
  code,
  said,
  printed: '',
});
const login = 'ssh -p 2222 deploy@www1.example.com';

describe('what OpenSSH says', () => {
  it.each([
    // [words, code, transient, next]
    [
      '@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@\nOffending ED25519 key in /k:1\nHost key verification failed.',
      'HOST_KEY_CHANGED',
      false,
      "ssh-keygen -R '[www1.example.com]:2222'",
    ],
    [
      'WARNING: REVOKED HOST KEY DETECTED!\nHost key verification failed.',
      'HOST_KEY_CHANGED',
      false,
      'ssh-keygen -R',
    ],
    [
      'No ED25519 host key is known for [www1.example.com]:2222 and you have requested strict checking.\r\nHost key verification failed.',
      'HOST_KEY_UNKNOWN',
      false,
      login,
    ],
    [
      'deploy@www1.example.com: Permission denied (publickey).',
      'HOST_REFUSED_KEY',
      false,
      'ssh-copy-id -p 2222 deploy@www1.example.com',
    ],
    [
      'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures',
      'HOST_REFUSED_KEY',
      false,
      login,
    ],
    [
      'ssh: Could not resolve hostname www1.example.com: Name or service not known',
      'HOST_UNREACHABLE',
      false,
      login,
    ],
    [
      'ssh: Could not resolve hostname www1.example.com: Temporary failure in name resolution',
      'HOST_UNREACHABLE',
      true,
      login,
    ],
    ['ssh: connect to host www1.example.com port 2222: Connection refused', 'HOST_UNREACHABLE', true, login],
    ['ssh: connect to host www1.example.com port 2222: No route to host', 'HOST_UNREACHABLE', true, login],
    [
      'ssh: connect to host www1.example.com port 2222: Network is unreachable',
      'HOST_UNREACHABLE',
      true,
      login,
    ],
    [
      'ssh: connect to host www1.example.com port 2222: Connection timed out',
      'HOST_UNREACHABLE',
      true,
      login,
    ],
    ['Connection timed out during banner exchange', 'HOST_UNREACHABLE', true, login],
    ['Timeout, server www1.example.com not responding.', 'HOST_UNREACHABLE', true, login],
    ['kex_exchange_identification: Connection closed by remote host', 'HOST_UNREACHABLE', true, login],
    ['Connection reset by 192.0.2.1 port 2222', 'HOST_UNREACHABLE', true, login],
    [
      '/c: line 3: Bad configuration option: nosuch\n/c: terminating, 1 bad configuration options',
      'SSH_CONFIG_INVALID',
      false,
      'ssh -G',
    ],
    ['Bad owner or permissions on /home/ann/.ssh/config', 'SSH_CONFIG_INVALID', false, 'ssh -G'],
    ["Can't open user config file none: No such file or directory", 'SSH_CONFIG_INVALID', false, 'ssh -G'],
    ['words of a version that is not written yet', 'HOST_UNREACHABLE', true, login],
  ])('%s', (said, code, transient, next) => {
    const error = connectionError(failure(said));
    expect(error).toMatchObject({ code, transient, next: expect.stringContaining(next) });
  });

  it('names the config that was used', () => {
    const error = connectionError({ ...failure('Host key verification failed.'), config: 'ssh/config' });
    expect(error.next).toContain('ssh -F ssh/config -p 2222 deploy@www1.example.com');
  });

  it('is told apart from a login without a shell', () => {
    const error = connectionError({ ...failure('', 1), printed: 'This account is currently not available.' });
    expect(error).toMatchObject({
      code: 'HOST_WITHOUT_SHELL',
      message: expect.stringContaining('not available'),
    });
  });
});
