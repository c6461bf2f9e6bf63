// A proxy that holds every request back, as a registry far away does, any number at once; in a process of its own.
import { startFaultProxy } from '../tools/executors/src/testing/fault-proxy.ts';

const [target, delay] = [process.argv[2], Number(process.argv[3])];
if (target === undefined || process.send === undefined) throw new Error('started by registries.ts only');
process.once('disconnect', () => process.exit(0));
const { url } = await startFaultProxy({ target, delayMs: delay });
process.send({ port: Number(new URL(url).port) });
