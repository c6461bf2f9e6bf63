import { errors, type SluiceError } from '../foundation/index.ts';
import { destination, type Address } from './address.ts';

/**
 * OpenSSH has one exit code (255) for all that can go wrong before a command runs, and tells the rest in words, which are
 * never translated. The first row that fits counts: a changed key is told with the words of an unknown one behind it.
 */
const SAYS: [pattern: RegExp, code: Code, transient: boolean][] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY DETECTED/, 'HOST_KEY_CHANGED', false],
  [/No \S+ host key is known for|Host key verification failed/, 'HOST_KEY_UNKNOWN', false],
  [
    /Permission denied|Too many authentication failures|No supported authentication methods/,
    'HOST_REFUSED_KEY',
    false,
  ],
  [/Temporary failure in name resolution/, 'HOST_UNREACHABLE', true],
  [/Could not resolve hostname|Name or service not known|nodename nor servname/, 'HOST_UNREACHABLE', false],
  [/Connection refused/, 'HOST_UNREACHABLE', true],
  [/No route to host|Network is unreachable|Host is down/, 'HOST_UNREACHABLE', true],
  [/timed out|did not respond|not responding/, 'HOST_UNREACHABLE', true],
  [
    /Connection (closed|reset)|kex_exchange_identification|Broken pipe|Not allowed at this time/,
    'HOST_UNREACHABLE',
    true,
  ],
  [
    /Bad configuration option|Bad owner or permissions|Can't open user config file|terminating, \d+ bad configuration/,
    'SSH_CONFIG_INVALID',
    false,
  ],
];
type Code =
  'HOST_KEY_CHANGED' | 'HOST_KEY_UNKNOWN' | 'HOST_REFUSED_KEY' | 'HOST_UNREACHABLE' | 'SSH_CONFIG_INVALID';

export interface Failure {
  /** As the options name the host. */
  host: string;
  address: Address;
  /** File given to `ssh -F`. */
  config: string | undefined;
  code: number | undefined;
  /** What ssh printed on standard error. */
  said: string;
  /** What came on standard output before our session answered. */
  printed: string;
}

/** What a connection failed with that never became a session. */
export function connectionError(failure: Failure): SluiceError {
  const { host, address } = failure;
  const to = destination(address);
  const command = failure.config === undefined ? `ssh ${to}` : `ssh -F ${failure.config} ${to}`;
  const said = oneLine(failure.said);
  const [, code, transient] = SAYS.find(([pattern]) => pattern.test(failure.said)) ?? [];
  const known =
    address.port === undefined || address.port === 22 ? address.host : `'[${address.host}]:${address.port}'`;
  if (failure.code !== 255 && code === undefined) {
    const shown = oneLine(`${failure.printed}\n${failure.said}`);
    return errors.HOST_WITHOUT_SHELL({ host, code: failure.code ?? -1, said: shown, command });
  }
  switch (code) {
    case 'HOST_KEY_CHANGED':
      return errors.HOST_KEY_CHANGED({ host, known });
    case 'HOST_KEY_UNKNOWN':
      return errors.HOST_KEY_UNKNOWN({ host, command });
    case 'HOST_REFUSED_KEY':
      return errors.HOST_REFUSED_KEY({ host, to, command, said });
    case 'SSH_CONFIG_INVALID':
      return errors.SSH_CONFIG_INVALID({ host, said });
    default:
      return errors.HOST_UNREACHABLE({ host, said, command }, { transient: transient ?? true });
  }
}

function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('Warning: Permanently added'))
    .slice(-3)
    .join('; ')
    .slice(0, 500);
}
