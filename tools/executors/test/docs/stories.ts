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
}

/** Commands of the docs that no story types. */
export const LEFT_OUT: Left[] = [
  { command: 'npm ci', because: 'its modules are linked' },
  { command: 'npm install', because: 'its modules are linked' },
  { command: 'cd apps/orders && docker compose up --build', because: 'it needs an engine' },
];

export const leftOut = (page: string, command: string): Left | undefined =>
  LEFT_OUT.find((one) => one.command === command && (one.page ?? page) === page);

export const isTold = (story: Story, under: string): boolean =>
  story.under === undefined || story.under.some((heading) => under.startsWith(heading));
