import { catalogue, EXIT } from './errors.ts';

/**
 * Every error a user can meet: one entry a code, grouped by the room that raises it.
 * `docs/reference/errors.md` is generated from the codes here, and a test calls every function once.
 */
export const errors = catalogue({
  // ── pipeline: options, stages, profile ──────────────────────────────────────────────────────────────
  CONFIG_INVALID: {
    exit: EXIT.badInput,
    text: (p: { file: string; problems: string[] }) => ({
      what: `${p.file} has options that @sluice/nx cannot use:\n${p.problems.map((l) => `    ${l}`).join('\n')}`,
      state: 'nothing was changed',
      next: `correct ${p.file} (docs/reference/options.md lists every option)`,
    }),
  },
  STAGE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { target: string; stages: string[] }) => ({
      what: `${p.target} needs a stage, and none was given. Stages: ${p.stages.join(', ')}`,
      state: 'nothing was changed',
      next: `name one as the configuration, for instance: -c ${p.stages[0] ?? '<stage>'}`,
    }),
  },
  STAGE_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { stage: string; stages: string[] }) => ({
      what: `there is no stage "${p.stage}". Stages: ${p.stages.join(', ')}`,
      state: 'nothing was changed',
      next: 'use one of these names, or add the stage: npx nx g @sluice/nx:stage <name>',
    }),
  },
});
