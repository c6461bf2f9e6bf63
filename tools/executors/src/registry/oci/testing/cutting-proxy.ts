import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CuttingProxy {
  host: string;
  /** A connection is cut once it has carried so many bytes towards the registry (`up`) or from it (`down`); one entry a cut. */
  cuts: { way: 'up' | 'down'; after: number }[];
  /** Bytes that came towards the registry. */
  up: number;
  close(): Promise<void>;
}

/** Passes connections on to a registry, and cuts some of them: what had come through until then has reached it. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const [host = '', port = ''] = target.split(':');
  const open = new Set<Socket>();
  const proxy: CuttingProxy = { host: '', cuts: [], up: 0, close: async () => {} };
  const server = createServer((client) => {
    const registry = connect(Number(port), host);
    const carried = { up: 0, down: 0 };
    const pass = (from: Socket, to: Socket, way: 'up' | 'down'): void => {
      open.add(from);
      from.on('data', (chunk: Buffer) => {
        carried[way] += chunk.length;
        if (way === 'up') proxy.up += chunk.length;
        const cut = proxy.cuts.findIndex((each) => each.way === way && carried[way] > each.after);
        if (cut === -1) {
          if (!to.write(chunk)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
          return;
        }
        proxy.cuts.splice(cut, 1);
        to.write(chunk, () => to.destroy());
        from.destroy();
      });
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    };
    pass(client, registry, 'up');
    pass(registry, client, 'down');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  proxy.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy.close = async () => {
    for (const socket of open) socket.destroy();
    await new Promise<void>((done) => server.close(() => done()));
  };
  return proxy;
}
