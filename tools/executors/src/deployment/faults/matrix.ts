import type { Mode } from './service.ts';

/** The rows of a deployment to one host, in order. */
const STEPS = [
  'preflight',
  'lock',
  'prepare',
  'backup',
  'pull',
  'migrate',
  'start',
  'health',
  'switch',
  'verify',
  'bake',
  'finish',
  'record',
  'prune',
] as const;
export type Step = (typeof STEPS)[number];

export type Fault =
  /** The deployer is gone without a word. */
  | 'killed'
  /** Its connection breaks, and can be made again at once. */
  | 'hung up'
  /** Its connection is silent, until the host has put itself back. */
  | 'cut off'
  | 'engine stopped'
  | 'disk full'
  /** The step itself fails. */
  | 'own';

/** What is wrong where a step itself fails: with the version, with the registry, or with the host. */
export type Own =
  | { version: Mode; after?: number; code: string }
  | { title: string; host: string; mend: string; code: string }
  | { registry: 'refuses' | 'breaks'; code: string }
  | { ledger: 'locked'; code: string };

export interface Case {
  fault: Fault;
  step: Step;
  /** Before the host hears of the step, or while it is at it. */
  when: 'before' | 'during';
  own?: Own;
}

/** Steps that the host writes into its journal when they begin: only of those it can be said when they are under way. */
const JOURNALLED = new Set<Step>([
  'prepare',
  'backup',
  'pull',
  'migrate',
  'start',
  'health',
  'switch',
  'finish',
]);

const FOLDER = '/home/deploy/.sluice/web/staging';
const inDatabase = (script: string) => `docker exec -u 0 web-staging_db_1 sh -c '${script}'`;

const OWN: [Step, Own][] = [
  [
    'preflight',
    {
      title: 'compose is gone',
      host: 'mv /usr/bin/docker-compose /usr/bin/docker-compose.away',
      mend: 'mv /usr/bin/docker-compose.away /usr/bin/docker-compose',
      code: 'COMPOSE_MISSING',
    },
  ],
  [
    'lock',
    {
      title: 'somebody else has it',
      host: `cd ${FOLDER} && mkdir lock && echo rita >lock/owner && echo other >lock/run && echo 600 >lock/ttl && touch lock/lease`,
      mend: `rm -r ${FOLDER}/lock`,
      code: 'LOCK_HELD',
    },
  ],
  [
    'prepare',
    {
      title: 'a folder may not be written',
      host: `chmod 500 ${FOLDER}/releases`,
      mend: `chmod 700 ${FOLDER}/releases`,
      code: 'PHASE_FAILED',
    },
  ],
  [
    'backup',
    {
      title: 'the dump tool is absent',
      host: inDatabase('cd "$(dirname "$(command -v pg_dump)")" && mv pg_dump pg_dump.away'),
      mend: inDatabase('for f in $(find /usr -name pg_dump.away); do mv "$f" "${f%.away}"; done'),
      code: 'DUMP_FAILED',
    },
  ],
  ['pull', { registry: 'refuses', code: 'PULL_REFUSED' }],
  ['pull', { registry: 'breaks', code: 'PULL_FAILED' }],
  ['migrate', { version: 'migration', code: 'MIGRATION_FAILED' }],
  ['health', { version: 'crash', code: 'CRASH_LOOP' }],
  ['health', { version: 'never', code: 'PROBE_FAILED' }],
  ['switch', { title: 'the proxy is gone', host: 'docker rm -f sluice-proxy', mend: '', code: '' }],
  ['bake', { version: 'later', after: 4, code: 'PROBE_FAILED' }],
  ['bake', { title: 'the proxy is gone', host: 'docker rm -f sluice-proxy', mend: '', code: 'PROXY_DOWN' }],
  ['record', { ledger: 'locked', code: 'DEPLOY_NOT_RECORDED' }],
];

/** Every fault at every step. */
export function matrix(): Case[] {
  const outside = (['killed', 'hung up', 'cut off', 'engine stopped', 'disk full'] as const).flatMap(
    (fault) =>
      STEPS.flatMap((step): Case[] => [
        { fault, step, when: 'before' },
        ...(JOURNALLED.has(step) && fault !== 'disk full' ? [{ fault, step, when: 'during' as const }] : []),
      ]),
  );
  return [...outside, ...OWN.map(([step, own]): Case => ({ fault: 'own', step, when: 'before', own }))];
}

/** A case of every fault, and of the two that hit the connection one; the same for the same seed. */
export function sample(cases: Case[], seed: number): Case[] {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  random();
  const kinds = Map.groupBy(cases, ({ fault }) => (fault === 'hung up' ? 'cut off' : fault));
  return [...kinds.values()].map((all) => all[Math.floor(random() * all.length)] as Case);
}

/** What may serve when all is over. */
export function mayServe({ step, when, fault, own }: Case): ('old' | 'new')[] {
  // From `finish` on there is no way back.
  if (step === 'record' || step === 'prune') return ['new'];
  if (step === 'finish' && when === 'during') return ['old', 'new'];
  // What comes back within the lease goes on, and so does what needs no room, or can make anew what is missing.
  const goesOn =
    fault === 'hung up' ||
    fault === 'disk full' ||
    (fault === 'cut off' && (step === 'preflight' || step === 'lock')) ||
    (own !== undefined && own.code === '');
  return goesOn ? ['old', 'new'] : ['old'];
}

/** What the deployer said, on the screen, by its exit code and in the ledger, that is not so. */
export function untruths(
  { fault, step, own }: Case,
  serves: 'old' | 'new',
  said: { code: number | null; text: string; records: { type: string; outcome?: string }[] },
): string[] {
  const { code, text, records } = said;
  // The dead say nothing; what they had not written stays unwritten until somebody deploys again.
  if (fault === 'killed') return code === null ? [] : ['it was not killed'];
  const unrecorded = own !== undefined && 'ledger' in own;
  // Who could not see the end does not claim to have seen it.
  const blind = fault === 'cut off' || fault === 'engine stopped';
  if (blind && step === 'finish' && serves === 'new' && code !== 0)
    return records.every(({ outcome }) => outcome === 'broken')
      ? []
      : [`recorded: ${JSON.stringify(records)}`];
  const outcomes = ['restored', 'unchanged', ...(blind ? ['broken'] : [])];
  const right = ({ type, outcome = '' }: (typeof records)[number]) =>
    serves === 'new' ? type === 'deployed' : type === 'deploy-failed' && outcomes.includes(outcome);
  return [
    ...((code === 0) === (serves === 'new' && !unrecorded)
      ? []
      : [`the ${serves} one serves, exit code ${code}`]),
    ...(own && !text.includes(own.code) ? [`nothing was said of ${own.code}`] : []),
    ...records.filter((record) => !right(record)).map((record) => `recorded: ${JSON.stringify(record)}`),
    ...(serves === 'new' && !unrecorded && records.length !== 1 ? [`${records.length} records`] : []),
  ];
}

export function nameOf({ fault, step, when, own }: Case): string {
  if (!own) return `${fault} ${when === 'before' ? 'before' : 'while at'} ${step}`;
  return `${step} fails by itself: ${titleOf(own)}`;
}
function titleOf(own: Own): string {
  if ('version' in own) return { ...TITLES, good: '' }[own.version];
  if ('registry' in own) return `the registry ${own.registry}`;
  return 'ledger' in own ? 'the ledger is locked' : own.title;
}
const TITLES = {
  migration: 'the migration',
  crash: 'a crash loop',
  never: 'it never becomes healthy',
  later: 'it becomes sick after it was healthy',
};
