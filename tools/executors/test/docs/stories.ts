/** A page, or what stands under some of its headings, as a story: its commands are typed in order. */
export interface Story {
  page: string;
  /** Headings, by how they begin; the whole page where none is named. */
  under?: string[];
}

/** What is told where: each place is one test file with one prepared workspace, and tells its stories in this order. */
export const STORIES = {
  nothing: [{ page: 'docs/guide/from-nothing.md' }],
  packages: [
    { page: 'README.md', under: ['Your first gated promotion'] },
    { page: 'docs/guide/rollback.md', under: ['After it'] },
    { page: 'docs/guide/gates.md' },
    { page: 'docs/doctor.md' },
    { page: 'docs/guide/board.md' },
    { page: 'docs/guide/release.md' },
    { page: 'docs/guide/rollback.md', under: ['Rolling back a package'] },
    { page: 'docs/how-to/add-a-stage.md' },
  ],
  generators: [
    { page: 'docs/guide/generators.md', under: ['A package', 'A service', 'One that you have', 'A stage'] },
    { page: 'docs/guide/starting.md', under: ['From a copy'] },
  ],
  versioning: [
    { page: 'docs/guide/versioning.md', under: ['Versioning'] },
    { page: 'docs/guide/versioning.md', under: ['Switching'] },
    { page: 'docs/guide/versioning.md', under: ['changesets'] },
    { page: 'docs/how-to/from-changesets.md' },
    { page: 'docs/guide/versioning.md', under: ['semantic-release'] },
    { page: 'docs/guide/versioning.md', under: ['release-it'] },
  ],
  live: [
    { page: 'docs/github.md' },
    { page: 'README.md', under: ['From local to live'] },
    { page: 'docs/how-to/first-publish.md' },
    { page: 'docs/trusted-publishing.md' },
    { page: 'docs/guide/ci.md', under: ['Packages'] },
    { page: 'docs/github-releases.md' },
    { page: 'docs/guide/ledger.md' },
    { page: 'docs/how-to/rotate-keys.md' },
  ],
  services: [
    { page: 'docs/guide/services.md', under: ['The first one'] },
    { page: 'docs/guide/ci.md', under: ['Services'] },
    { page: 'docs/guide/services.md', under: ['Look at it'] },
    { page: 'docs/guide/deploying.md' },
    { page: 'docs/guide/rollback-services.md', under: ['Rolling back', 'With its database'] },
    { page: 'docs/guide/rollback-services.md', under: ['By hand'] },
    { page: 'docs/how-to/lose-a-host.md' },
  ],
} satisfies Record<string, Story[]>;

interface Left {
  /** On every page, where none is named. */
  page?: string;
  command: string;
  because: string;
  /** The test that proves the same in its own way, below the root of the workspace. */
  test?: string;
}

const TESTS = 'tools/executors/test';
const INSTALLS = 'it takes another workspace, with the plugin out of a registry';
const PLUGIN = 'to compile and install the plugin takes a minute; other packages go the same way here';

/** Commands of the docs that no story types. */
export const LEFT_OUT: Left[] = [
  { command: 'npm ci', because: 'modules are linked here; CI begins with it', test: '.ci/run' },
  { command: 'npm install', because: 'modules are linked here; CI begins with npm ci', test: '.ci/run' },
  { command: 'npm ci && npm run demo', because: 'CI runs both', test: '.ci/run' },
  { command: 'npm ci && npm test', because: 'CI runs both, and this is a part of it', test: '.ci/run' },
  {
    command: 'npx create-nx-workspace my-org --preset=@sluice/nx',
    because: INSTALLS,
    test: `${TESTS}/from-nothing.hosts.test.ts`,
  },
  { command: 'cd my-org && npm test', because: INSTALLS, test: `${TESTS}/from-nothing.hosts.test.ts` },
  { command: 'npx nx add @sluice/nx', because: INSTALLS, test: `${TESTS}/init.test.ts` },
  { command: 'npm install --save-dev nx', because: INSTALLS, test: `${TESTS}/init.test.ts` },
  { command: 'git diff', because: 'it stands behind nx add', test: `${TESTS}/init.test.ts` },
  { command: 'npx nx g @sluice/nx:init', because: INSTALLS, test: `${TESTS}/init.test.ts` },
  {
    command: 'npm install --save-dev <path>/dist/artifacts/@sluice/nx/sluice-nx-0.1.0.tgz',
    because: INSTALLS,
    test: `${TESTS}/published.test.ts`,
  },
  { command: 'npx nx migrate @sluice/nx', because: 'it asks the public registry for a newer plugin' },
  { command: 'npx nx migrate --run-migrations', because: INSTALLS, test: `${TESTS}/init.test.ts` },
  {
    command: 'npx nx run-many -t publish-registry',
    because: 'a release does it too, and more',
    test: `${TESTS}/nx.test.ts`,
  },
  { command: 'npx nx run @sluice/nx:build', because: PLUGIN, test: `${TESTS}/published.test.ts` },
  { command: 'npx nx build @sluice/nx', because: PLUGIN, test: `${TESTS}/published.test.ts` },
  { command: 'npx nx run @sluice/nx:promote:test', because: PLUGIN },
  { command: 'npx sluice approve public @sluice/nx', because: PLUGIN },
  { command: 'npx nx run @sluice/nx:promote:public', because: PLUGIN },
  { command: 'npx nx run @sluice/nx:rollback:public --reason="what is wrong with it"', because: PLUGIN },
  {
    command: 'cd apps/orders && docker compose up --build',
    because: 'the image is built, and run with its database, from the same files',
    test: `${TESTS}/from-nothing.hosts.test.ts`,
  },
  {
    command: 'npx nx g @sluice/nx:host root@www1.example.com --stage=staging --dry-run',
    because: 'it takes a host on which nothing is prepared',
    test: 'tools/executors/src/generators/host/prepare.hosts.test.ts',
  },
  {
    command: 'npx nx g @sluice/nx:host root@www1.example.com --stage=staging',
    because: 'it takes a host on which nothing is prepared',
    test: 'tools/executors/src/generators/host/prepare.hosts.test.ts',
  },
];

export const leftOut = (page: string, command: string): Left | undefined =>
  LEFT_OUT.find((one) => one.command === command && (one.page ?? page) === page);

export const isTold = (story: Story, under: string): boolean =>
  story.under === undefined || story.under.some((heading) => under.startsWith(heading));
