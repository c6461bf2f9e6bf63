import { workspace } from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Workflow, WorkflowInput } from './types.ts';

/** Versions of the tools that look at the workflows themselves. */
export const ACTIONLINT = 'v1.7.7';
export const ZIZMOR = '1.32.0';

/** What a change has to pass before it is merged. Nothing here has a secret, or a right beyond reading. */
export function ci(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  const { targets, ledger } = input.options;
  const { branch } = settings;
  return {
    file: 'ci.yml',
    about:
      'Checks of pull requests and of branches. It sees no secret, and what it caches is for itself alone.',
    name: 'CI',
    on: { pull_request: {}, push: { 'branches-ignore': [branch, ledger.branch] } },
    env: { NX_TUI: 'false' },
    concurrency: {
      group: 'ci-${{ github.event_name }}-${{ github.ref }}',
      'cancel-in-progress': true,
    },
    jobs: {
      check: {
        name: 'Check',
        permissions: { contents: 'read' },
        timeout: 60,
        steps: [
          ...workspace({ settings, cache: true }),
          { name: 'Format', run: 'npm run --if-present format:check' },
          { name: 'Lint', run: 'npm run --if-present lint' },
          {
            name: 'Types, tests and builds of what is affected',
            run: `npx nx affected -t lint typecheck ${targets['api-check']} test ${targets.build} --base=origin/${branch}`,
          },
          { name: 'Generated files are as nx.json says', run: 'npx nx sync:check' },
        ],
      },
      workflows: {
        name: 'Workflows',
        permissions: { contents: 'read' },
        timeout: 15,
        steps: [
          ...workspace({ settings }).slice(0, 1),
          {
            name: 'actionlint',
            run: `go run github.com/rhysd/actionlint/cmd/actionlint@${ACTIONLINT} -color`,
          },
          {
            name: 'zizmor',
            run: `pipx run --spec zizmor==${ZIZMOR} zizmor --no-online-audits .github/workflows`,
          },
        ],
      },
    },
  };
}
