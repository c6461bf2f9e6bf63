import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../../foundation/index.ts';
import { checkClientFile } from '../../gate/index.ts';
import type { Policy } from '../../gate/policy.ts';
import { checkStage } from '../../gate/policy-stage.ts';
import type { SluiceOptions } from '../../pipeline/types.ts';
import { failed, given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

const LEDGER = ['ledger.branch', 'ledger.remote'];

/** The rules that gates go by, and whether this work tree means the same. */
export function policyChecks(patient: Patient): Check[] {
  const { context } = patient;
  return [
    {
      room: 'repository',
      title: 'policy',
      run: async () => {
        const { branch, commit, notes } = await patient.policy();
        return ok([`${branch} at ${commit.slice(0, 12)} says who may do what`, ...notes].join('; '));
      },
    },
    {
      room: 'repository',
      title: 'policy is the same here',
      run: async () => {
        const policy = await given(patient.policy(), 'the policy cannot be read');
        if (context.profile === 'live')
          await checkClientFile(
            { root: context.workspaceRoot, show: (await patient.reading()).show },
            policy,
          );
        const same = judgeSame(context.options, policy.options, policy.branch, context.profile);
        return (await movedStage(patient, policy)) ?? same;
      },
    },
  ];
}

/** A stage that is another one than the policy means: promotions into it would be refused. */
async function movedStage(patient: Patient, policy: Policy): Promise<Finding | undefined> {
  const { profile, options } = patient.context;
  const { stages } = options.packages;
  for (const [i, { name }] of stages.entries()) {
    const from = stages[i - 1]?.name;
    if (from === undefined || profile !== 'live') continue;
    const stage = await given(patient.stage(name), 'the address of the stage is not known');
    try {
      checkStage({ policy, stage, from, profile });
    } catch (error) {
      if (error instanceof SluiceError) return failed(error);
      throw error;
    }
  }
  return undefined;
}

/** Pure: what differs between the options of the work tree and those that count. */
export function judgeSame(
  here: SluiceOptions,
  there: SluiceOptions,
  branch: string,
  profile: 'local' | 'live',
): Finding {
  const paths = differences(here, there);
  if (paths.length === 0) return ok(`nx.json here and on ${branch} say the same`);
  const shown = paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '');
  const fatal = profile === 'live' && paths.some((path) => LEDGER.includes(path));
  if (fatal)
    return problem(
      `nx.json here has another ledger than ${branch} (${shown}): nothing could be recorded`,
      `git diff origin/${branch} -- nx.json`,
      'POLICY_DIFFERS',
    );
  return warning(
    `nx.json here differs from ${branch} in ${shown}; gates go by ${branch}`,
    `git diff origin/${branch} -- nx.json (and commit it on ${branch} where it is meant)`,
  );
}

/** Paths at which two JSON values differ, the shortest that say it. Pure. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  if (!isBranching(a) || !isBranching(b) || Array.isArray(a) !== Array.isArray(b)) return [path || '.'];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => {
    const step = Array.isArray(a) ? `[${key}]` : `${path && '.'}${key}`;
    return differences(a[key as never], b[key as never], path + step);
  });
}

const isBranching = (value: unknown): value is object => typeof value === 'object' && value !== null;
