import { request, type Dispatcher } from 'undici';
import type { Stage } from '../../pipeline/types.ts';
import { USER_AGENT } from '../../registry/http.ts';
import { unreachable } from '../../registry/network.ts';

/** One answer of a registry, and when it came. */
export interface Ping {
  status: number;
  /** Milliseconds since the epoch, by its clock; undefined where it does not say. */
  date: number | undefined;
  sent: number;
  received: number;
}

/**
 * Asks a registry whether it is there, in nobody's name: reachable is one thing, allowed in is another. Any answer will do,
 * a refusal too: something is there that speaks HTTP.
 * @throws REGISTRY_UNREACHABLE
 */
export async function ping(stage: Stage, dispatcher: Dispatcher): Promise<Ping> {
  const sent = Date.now();
  try {
    const { statusCode, headers, body } = await request(`${stage.registry}/-/ping`, {
      headers: { 'user-agent': USER_AGENT },
      dispatcher,
    });
    const received = Date.now();
    await body.dump();
    const date = Date.parse(String(headers['date'] ?? ''));
    return { status: statusCode, date: Number.isNaN(date) ? undefined : date, sent, received };
  } catch (error) {
    throw unreachable(stage, error);
  }
}
