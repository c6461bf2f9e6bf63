import type { Mode } from './service.ts';

/** The rows of a deployment to one host, in order. */
export const STEPS = [
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
  | { host: string; mend: string; code: string }
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

const OWN: [Step, Own][] = [
  [
    'preflight',
    {
      host: 'docker rm -f sluice-proxy && docker run -d --name squatter -p 80:80 caddy:2.10',
      mend: 'docker rm -f squatter',
      code: 'PORT_TAKEN',
    },
  ],
  [
    'prepare',
    {
      host: 'docker rm -f web-staging_db_1 && chmod 000 /var/lib/docker/volumes/web-staging_rows',
      mend: 'chmod 701 /var/lib/docker/volumes/web-staging_rows',
      code: 'ACCESSOR',
    },
  ],
  [
    'backup',
    {
      host: 'docker stop web-staging_db_1',
      mend: 'docker start web-staging_db_1',
      code: 'DATABASE_UNREACHABLE',
    },
  ],
  ['pull', { registry: 'refuses', code: 'PULL_REFUSED' }],
  ['pull', { registry: 'breaks', code: 'PULL_FAILED' }],
  ['migrate', { version: 'migration', code: 'MIGRATION_FAILED' }],
  ['health', { version: 'crash', code: 'CRASH_LOOP' }],
  ['health', { version: 'never', code: 'PROBE_FAILED' }],
  ['switch', { host: 'docker rm -f sluice-proxy', mend: '', code: '' }],
  ['bake', { version: 'later', after: 4, code: 'PROBE_FAILED' }],
  ['bake', { host: 'docker rm -f sluice-proxy', mend: '', code: 'PROXY_DOWN' }],
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

/** A case of every fault, the same for the same seed. */
export function sample(cases: Case[], seed: number): Case[] {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  random();
  const kinds = Map.groupBy(cases, ({ fault }) => fault);
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
  const what =
    'version' in own
      ? own.version
      : 'registry' in own
        ? `the registry ${own.registry}`
        : 'ledger' in own
          ? 'the ledger is locked'
          : own.host;
  return `${step} fails by itself: ${what}`;
}
