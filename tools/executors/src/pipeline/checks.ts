import type { FreezeWindow, GateOptions, SluiceOptions } from './types.ts';

/** What a schema cannot say: rules over several options at once. One line for each that is broken, led by its path. */
export function crossChecks(options: SluiceOptions): string[] {
  return [
    ...uniqueNames(options),
    ...uniqueTargets(options.targets),
    ...options.packages.stages.flatMap((stage, i) => {
      const at = `packages.stages[${i}].gate`;
      if (i === 0 && stage.gate)
        return [
          `${at}: the first stage takes what was built and cannot have a gate; move it to a later stage`,
        ];
      return gateProblems(at, stage.gate);
    }),
    ...(options.services?.stages ?? []).flatMap((stage, i) => {
      const at = `services.stages[${i}].gate`;
      const before = (['soak', 'verified'] as const).filter((c) => i === 0 && stage.gate?.[c] !== undefined);
      return [
        ...before.map((c) => `${at}.${c}: the first stage has no stage before it to look at`),
        ...gateProblems(at, stage.gate),
      ];
    }),
  ];
}

function uniqueNames(options: SluiceOptions): string[] {
  const first = new Map<string, string>();
  const named = [
    ...options.packages.stages.map((s, i) => [s.name, `packages.stages[${i}].name`] as const),
    ...(options.services?.stages ?? []).map((s, i) => [s.name, `services.stages[${i}].name`] as const),
  ];
  return named.flatMap(([name, at]) => {
    const other = first.get(name);
    if (other !== undefined)
      return [`${at}: "${name}" is already the name of ${other.replace(/\.name$/, '')}`];
    first.set(name, at);
    return [];
  });
}

function uniqueTargets(targets: SluiceOptions['targets']): string[] {
  const first = new Map<string, string>();
  return Object.entries(targets).flatMap(([target, name]) => {
    const other = first.get(name);
    if (other !== undefined)
      return [`targets.${target}: "${name}" is already the name of the target ${other}`];
    first.set(name, target);
    return [];
  });
}

function gateProblems(at: string, gate: GateOptions | undefined): string[] {
  if (!gate) return [];
  const problems = (gate.freeze ?? []).flatMap((window, i) => freezeProblems(`${at}.freeze[${i}]`, window));
  const { approvals } = gate;
  if (typeof approvals === 'object' && approvals.from && approvals.from.length < approvals.count)
    problems.push(
      `${at}.approvals.from: names ${approvals.from.length}, fewer than the ${approvals.count} approvals asked for`,
    );
  return problems;
}

function freezeProblems(at: string, window: FreezeWindow): string[] {
  const single = window.from !== undefined || window.to !== undefined;
  const weekly = window.days !== undefined || window.between !== undefined;
  if (single && weekly)
    return [`${at}: is a single window (from, to) or a weekly one (days, between), not both`];
  if (weekly) {
    const [begin, end] = window.between ?? ['', '-'];
    return begin === end ? [`${at}.between: begins and ends at the same time`] : [];
  }
  if (!single) return [`${at}: needs from and to, or days, or between`];
  if (window.from === undefined) return [`${at}.from: is missing`];
  if (window.to === undefined) return [`${at}.to: is missing`];
  if (window.timeZone !== undefined) return [`${at}.timeZone: from and to carry their own time zone`];
  return Date.parse(window.from) < Date.parse(window.to) ? [] : [`${at}.to: is not after from`];
}
