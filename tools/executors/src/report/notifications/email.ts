import { createTransport } from 'nodemailer';
import type { Secret } from '../../foundation/index.ts';
import { messageOf, plainText } from './message.ts';
import type { Channel } from './types.ts';

/**
 * Mail by SMTP.
 * @param address `smtp://user:password@host:587` or `smtps://...`; a password goes only over TLS unless the server is this machine
 */
export function email(address: Secret, options: { from: string; to: string[] }, name: string): Channel {
  return {
    name,
    send: async (notification, signal) => {
      const url = new URL(address.reveal());
      const local = /^(localhost|127\.|\[::1\])/.test(url.hostname);
      const transport = createTransport({
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port) || (url.protocol === 'smtps:' ? 465 : 587),
        secure: url.protocol === 'smtps:',
        requireTLS: url.username !== '' && !local,
        ...(url.username
          ? { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }
          : {}),
        connectionTimeout: 8_000,
        socketTimeout: 8_000,
      });
      const stop = () => transport.close();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const message = messageOf(notification);
        await transport.sendMail({
          ...options,
          subject: message.title.replaceAll(/\s+/g, ' '),
          text: plainText(message),
        });
      } finally {
        signal.removeEventListener('abort', stop);
        transport.close();
      }
    },
  };
}
