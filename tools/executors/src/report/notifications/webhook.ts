import { request } from 'undici';
import { errors, type Secret } from '../../foundation/index.ts';
import { messageOf, plainText, type Message } from './message.ts';
import type { Channel, Notification } from './types.ts';

const COLOURS: Record<Message['mood'], string> = {
  neutral: '#6e7781',
  good: '#1a7f37',
  warning: '#9a6700',
  bad: '#cf222e',
};

/** What Slack (and Mattermost) take: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export function slackBody(notification: Notification): object {
  const { title, facts, problem, next, link, mood } = messageOf(notification);
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
  const fields = facts
    .slice(0, 10)
    .map(([label, text]) => ({ type: 'mrkdwn', text: `*${label}*\n${escaped(text)}` }));
  return {
    // Shown where blocks are not, and read by screen readers.
    text: escaped(title),
    attachments: [
      {
        color: COLOURS[mood],
        blocks: [
          section(`*${escaped(title)}*`),
          ...(problem ? [section(escaped(problem.slice(0, 2_500)))] : []),
          { type: 'section', fields },
          ...(next ? [section(`*Next*\n\`${escaped(next.replaceAll('`', "'"))}\``)] : []),
          ...(link ? [section(`<${link}|Open the run>`)] : []),
        ],
      },
    ],
  };
}

/** Text stays text: Slack's three control characters. */
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The notification as it is, with its words, for receivers of one's own. */
export function jsonBody(notification: Notification): object {
  return { schemaVersion: 1, ...notification, text: plainText(messageOf(notification)) };
}

/** Posts to an address that is itself the credential, so it is never shown. */
export function webhook(address: Secret, format: 'slack' | 'json', name: string): Channel {
  return {
    name,
    send: async (notification, signal) => {
      const body = format === 'slack' ? slackBody(notification) : jsonBody(notification);
      const { statusCode, body: answer } = await request(address.reveal(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      });
      await answer.dump();
      if (statusCode >= 300)
        throw errors.NOTIFICATION_REFUSED({ channel: name, answer: `HTTP ${statusCode}` });
    },
  };
}
