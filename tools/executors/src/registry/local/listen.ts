import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on the preferred port, or on any free one where that is taken or not allowed. */
export async function listen(server: Server, preferred: number): Promise<number> {
  const attempt = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  return attempt(preferred).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' || error.code === 'EACCES') return attempt(0);
    throw error;
  });
}

/** Ends a server: what is being answered has half a second more. */
export async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 500).unref();
  });
}
