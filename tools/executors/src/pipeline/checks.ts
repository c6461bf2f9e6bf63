import { IMAGES } from '../service/types.ts';
import { isImageRepository } from './addresses.ts';
import { githubProblems } from './github-checks.ts';
import { isUnique, tagRules } from './image-tags.ts';
import { registryKind } from './stages.ts';

import type {
  FreezeWindow,
  GateOptions,
  PackageStageOptions,
  ServicesOptions,
  ServiceStageOptions,
  SluiceOptions,
} from './types.ts';

/** What a schema cannot say: rules over several options at once. One line for each that is broken, led by its path. */
export function crossChecks(options: SluiceOptions): string[] {
  return [
    ...uniqueNames(options),
    ...uniqueTargets(options.targets),
    ...options.packages.stages.flatMap((stage, i) => {
      const at = `packages.stages[${i}]`;
      if (i === 0 && stage.gate)
        return [
          `${at}.gate: the first stage takes what was built and cannot have a gate; move it to a later stage`,
        ];
      return [...publishingProblems(at, stage), ...gateProblems(`${at}.gate`, stage.gate)];
    }),
    ...(options.services ? serviceProblems(options.services) : []),
    ...githubProblems(options.github),
  ];
}

/** Only npm's own protocol knows how a job's token is exchanged, and how a version is staged. */
function publishingProblems(at: string, stage: PackageStageOptions): string[] {
  const isNpm = registryKind(stage.registry, stage.kind) === 'npm';
  const needs = 'needs a registry of npm\'s kind; say "kind": "npm" if it is one';
  return [
    ...(stage.trusted && !isNpm ? [`${at}.trusted: ${needs}`] : []),
    ...(stage.publish === 'staged' && !isNpm ? [`${at}.publish: "staged" ${needs}`] : []),
    ...(stage.approvedWithin !== undefined && stage.publish !== 'staged'
      ? [`${at}.approvedWithin: nobody approves what is not staged; say "publish": "staged"`]
      : []),
  ];
}

function uniqueNames(options: SluiceOptions): string[] {
  const first = new Map([[IMAGES, 'the registry that images are published to']]);
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

function serviceProblems(services: ServicesOptions): string[] {
  const { images, stages } = services;
  return [
    ...imagesProblems('services.images', images),
    ...stages.flatMap((stage, i) => {
      const at = `services.stages[${i}]`;
      const before = (['soak', 'verified'] as const).filter((c) => i === 0 && stage.gate?.[c] !== undefined);
      return [
        ...before.map((c) => `${at}.gate.${c}: the first stage has no stage before it to look at`),
        ...(stage.gate?.verified === 'install'
          ? [`${at}.gate.verified: a service is not installed; "bytes" asks for a verified deployment`]
          : []),
        ...gateProblems(`${at}.gate`, stage.gate),
        ...imagesProblems(`${at}.images`, stage.images),
        ...tagProblems(at, stage),
      ];
    }),
    ...sharedHosts(stages),
    ...sharedTags(services),
  ];
}

function imagesProblems(at: string, images: string | undefined): string[] {
  if (images === undefined || isImageRepository(images)) return [];
  return [`${at}: must begin with the registry's host, such as "registry.example.com/acme"`];
}

/** A tag that names one build never moves; one that does not can do nothing else. */
function tagProblems(at: string, stage: ServiceStageOptions): string[] {
  return tagRules(stage).flatMap(({ pattern, moves }, i) => {
    if (isUnique(pattern) === !moves) return [];
    const why = moves
      ? 'a tag with {commit}, {version} or {label} names one build and never moves'
      : 'without {commit}, {version} or {label} every build has this tag, so it must move';
    return [`${at}.tags[${i}]: ${why}`];
  });
}

/** A host has one proxy and one folder, whichever stage it serves. */
function sharedHosts(stages: ServiceStageOptions[]): string[] {
  const first = new Map<string, ServiceStageOptions>();
  return stages.flatMap((stage, i) =>
    (stage.hosts ?? []).flatMap((host, j) => {
      const other = first.get(host);
      if (other === undefined) first.set(host, stage);
      if (other === undefined || hostSettings(other) === hostSettings(stage)) return [];
      return [
        `services.stages[${i}].hosts[${j}]: is a host of the stage ${other.name} too, which has another folder or other ports`,
      ];
    }),
  );
}

const hostSettings = ({ folder = '.sluice', ports, proxy }: ServiceStageOptions): string =>
  [folder, ...(proxy === 'none' ? [] : [ports?.http ?? 80, ports?.https ?? 443])].join(' ');

/** In one registry a tag that moves belongs to one stage, or two stages would pull it to and fro. */
function sharedTags({ images, stages }: ServicesOptions): string[] {
  const first = new Map<string, string>();
  return stages.flatMap((stage, i) =>
    tagRules(stage).flatMap(({ pattern, moves }, j) => {
      const tag = pattern.replaceAll('{stage}', stage.name);
      const key = `${stage.images ?? images} ${tag}`;
      const other = first.get(key);
      if (!moves) return [];
      if (other !== undefined)
        return [
          `services.stages[${i}].tags[${j}]: is a moving tag of the stage ${other} already; {stage} sets them apart`,
        ];
      first.set(key, stage.name);
      return [];
    }),
  );
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
