import { describe, expect, it } from 'vitest';
import { destination, parseAddress } from './address.ts';

describe('the address of a host', () => {
  it.each([
    ['www1', { user: undefined, host: 'www1', port: undefined }, 'www1'],
    [
      'deploy@www1.example.com',
      { user: 'deploy', host: 'www1.example.com', port: undefined },
      'deploy@www1.example.com',
    ],
    [
      'deploy@www1.example.com:2222',
      { user: 'deploy', host: 'www1.example.com', port: 2222 },
      '-p 2222 deploy@www1.example.com',
    ],
    [
      'ssh://deploy@www1.example.com:22/',
      { user: 'deploy', host: 'www1.example.com', port: 22 },
      '-p 22 deploy@www1.example.com',
    ],
    ['ssh://192.0.2.7', { user: undefined, host: '192.0.2.7', port: undefined }, '192.0.2.7'],
    [
      'root@[2001:db8::1]:2200',
      { user: 'root', host: '2001:db8::1', port: 2200 },
      '-p 2200 root@2001:db8::1',
    ],
  ])('%s', (name, address, typed) => {
    expect(parseAddress(name)).toEqual(address);
    expect(destination(address)).toBe(typed);
  });

  it.each([
    '',
    '-oProxyCommand=id',
    '-l@host',
    'deploy@-oProxyCommand=id',
    '$(id)',
    'a b',
    'host;id',
    "ho'st",
    'deploy`id`@host',
    'host:0',
    'host:99999',
    'host:22x',
    'http://host',
    'host\n',
  ])('%j is none', (name) => {
    expect(() => parseAddress(name)).toThrow(expect.objectContaining({ code: 'HOST_NAME_INVALID' }));
  });
});
