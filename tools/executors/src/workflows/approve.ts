import { LIVE, OWN, RECORDS, registryTokens, signingKey, workspace } from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Workflow, WorkflowInput } from './types.ts';

/** An approval as a comment. No shell sees its text: the command reads the event's file, and asks GitHub about the author. */
export function approve(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  return {
    file: 'approve.yml',
    about: 'Records approvals that are comments on an issue: "/approve <stage> <hash of the plan>".',
    name: 'Approve',
    ignore: { issue_comment: 'dangerous-triggers' },
    on: { issue_comment: { types: ['created'] } },
    env: LIVE,
    jobs: {
      approve: {
        name: 'Approve',
        if: "startsWith(github.event.comment.body, '/approve ')",
        permissions: { ...RECORDS, issues: 'write' },
        timeout: 15,
        steps: [
          ...workspace({ settings, ref: settings.branch }),
          ...signingKey(settings),
          {
            name: 'Check the comment and record the approval',
            run: 'npx sluice approve-comment "$GITHUB_EVENT_PATH"',
            env: { ...OWN, ...registryTokens(...input.options.packages.stages) },
          },
        ],
      },
    },
  };
}
