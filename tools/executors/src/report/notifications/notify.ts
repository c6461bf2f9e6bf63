import { Secret, asSluiceError, redact, type SluiceError } from '../../foundation/index.ts';
import { errors } from '../../foundation/index.ts';
import { email } from './email.ts';
import { githubJob } from './github.ts';
import type { Channel, Happening, Notification, NotificationOptions } from './types.ts';
import { webhook } from './webhook.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** How long one channel may take, in milliseconds. A deployment never waits longer for it. */
const PATIENCE = 10_000;

export interface Notifier {
  /** Tells everybody who wants to know, side by side. Never throws: what could not be told is a warning. */
  notify(notification: Notification): Promise<void>;
}

/**
 * @param warn takes a line for what could not be told
 * @param write takes the annotations of a GitHub job (standard output)
 */
export function openNotifier(input: {
  options: readonly NotificationOptions[];
  env: Env;
  warn: (line: string) => void;
  write: (line: string) => void;
  patience?: number;
}): Notifier {
  const { options, env, warn, patience = PATIENCE } = input;
  const listeners = options.map((option, i) => ({ option, channel: channelOf(option, i, env) }));
  const summary = env['GITHUB_ACTIONS'] === 'true' ? env['GITHUB_STEP_SUMMARY'] : undefined;
  const job = summary ? githubJob(summary, (line) => input.write(redact(line))) : undefined;
  return {
    notify: async (said) => {
      const notification = redacted(said);
      const wanted = listeners.filter(({ option }) => wants(option, notification));
      const channels = [...(job ? [job] : []), ...wanted.map(({ channel }) => channel)];
      await Promise.all(channels.map((channel) => tell(channel, notification, patience, warn)));
    },
  };
}

/** What registries and hosts answered may quote what they were sent. */
function redacted<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(redacted) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, redacted(one)])) as T;
}

const EVERYTHING: Happening[] = ['started', 'approval-requested', 'succeeded', 'failed', 'rolled-back'];

function wants({ on = EVERYTHING, stages }: NotificationOptions, { event, stage }: Notification): boolean {
  return on.includes(event) && (stages === undefined || stages.includes(stage));
}

async function tell(
  channel: Channel | SluiceError,
  notification: Notification,
  patience: number,
  warn: (line: string) => void,
): Promise<void> {
  try {
    if (channel instanceof Error) throw channel;
    const limit = AbortSignal.timeout(patience);
    const late = new Promise<never>((_resolve, reject) => {
      limit.addEventListener('abort', () =>
        reject(
          errors.NOTIFICATION_REFUSED({ channel: channel.name, answer: `no answer within ${patience} ms` }),
        ),
      );
    });
    await Promise.race([channel.send(notification, limit), late]);
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    warn(redact(`warning: ${notification.event} was not told (${code}: ${message})`));
  }
}

function channelOf(option: NotificationOptions, index: number, env: Env): Channel | SluiceError {
  const variable = 'webhookEnv' in option ? option.webhookEnv : option.smtpEnv;
  const name = option.name ?? `notifications[${index}]`;
  const address = env[variable];
  if (!address || !URL.canParse(address)) return errors.NOTIFICATION_ADDRESS({ channel: name, variable });
  const secret = new Secret(address);
  return 'webhookEnv' in option
    ? webhook(secret, option.format ?? 'json', name)
    : email(secret, { from: option.from, to: option.to }, name);
}
