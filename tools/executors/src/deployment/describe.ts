import type { PhaseName } from '../host/types.ts';
import { inputFor, type PhaseOptions } from './inputs.ts';
import type { Deployment } from './passage.ts';

const HASH = 'sha256:'.length + 12;

/** What a deployment would do, with every remote command: the script that each phase sends to each host. */
export function describePlan(passage: Deployment): string {
  const { plan, members, setting } = passage;
  const scripts = members.flatMap((member) =>
    phasesOf(passage, member.leader).map(
      ([phase, options]) =>
        `## ${member.name}\n${member.host.script(phase, inputFor(setting, phase, options))}`,
    ),
  );
  return [summary(passage), '', ...scripts, `${plan.project}: nothing was changed`].join('\n');
}

function summary({ plan, setting, members, canaryForMs }: Deployment): string {
  const { release } = plan;
  const current = [...new Set(Object.values(plan.current))].map((name) => name ?? 'nothing');
  const lines = [
    `${plan.project} ${release.version} (${release.digest.slice(0, HASH)}) -> ${plan.stage}, as release ${release.release}`,
    `  serves now:  ${current.join(', ')}`,
    ...Array.from({ length: Math.max(...members.map(({ wave }) => wave)) + 1 }, (_, wave) => {
      const hosts = members.filter((member) => member.wave === wave).map(({ name }) => name);
      return `  wave ${wave + 1}:      ${hosts.join(', ')}${wave === 0 ? ' (backup and migrations run here)' : ''}`;
    }),
    `  migrations:  ${plan.pendingMigrations.map(({ name, contract }) => (contract ? `${name} (contract)` : name)).join(', ') || 'none'}`,
    `  backup:      ${[...release.databases.map(({ service, name }) => `${service}/${name}`), ...release.volumes].join(', ') || 'none'}`,
    `  bake:        ${setting.stage.bakeMs / 1_000} s a wave`,
    ...(plan.canary === undefined
      ? []
      : [`  canary:      ${plan.canary} % of the requests for ${canaryForMs / 1_000} s`]),
    ...(plan.blocksRollback === undefined ? [] : [`  ${warning(plan.blocksRollback)}`]),
  ];
  return lines.join('\n');
}

/** Said before it starts, on the screen and in a dry run. */
export const warning = (migrations: string): string =>
  `no way back by itself: ${migrations} takes something away that the release before needs. From then on a failure leaves things as they are for a person`;

/** The phases in their order, on one host. */
function phasesOf({ plan, setting, canaryForMs }: Deployment, leader: boolean): [PhaseName, PhaseOptions?][] {
  const { release } = plan;
  const { bakeMs } = setting.stage;
  const saves = release.databases.length + release.volumes.length > 0;
  const onLeader = (rows: [PhaseName, PhaseOptions?][]) => (leader ? rows : []);
  return [
    ['preflight'],
    ['lock'],
    ['prepare'],
    ...onLeader(saves && Object.values(plan.current).some(Boolean) ? [['backup']] : []),
    ['pull'],
    ...onLeader(setting.migrations && plan.pendingMigrations.length > 0 ? [['migrate']] : []),
    ['start'],
    ['health'],
    ...(plan.canary === undefined
      ? []
      : ([
          ['switch', { weight: plan.canary }],
          ['watch', { seconds: Math.ceil(canaryForMs / 1_000), canary: true }],
        ] as [PhaseName, PhaseOptions][])),
    ['switch'],
    ['truth'],
    ['watch', { seconds: Math.ceil(bakeMs / 1_000) }],
    ['finish'],
    ['prune'],
    ['unlock'],
  ];
}

/** One service that serves, in a line, and what else there is to know. */
export function describeDone({ plan, members, timings, notes, backup }: Deployment): string {
  const seconds = (timings.reduce((sum, { ms }) => sum + ms, 0) / 1_000).toFixed(1);
  const where = members.length === 1 ? members[0]?.name : `${members.length} hosts`;
  return [
    `${plan.project} ${plan.release.version} -> ${plan.stage}: ${plan.release.release} serves on ${where} (${seconds} s)`,
    ...(backup === undefined ? [] : [`  backup: ${backup}`]),
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}
