import { errors, SluiceError } from '../foundation/index.ts';
import type { EnvironmentRun } from '../ledger/types.ts';
import type { GateOptions } from '../pipeline/types.ts';
import { Authors } from './authors.ts';
import { conditions } from './conditions.ts';
import { refuseLostPins } from './pins.ts';
import { checkStage } from './policy-stage.ts';
import { Trust } from './trust.ts';
import type {
  ConditionResult,
  GateContext,
  GateDecision,
  GateDecisions,
  GateInput,
  GateItem,
} from './types.ts';

/** Items that are judged at once: each asks git a few questions. */
const SIDE_BY_SIDE = 8;

/**
 * Judges every item by every condition of the stage's gate, as the policy states it (not the work tree): a person wants
 * to see all that is missing at once. Reads only.
 * @throws STAGE_NOT_IN_POLICY, POLICY_DIFFERS, SHALLOW_CLONE, LEDGER_PIN_LOST
 */
export async function evaluateGate(input: GateInput): Promise<GateDecisions> {
  const { policy, stage, items, profile } = input;
  const gate = policy.stage(stage.name);
  checkStage(input);
  if (items.length === 0) return new Map();
  if (!gate) return new Map(items.map((item) => [key(item), open(policy.commit)]));
  const context = await gateContext(input, gate);
  await refuseLostPins(context, context.state.approvals(stage.name));
  const decisions: GateDecisions = new Map();
  for (let at = 0; at < items.length; at += SIDE_BY_SIDE) {
    const some = items.slice(at, at + SIDE_BY_SIDE);
    const made = await Promise.all(some.map((item) => decide(context, item, profile)));
    for (const [i, item] of some.entries()) decisions.set(key(item), made[i] as GateDecision);
  }
  return decisions;
}

/** What conditions judge by. */
export async function gateContext(input: GateInput, gate: GateOptions): Promise<GateContext> {
  const { policy, stage, repository } = input;
  const repositoryIdentity =
    input.repositoryIdentity ?? (await repository.identity(policy.options.ledger.remote));
  return {
    ...input,
    gate,
    registryIdentity: input.registryIdentity ?? stage.identity,
    repositoryIdentity,
    trust: new Trust({ ...input, repositoryIdentity }),
    authors: new Authors(repository),
  };
}

async function decide(
  context: GateContext,
  item: GateItem,
  profile: GateContext['profile'],
): Promise<GateDecision> {
  const results: ConditionResult[] = [];
  const approvals = new Set<string>();
  let behind: EnvironmentRun | undefined;
  for (const condition of conditions) {
    if (!condition.applies(context.gate, profile)) continue;
    const judged = await whole(item, () => condition.judge(context, item));
    const { approvals: used = [], environment, ...result } = judged;
    if (environment) behind = environment;
    for (const nonce of used) approvals.add(nonce);
    results.push({ condition: condition.name, ...result });
  }
  return {
    open: results.every((result) => result.open),
    results,
    approvals: [...approvals],
    policy: context.policy.commit,
    ...(behind ? { environment: behind } : {}),
  };
}

/** History that is cut off answers no question about who wrote what. */
export async function whole<T>(
  item: Pick<GateItem, 'name' | 'version'>,
  judge: () => Promise<T> | T,
): Promise<T> {
  try {
    return await judge();
  } catch (cause) {
    if (cause instanceof SluiceError && cause.code === 'GIT_SHALLOW')
      throw errors.SHALLOW_CLONE(item, { cause });
    throw cause;
  }
}

function open(policy: string): GateDecision {
  return { open: true, results: [], approvals: [], policy };
}

const key = (item: GateItem): string => `${item.name}@${item.version}`;
