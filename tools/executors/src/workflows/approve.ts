import { imageLogins, LIVE, OWN, RECORDS, registryTokens, signingKey, workspace } from './parts.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Env, Workflow, WorkflowInput } from './types.ts';

/** An approval as a comment. No shell sees its text: the command reads the event's file, and asks GitHub about the author. */
export function approve(input: WorkflowInput): Workflow {
  const settings = settingsOf(input.options) as Settings;
  return {
    file: 'approve.yml',
    about:
      'Records approvals that are comments on an issue or a pull request: "/approve <stage> <hash of the plan>".',
    name: 'Approve',
    ignore: { issue_comment: 'dangerous-triggers' },
    on: { issue_comment: { types: ['created'] } },
    env: LIVE,
    jobs: {
      approve: {
        name: 'Approve',
        if: "startsWith(github.event.comment.body, '/approve ')",
        permissions: { ...RECORDS, issues: 'write', 'pull-requests': 'write' },
        timeout: 15,
        steps: [
          ...workspace({ settings, ref: settings.branch }),
          ...signingKey(settings),
          {
            name: 'Check the comment and record the approval',
            run: 'npx sluice approve-comment "$GITHUB_EVENT_PATH"',
            env: { ...OWN, ...registryTokens(...input.options.packages.stages), ...logins(input) },
          },
        ],
      },
    },
  };
}

/** An approval may be for a service as well, whose plan looks at its registry. */
function logins({ options: { services } }: WorkflowInput): Env {
  return services ? imageLogins(services, undefined, ...services.stages) : {};
}
