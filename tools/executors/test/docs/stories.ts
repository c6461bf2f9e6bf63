/** A page, or what stands under some of its headings, as a story: its commands are typed in order. */
export interface Story {
  page: string;
  /** Headings, by how they begin; the whole page where none is named. */
  under?: string[];
  /** Commands that run until Ctrl-C, and what has to be on the screen before it is pressed. */
  until?: Record<string, RegExp>;
  /** A shown line as it is in the prepared workspace; an empty one is not looked for. */
  otherwise?: (shown: string) => string;
}

/** What is told where: each of these is one test file with one prepared workspace. */
export const STORIES = {
  packages: [
    {
      page: 'README.md',
      under: ['Your first gated promotion'],
      // The plugin is no package of the prepared workspace: to compile it would be most of the time.
      otherwise: (shown) => (shown.startsWith('@sluice/nx@') ? '' : shown.replace(', @sluice/nx@0.1.0', '')),
    },
  ],
} as const satisfies Record<string, readonly Story[]>;

interface Left {
  /** On every page, where none is named. */
  page?: string;
  command: string;
  because: string;
}

/** Commands of the docs that no story types. */
export const LEFT_OUT: readonly Left[] = [];

export const leftOut = (page: string, command: string): Left | undefined =>
  LEFT_OUT.find((one) => one.command === command && (one.page ?? page) === page);
