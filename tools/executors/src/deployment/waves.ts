import { errors } from '../foundation/index.ts';
import type { DeploymentPlan } from './types.ts';

/** The first host alone, as the leader; the others `parallel` at once. */
export function wavesOf(hosts: string[], parallel: number): DeploymentPlan['hosts'] {
  const atOnce = Math.max(1, parallel);
  return hosts.map((name, index) => ({
    name,
    wave: index === 0 ? 0 : 1 + Math.floor((index - 1) / atOnce),
    leader: index === 0,
  }));
}

/** `10%` or `10` as a whole number from 1 to 99. Throws CANARY_INVALID. */
export function canaryWeight(said: string | number): number {
  const [, digits] = /^(\d{1,2})%?$/.exec(String(said)) ?? [];
  const weight = Number(digits ?? 0);
  if (weight < 1) throw errors.CANARY_INVALID({ said: String(said) });
  return weight;
}
