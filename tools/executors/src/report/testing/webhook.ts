import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestWebhook<T> {
  readonly url: string;
  /** What was sent, oldest first. */
  readonly told: T[];
  close(): Promise<void>;
}

/** Somebody who is told by a webhook: takes every JSON body, and keeps it. */
export async function startWebhook<T = object>(): Promise<TestWebhook<T>> {
  const told: T[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request
      .on('data', (chunk) => (text += chunk))
      .on('end', () => {
        told.push(JSON.parse(text));
        response.end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
