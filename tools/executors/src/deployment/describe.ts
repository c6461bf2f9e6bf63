import { bytes } from '../foundation/index.ts';
import { quote } from '../host/index.ts';
import type { PhaseName } from '../host/types.ts';
import { inputFor, type PhaseOptions } from './inputs.ts';
import type { Deployment } from './passage.ts';

const HASH = 'sha256:'.length + 12;
/** Of a value, on the screen. */
const WIDE = 100;

/** A phase on a host: the script that its `sh` gets, as a person could run it there. */
export interface RemoteCommand {
  host: string;
  phase: PhaseName;
  script: string;
}

/** Every remote command of a deployment, whole, in order. Secrets in them are blanked. */
export function remoteCommands(passage: Deployment): RemoteCommand[] {
  return passage.members.flatMap((member) =>
    phasesOf(passage, member.leader).map(([phase, options]) => ({
      host: member.name,
      phase,
      script: member.host.script(phase, inputFor(passage.setting, phase, options)),
    })),
  );
}

/** What a deployment would do, with every remote command in a line: which script, and what it is told. */
export function describePlan(passage: Deployment): string {
  const { plan, members } = passage;
  const [leader] = members;
  const others = members.filter((member) => member !== leader);
  return [
    summary(passage),
    '',
    ...commandsOn(passage, leader ? [leader.name] : [], true),
    ...(others.length === 0
      ? []
      : [
          '',
          ...commandsOn(
            passage,
            others.map(({ name }) => name),
            false,
          ),
        ]),
    '',
    'Each is host/phases/<name>.sh with these values as SLUICE_<NAME>; --output-file=<file> writes the scripts whole.',
    `${plan.project}: nothing was changed`,
  ].join('\n');
}

function commandsOn(passage: Deployment, hosts: string[], leader: boolean): string[] {
  const rows = phasesOf(passage, leader).map(([phase, options]) => {
    const { values = {}, stdin = '' } = inputFor(passage.setting, phase, options);
    const told = Object.entries(values)
      .filter(([name, value]) => name !== 'RELEASE' && value !== '')
      .map(([name, value]) => `${name}=${quote(shortened(value))}`);
    const input = stdin === '' ? [] : [`< ${bytes(Buffer.byteLength(stdin))}`];
    return `  ${[phase.padEnd(9), ...told, ...input].join(' ').trimEnd()}`;
  });
  return [`${hosts.join(', ')}: one ssh connection${hosts.length > 1 ? ' each' : ''}, in it`, ...rows];
}

const shortened = (value: string): string => {
  const line = value.replaceAll('\n', ' ');
  return line.length <= WIDE ? line : `${line.slice(0, WIDE)}...`;
};

function summary(passage: Deployment): string {
  const { plan, setting, members, canaryForMs } = passage;
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
    `  backup:      ${backupOf(passage)}`,
    `  bake:        ${setting.stage.bakeMs / 1_000} s a wave`,
    ...(plan.canary === undefined
      ? []
      : [`  canary:      ${plan.canary} % of the requests for ${canaryForMs / 1_000} s`]),
    ...(plan.blocksRollback === undefined ? [] : [`  ${warning(plan.blocksRollback)}`]),
  ];
  return lines.join('\n');
}

function backupOf({ plan }: Deployment): string {
  const { databases, volumes } = plan.release;
  const saved = [...databases.map(({ service, name }) => `${service}/${name}`), ...volumes];
  if (saved.length === 0) return 'none: there are no databases and volumes';
  return servesNow(plan) ? saved.join(', ') : 'none: nothing serves yet';
}

const servesNow = ({ current }: Deployment['plan']): boolean => Object.values(current).some(Boolean);

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
    ...onLeader(saves && servesNow(plan) ? [['backup']] : []),
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
