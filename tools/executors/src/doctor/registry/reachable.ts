import { findVerdaccio } from '../../registry/local/verdaccio.ts';
import { failed, given, ok, problem, unchecked, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';
import { asSluiceError } from '../../foundation/index.ts';
import type { Ping } from './ping.ts';

/** Whether anybody answers at the stage's address. */
export function reachableCheck(patient: Patient, stage: string): Check {
  return {
    room: 'registry',
    title: 'reachable',
    stage,
    run: async () => {
      // The first that asks for the address says what is wrong with it.
      const { registry } = await patient.stage(stage);
      const { status, sent, received } = await patient.ping(stage);
      if (status >= 500)
        return problem(
          `${registry} answers ${status}`,
          `npx sluice doctor ${stage} (again, in a minute)`,
          'REGISTRY_FAILED',
        );
      return ok(`${registry} answers in ${received - sent} ms`);
    },
  };
}

/** The local profile starts its registries when a task needs them; that they can be is all that can be said. */
export function embeddedCheck({ context }: Patient, stage: string): Check {
  return {
    room: 'registry',
    title: 'local registry',
    stage,
    run: async () => {
      try {
        findVerdaccio(context.workspaceRoot);
        return ok('starts on this machine when a task needs it (npx nx registries lets it run for longer)');
      } catch (thrown) {
        return failed(asSluiceError(thrown));
      }
    },
  };
}

/** More than that, and tokens and signatures are too young or too old for somebody. */
const LIMIT_MS = 60_000;

/** This machine's clock against those of the registries. */
export function clockCheck(patient: Patient, stages: readonly string[]): Check {
  return {
    room: 'tools',
    title: 'clock',
    run: async () => {
      if (stages.length === 0) return unchecked('nobody else is asked for the time');
      const answers = await Promise.allSettled(stages.map((stage) => given(patient.ping(stage), '')));
      return judgeClock(answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    },
  };
}

/** Pure: the smallest difference that any of the answers allows is what counts, since a registry's clock can be wrong too. */
export function judgeClock(pings: readonly Ping[]): Finding {
  const skews = pings.flatMap(({ date, sent, received }) =>
    // Whole seconds, read at some moment between ours.
    date === undefined ? [] : [Math.max(sent - (date + 1_000), date - received, 0)],
  );
  if (skews.length === 0) return unchecked('no registry said what time it is');
  const least = Math.min(...skews);
  const most = Math.max(...skews);
  if (least > LIMIT_MS)
    return problem(
      `this machine's clock differs from the registries' by ${seconds(least)}: tokens and signatures will be refused`,
      process.platform === 'linux'
        ? 'timedatectl set-ntp true (and compare with: date -u)'
        : 'set the clock by the network (and compare with: date -u)',
      'CLOCK_SKEW',
    );
  if (most > LIMIT_MS)
    return warning(`one of the registries is ${seconds(most)} off, the others agree with this machine`);
  return ok(
    `agrees with ${skews.length === 1 ? 'the registry' : `${skews.length} registries`} to the second or so`,
  );
}

const seconds = (ms: number): string =>
  ms < 600_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} minutes`;
