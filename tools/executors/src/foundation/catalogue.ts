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
  PLUGIN_NOT_REGISTERED: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} does not register the plugin @sluice/nx`,
      state: 'nothing was changed',
      next: 'npx nx add @sluice/nx (in the root folder of the workspace)',
    }),
  },
  PROFILE_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { said: string }) => ({
      what: `SLUICE_PROFILE is "${p.said}"; it can be local (also without the variable) or live`,
      state: 'nothing was changed',
      next: 'set SLUICE_PROFILE=local or SLUICE_PROFILE=live',
    }),
  },
  ADDRESS_OVERRIDE_REFUSED: {
    exit: EXIT.badInput,
    text: (p: { stage: string; variable: string }) => ({
      what: `${p.variable} would move the stage "${p.stage}", which has a gate, to another address`,
      state: 'nothing was changed',
      next: `unset ${p.variable}; the address of a gated stage stands in nx.json on the default branch`,
    }),
  },
  ADDRESS_INVALID: {
    exit: EXIT.badInput,
    text: (p: { stage: string; variable: string }) => ({
      what: `${p.variable}, the address of the stage "${p.stage}", is not a URL (http or https, without a user, a query or a fragment)`,
      state: 'nothing was changed',
      next: `set ${p.variable} to the registry's address, or unset it`,
    }),
  },

  IMAGES_MISSING: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `the live profile needs the address of the image registry for ${p.stage}, and services.images in nx.json does not say it`,
      state: 'nothing was changed',
      next: 'add services.images to nx.json, for instance "ghcr.io/<owner>"',
    }),
  },
  IMAGES_ADDRESS_INVALID: {
    exit: EXIT.badInput,
    text: (p: { stage: string; variable: string }) => ({
      what: `${p.variable}, where the images of "${p.stage}" lie, is not a host and a path (such as 127.0.0.1:5000/acme)`,
      state: 'nothing was changed',
      next: `set ${p.variable} to host[:port]/path without https://, or unset it`,
    }),
  },
  HOSTS_INVALID: {
    exit: EXIT.badInput,
    text: (p: { stage: string; variable: string }) => ({
      what: `${p.variable}, the hosts of the stage "${p.stage}", is not a list of ssh destinations that differ (deploy@www1.example.com,deploy@www2.example.com)`,
      state: 'nothing was changed',
      next: `correct ${p.variable}, or unset it`,
    }),
  },

  // ── command line ─────────────────────────────────────────────────────────────────────────────────────────────
  NO_WORKSPACE: {
    exit: EXIT.badInput,
    text: (p: { folder: string }) => ({
      what: `${p.folder} is in no Nx workspace: there is no nx.json here or above`,
      state: 'nothing was changed',
      next: 'cd into the workspace, or make one: npx create-nx-workspace, then npx nx add @sluice/nx',
    }),
  },

  // ── steps: the engine ───────────────────────────────────────────────────────────────────────────────
  STEP_TIMED_OUT: {
    exit: EXIT.failed,
    text: (p: { subject: string; title: string; ms: number }) => ({
      what: `${p.subject}: "${p.title}" did not end within ${p.ms} ms`,
      state: 'the steps before it stand; this one may or may not have had its effect',
      next: 'npx sluice status (then run the same command again: every step is safe to repeat)',
    }),
  },
  DEPENDENCY_CYCLE: {
    exit: EXIT.badInput,
    text: (p: { names: string[] }) => ({
      what: `these depend on each other in a circle: ${p.names.join(' -> ')}`,
      state: 'nothing was changed',
      next: 'npx nx graph (and take one of the dependencies away)',
    }),
  },

  // ── promotion: publish, promote, rollback ───────────────────────────────────────────────────────────
  NOT_FIRST_STAGE: {
    exit: EXIT.badInput,
    text: (p: { stage: string; first: string; promote: string; project: string }) => ({
      what: `publishing goes into the first stage, ${p.first}; ${p.stage} is entered by promotion`,
      state: 'nothing was changed',
      next: `npx nx run ${p.project}:${p.promote}:${p.stage}`,
    }),
  },
  APPROVER_MISSING: {
    exit: EXIT.badInput,
    text: (p: { approvers: string }) => ({
      what: 'an approval is signed, and no signing key was found',
      state: 'nothing was changed',
      next: `name your key with --key ~/.ssh/id_ed25519 (or SLUICE_SIGNING_KEY, or git's user.signingkey with gpg.format ssh): npx nx approve -c <stage> --key ~/.ssh/id_ed25519; its public half must stand in ${p.approvers} on the default branch`,
    }),
  },
  APPROVER_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { principal: string; approvers: string; known: string[] }) => ({
      what: `${p.principal} is not in ${p.approvers} on the default branch, so the approval would not count. There are: ${p.known.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: `have the line "${p.principal} namespaces="sluice" ssh-ed25519 ..." added to ${p.approvers} on the default branch, or name another key with --key and --as`,
    }),
  },
  COMMENT_UNREADABLE: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} holds no event of a comment`,
      state: 'nothing was recorded',
      next: 'run it in a workflow that begins on issue_comment, with the file that $GITHUB_EVENT_PATH names',
    }),
  },
  COMMENT_OUTSIDE_JOB: {
    exit: EXIT.badInput,
    text: (p: { url: string }) => ({
      what: `only a job of GitHub Actions in the live profile, with "id-token: write", can record the comment ${p.url}`,
      state: 'nothing was recorded',
      next: 'approve with your own key instead: npx nx approve -c <stage>',
    }),
  },
  COMMENT_WITHOUT_TOKEN: {
    exit: EXIT.badInput,
    text: (_: Record<never, never>) => ({
      what: 'the approval in a comment is signed by the job that read it, with its own token, and here a key is named',
      state: 'nothing was recorded',
      next: 'take SLUICE_SIGNING_KEY and --key away from that job',
    }),
  },
  COMMENT_INCOMPLETE: {
    exit: EXIT.badInput,
    text: (p: { url: string }) => ({
      what: `the comment ${p.url} does not name a stage and the whole hash of a plan (64 digits)`,
      state: 'nothing was recorded',
      next: 'write a new comment: /approve <stage> <hash>; both stand in the summary of the run that waits, and are printed by: npx sluice plan <stage>',
    }),
  },
  COMMENT_EDITED: {
    exit: EXIT.badInput,
    text: (p: { url: string }) => ({
      what: `the comment ${p.url} was edited after it was written`,
      state: 'nothing was recorded',
      next: 'write a new comment: /approve <stage> <hash>',
    }),
  },
  COMMENT_WITHOUT_RIGHT: {
    exit: EXIT.badInput,
    text: (p: { url: string; login: string; right: string }) => ({
      what: `${p.login} may not approve: their right in this repository is "${p.right}", and "write" is asked for (${p.url})`,
      state: 'nothing was recorded',
      next: 'have somebody approve who may push to the repository: /approve <stage> <hash>',
    }),
  },
  COMMENT_OTHER_PLAN: {
    exit: EXIT.badInput,
    text: (p: { stage: string; hash: string; items: string[] }) => ({
      what: `what waits for ${p.stage} is not what the comment approves: it is ${p.items.join(', ')}`,
      state: 'nothing was recorded',
      next: `look at it (npx sluice plan ${p.stage}), and comment: /approve ${p.stage} ${p.hash}`,
    }),
  },
  APPROVAL_NOT_ASKED: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `the gate of ${p.stage} asks for no approval of what waits there`,
      state: 'nothing was signed or recorded',
      next: `npx sluice plan ${p.stage} (shows what its gate says)`,
    }),
  },
  APPROVAL_DOES_NOT_COUNT: {
    exit: EXIT.failed,
    text: (p: { stage: string; why: string[] }) => ({
      what: `the approval was written, but the gate of ${p.stage} does not count it:\n    ${p.why.join('\n    ')}`,
      state: 'the gate is as closed as before',
      next: `have somebody else approve: npx nx approve -c ${p.stage}`,
    }),
  },
  DURATION_INVALID: {
    exit: EXIT.badInput,
    text: (p: { said: string }) => ({
      what: `"${p.said}" is no duration`,
      state: 'nothing was changed',
      next: 'write it as 30s, 15m, 24h or 7d',
    }),
  },
  FIRST_STAGE: {
    exit: EXIT.badInput,
    text: (p: { stage: string; publish: string }) => ({
      what: `${p.stage} is the first stage: nothing comes before it that could be promoted`,
      state: 'nothing was changed',
      next: `npx nx run-many -t ${p.publish}`,
    }),
  },
  STORE_MISSES: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; integrity: string }) => ({
      what: `the first stage serves other bytes for ${p.name}@${p.version} than were built, and the store does not have ${p.integrity}`,
      state: 'nothing was changed for this package',
      next: 'bring the store of the machine that published it ("packages": {"store": ...} in nx.json), or release a new version',
    }),
  },
  PREDECESSOR_EMPTY: {
    exit: EXIT.failed,
    text: (p: { project: string; name: string; stage: string; before: string; publish: string }) => ({
      what: `${p.name} has no version in stage ${p.before} that could move to ${p.stage}`,
      state: 'nothing was changed',
      next: p.publish,
    }),
  },
  VERSION_NOT_IN_PREDECESSOR: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; before: string; has: string[] }) => ({
      what: `${p.name}@${p.version} did not pass through stage ${p.before}, so it cannot enter ${p.stage}. ${p.before} has: ${p.has.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: `promote a version that ${p.before} has, or bring this one there first: npx sluice status`,
    }),
  },
  VERSION_GONE: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string }) => ({
      what: `the ledger says that ${p.name}@${p.version} is in stage ${p.stage}, but its registry does not have it`,
      state: 'nothing was changed for this package',
      next: `npx sluice verify ${p.stage} (then restore the version there, or publish a new one)`,
    }),
  },
  OTHER_BYTES: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; expected: string; found: string }) => ({
      what: `stage ${p.stage} holds other bytes under ${p.name}@${p.version}:\n    expected ${p.expected}\n    found    ${p.found}`,
      state: 'nothing was changed for this package; a version once taken cannot be replaced',
      next: 'release a new version of this package, and find out who published the other one: npx sluice verify',
    }),
  },
  BYTES_CHANGED_IN_SOURCE: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; expected: string; found: string }) => ({
      what: `stage ${p.stage} serves other bytes for ${p.name}@${p.version} than were recorded when it entered:\n    recorded ${p.expected}\n    served   ${p.found}`,
      state: 'nothing was changed for this package; the tampered bytes went no further',
      next: `find out what happened to ${p.stage} (npx sluice verify), then release a new version`,
    }),
  },
  NOT_VISIBLE_YET: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string }) => ({
      what: `stage ${p.stage} accepted ${p.name}@${p.version} but does not show it yet`,
      state: 'accepted, not verified, not tagged; dependents were not started',
      next: 'run the same command again later: it continues from here',
    }),
  },
  STAGED_WAITING: {
    exit: EXIT.gateClosed,
    text: (p: { name: string; version: string; stage: string; compared: boolean }) => ({
      what: `${p.name}@${p.version} is staged in ${p.stage}, and waits for a person's approval there`,
      state:
        'nobody can install it yet; ' +
        (p.compared
          ? 'the bytes that are staged are the right ones'
          : 'the token here may not see what is staged, so who approves compares the bytes'),
      next: `npx nx approve -c ${p.stage} (then the same command again, which continues from here)`,
    }),
  },
  STAGED_OTHER_BYTES: {
    exit: EXIT.failed,
    text: (p: {
      name: string;
      version: string;
      stage: string;
      expected: string;
      found: string;
      reject: string;
    }) => ({
      what: `${p.stage} has other bytes staged as ${p.name}@${p.version} than the ledger has: ${p.found} instead of ${p.expected}`,
      state: 'nobody can install them, as long as nobody approves them',
      next: `${p.reject} (then the same command again)`,
    }),
  },
  STAGED_REJECTED: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string }) => ({
      what: `${p.name}@${p.version} is no longer staged in ${p.stage}, and was not published: somebody rejected it`,
      state: 'nobody can install it; nothing was recorded or tagged',
      next: 'release another version; or run the same command again, which stages this one once more',
    }),
  },
  STAGED_NOTHING: {
    exit: EXIT.failed,
    text: (p: { names: string[]; stage: string }) => ({
      what: `nothing is staged in ${p.stage} of ${p.names.join(', ')}`,
      state: 'nothing was changed',
      next: `npx nx run-many -t promote -c ${p.stage} (stages what waits), then npx nx approve -c ${p.stage}`,
    }),
  },
  TAG_NOT_VISIBLE_YET: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; tag: string; stage: string }) => ({
      what: `${p.name}@${p.version} was published into ${p.stage} as ${p.tag}, and the tag does not show it yet`,
      state: 'the version is there with the right bytes; it is not in the ledger',
      next: 'run the same command again in some minutes',
    }),
  },
  DEPENDENCY_NOT_IN_STAGE: {
    exit: EXIT.failed,
    text: (p: {
      name: string;
      version: string;
      stage: string;
      dependency: string;
      range: string;
      command: string;
      held: string | undefined;
    }) => ({
      what: `${p.name}@${p.version} needs ${p.dependency}@${p.range}, and stage ${p.stage} has no such version (nor does this command bring it)${p.held === undefined ? '' : `: ${p.held} is held`}`,
      state: 'nothing was changed for this package: it could not be installed there',
      next: `bring the dependency there first: ${p.command}`,
    }),
  },
  DEPENDENCY_FAILED: {
    exit: EXIT.failed,
    text: (p: { name: string; dependency: string; stage: string; reached: string[] }) => ({
      what: `${p.name} was stopped: its dependency ${p.dependency} did not get into ${p.stage}`,
      state: p.reached.includes('accepted')
        ? 'the version was put there, and is not recorded; its dist-tag waits for the dependency'
        : 'nothing was changed for this package',
      next: `mend ${p.dependency} (its own error is above), then run the same command again`,
    }),
  },
  HELD: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; reason: string }) => ({
      what: `${p.name}@${p.version} is held: ${p.reason}`,
      state: 'nothing was changed',
      next: `release a new version; or, when this one is good after all: npx sluice unhold ${p.name} ${p.version} --reason "..."`,
    }),
  },
  NOT_RECORDED: {
    exit: EXIT.failed,
    text: (p: { names: string[]; stage: string; why: string }) => ({
      what: `${p.names.join(', ')} reached stage ${p.stage}, but the ledger could not be written: ${p.why}`,
      state: `the bytes are in ${p.stage}, verified and tagged; only the record is missing`,
      next: 'run the same command again when the ledger can be reached: it finds them there and only records',
    }),
  },
  CANCELLED: {
    exit: EXIT.failed,
    text: (p: { name: string; reached: string[] }) => ({
      what: `${p.name}: stopped on request`,
      state:
        p.reached.length > 0
          ? `reached: ${p.reached.join(', ')}; nothing is half-written`
          : 'nothing was changed for this package',
      next: 'run the same command again: it continues from here',
    }),
  },
  SERVES_OTHER_BYTES: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; given: string; served: string }) => ({
      what: `stage ${p.stage} does not serve the bytes it was given for ${p.name}@${p.version}:\n    given  ${p.given}\n    served ${p.served}`,
      state: `the version is in ${p.stage}, but it cannot be promoted from there`,
      next: 'name a store for the true bytes in nx.json ("packages": {"store": {"path": ".sluice/store"}}), then release a new version',
    }),
  },
  SERVICES_NOT_CONFIGURED: {
    exit: EXIT.badInput,
    text: (p: { project: string }) => ({
      what: `${p.project} is a service (it has a sluice.json), and nx.json has no stages for services`,
      state: 'nothing was changed',
      next: 'add "services": { "images": "...", "stages": [...] } to the options of @sluice/nx in nx.json',
    }),
  },
  ARTIFACT_DIRTY: {
    exit: EXIT.badInput,
    text: (p: { project: string; build: string }) => ({
      what: `the artifact of ${p.project} was built from a work tree with changes that are in no commit, so its images could not be traced to their sources`,
      state: 'nothing was changed',
      next: `commit the changes, then npx nx run ${p.project}:${p.build} (or add --allow-dirty, which is recorded)`,
    }),
  },
  SERVICE_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { name: string; known: string[] }) => ({
      what: `the ledger knows no service or project "${p.name}". It knows: ${p.known.join(', ') || 'none yet'}`,
      state: 'nothing was changed',
      next: 'npx sluice status',
    }),
  },
  DIRTY_TREE: {
    exit: EXIT.badInput,
    text: (p: { files: string[] }) => ({
      what: `the work tree has changes that are in no commit, so what is published could not be traced to its sources: ${p.files.slice(0, 5).join(', ')}${p.files.length > 5 ? ', ...' : ''}`,
      state: 'nothing was changed',
      next: 'git add . && git commit -m "..." (or add --allow-dirty, which is recorded), then run the same command again',
    }),
  },
  NO_COMMIT: {
    exit: EXIT.badInput,
    text: () => ({
      what: 'this repository has no commit yet, so nothing that is published could be traced to its sources',
      state: 'nothing was changed',
      next: 'git add . && git commit -m "First commit", then run the same command again',
    }),
  },
  SHALLOW_HISTORY: {
    exit: EXIT.badInput,
    text: (p: { commit: string }) => ({
      what: `this clone is shallow and does not have commit ${p.commit}, which the answer depends on`,
      state: 'nothing was changed',
      next: 'git fetch --unshallow (in CI: fetch-depth: 0), then run the same command again',
    }),
  },
  NX_UNANSWERED: {
    exit: EXIT.failed,
    text: (p: { command: string; said: string }) => ({
      what: `Nx did not say which services there are, or which of them were changed: ${p.said}`,
      state: 'nothing was changed',
      next: p.command,
    }),
  },
  SIGNER_MISSING: {
    exit: EXIT.badInput,
    text: (p: { approvers: string }) => ({
      what: 'records of the live profile are signed, and no signing key was found',
      state: 'nothing was changed',
      next: `git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub (or SLUICE_SIGNING_KEY=<file>); the key must stand in ${p.approvers}`,
    }),
  },
  ROLLBACK_NOTHING: {
    exit: EXIT.failed,
    text: (p: { name: string; stage: string }) => ({
      what: `${p.name} has no version in stage ${p.stage}, so there is nothing to take back`,
      state: 'nothing was changed',
      next: 'npx sluice status',
    }),
  },
  ROLLBACK_NO_TARGET: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; to?: string; has: string[] }) => ({
      what: p.to
        ? `${p.name}@${p.to} never stood in stage ${p.stage} (or is held), so it cannot be gone back to. Good ones: ${p.has.join(', ') || 'none'}`
        : `${p.name}@${p.version} is the first version in stage ${p.stage}: there is nothing to go back to`,
      state: 'nothing was changed',
      next:
        p.has.length > 0
          ? `choose one with --to=${p.has[0]}`
          : `npx sluice rollback ${p.stage} ${p.name} --to none (deprecates and holds it; the dist-tag has to point somewhere), and release a corrected version`,
    }),
  },
  CANNOT_ROLL_BACK: {
    exit: EXIT.failed,
    text: (p: { stage: string; cannot: string[] }) => ({
      what: `the registry of stage ${p.stage} cannot take a version back: ${p.cannot.join('; ')}`,
      state: 'nothing was changed',
      next: 'release a corrected version, and let it go the same way: npx nx release',
    }),
  },
  ROLLBACK_BLOCKED: {
    exit: EXIT.failed,
    text: (p: { name: string; stage: string; dependent: string }) => ({
      what: `${p.name} was not taken back in ${p.stage}: ${p.dependent}, which was promoted against it, could not be`,
      state: 'nothing was changed for this package',
      next: `mend ${p.dependent} (its own error is above), then run the same command again`,
    }),
  },
  ROLLBACK_NOT_RECORDED: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; stage: string; why: string }) => ({
      what: `${p.name}@${p.version} was taken back in ${p.stage}, but the ledger could not be written: ${p.why}`,
      state: `the tag is back; ${p.version} is not held yet, so a promotion would take it again`,
      next: 'run the same command again when the ledger can be reached: it finds the tag back and only records',
    }),
  },
  TAG_NOT_SEEN_YET: {
    exit: EXIT.failed,
    text: (p: { name: string; tag: string; to: string; now: string | undefined; stage: string }) => ({
      what: `stage ${p.stage} took in that ${p.tag} of ${p.name} is ${p.to}, and still shows ${p.now ?? 'none'}`,
      state: 'the tag may be back already; the bad version is neither deprecated nor held yet',
      next: 'run the same command again in some minutes: it continues from here',
    }),
  },
  REASON_MISSING: {
    exit: EXIT.badInput,
    text: (p: { command: string }) => ({
      what: `${p.command} goes on record with its reason, and the one given is empty`,
      state: 'nothing was changed',
      next: `npx sluice ${p.command} ... --reason "why it cannot be otherwise"`,
    }),
  },
  ROLLBACK_OVERTAKEN: {
    exit: EXIT.failed,
    text: (p: { name: string; tag: string; now: string; stage: string }) => ({
      what: `${p.tag} of ${p.name} in stage ${p.stage} moved to ${p.now} while it was to be rolled back: somebody promoted meanwhile`,
      state: 'nothing was changed for this package',
      next: `npx sluice status (and name the bad version: npx sluice rollback ${p.stage} ${p.name} --version <bad>)`,
    }),
  },
  VERSION_WITHOUT_PACKAGE: {
    exit: EXIT.badInput,
    text: (p: { version: string }) => ({
      what: `--version ${p.version} is said for no package in particular`,
      state: 'nothing was changed',
      next: `name the package too: npx sluice <command> <stage> <package> --version ${p.version}`,
    }),
  },
  UNHOLD_NOTHING: {
    exit: EXIT.badInput,
    text: (p: { name: string; version: string }) => ({
      what: `${p.name}@${p.version} is not held`,
      state: 'nothing was changed',
      next: 'npx sluice status',
    }),
  },
  PACKAGE_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { name: string; known: string[] }) => ({
      what: `the ledger knows no package or project "${p.name}". It knows: ${p.known.join(', ') || 'none yet'}`,
      state: 'nothing was changed',
      next: 'npx sluice status',
    }),
  },

  // ── service: sluice.json ────────────────────────────────────────────────────────────────────────────
  SERVICE_CONFIG_INVALID: {
    exit: EXIT.badInput,
    text: (p: { file: string; problems: string[] }) => ({
      what: `${p.file} has options that cannot be used:\n${p.problems.map((l) => `    ${l}`).join('\n')}`,
      state: 'nothing was changed',
      next: `correct ${p.file} (docs/reference/service.md lists every option)`,
    }),
  },
  SERVICE_CONFIG_MISSING: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} does not exist, and without it a project is no service`,
      state: 'nothing was changed',
      next: `write ${p.file} (docs/reference/service.md lists every option)`,
    }),
  },

  // ── artifact: what build makes, and what it may not be made of ──────────────────────────────────────
  PACKAGE_NAME_INVALID: {
    exit: EXIT.badInput,
    text: (p: { file: string; name: string }) => ({
      what: `${p.file}: "name" is ${p.name}, which no registry takes: lower-case letters, digits, "-", "." and "_", with or without a @scope/, at most 214 characters, and not a module of Node's own`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `correct "name" in ${p.file}, then build again`,
    }),
  },
  VERSION_INVALID: {
    exit: EXIT.badInput,
    text: (p: { file: string; name: string; version: string }) => ({
      what: `${p.file}: "version" of ${p.name} is ${p.version}; it must be an exact version like 1.2.3 or 1.2.3-beta.1`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `correct "version" in ${p.file} (or let it be set: npx nx release version), then build again`,
    }),
  },
  BUNDLED_DEPENDENCIES: {
    exit: EXIT.badInput,
    text: (p: { file: string; names: string[] }) => ({
      what: `${p.file} bundles dependencies (${p.names.join(', ')}): the tarball would hold whatever is installed on the machine that builds it, and could not be built again`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `take "bundleDependencies" out of ${p.file}; where users must not install them, let a bundler write them into the package's own files`,
    }),
  },
  DEPENDENCY_LOCAL: {
    exit: EXIT.badInput,
    text: (p: { owner: string; name: string; spec: string }) => ({
      what: `${p.owner} depends on ${p.name} as "${p.spec}", and no package of this workspace is meant by that: nobody else could install it`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `give ${p.name} a version range, or make its folder a package of the workspace ("workspaces" in package.json)`,
    }),
  },
  DEPENDENCY_UNPUBLISHED: {
    exit: EXIT.badInput,
    text: (p: { owner: string; name: string; root: string }) => ({
      what: `${p.owner} depends on ${p.name} (${p.root}), which is private or has no version, so it is never published and ${p.owner} could not be installed`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `publish ${p.name} too ("private", "version" in ${p.root}/package.json), or make it a development dependency`,
    }),
  },
  SIBLING_RANGE_UNSATISFIED: {
    exit: EXIT.badInput,
    text: (p: { owner: string; name: string; range: string; version: string }) => ({
      what: `${p.owner} asks for ${p.name} "${p.range}", but the version here, with which it was compiled and tested, is ${p.version}`,
      state: 'no artifact was written; one of an earlier build stands',
      next: `npm pkg set "dependencies.${p.name}=^${p.version}" (in the folder of ${p.owner}; or "*", which follows the version here)`,
    }),
  },
  EXPORTS_MISSING_FILE: {
    exit: EXIT.failed,
    text: (p: { name: string; entries: string[] }) => ({
      what: `the package.json of ${p.name} names what would not be in the tarball:\n${p.entries.map((l) => `    ${l}`).join('\n')}`,
      state: 'no artifact was written: whoever installed it could not import it',
      next: 'compile first (npx nx run <project>:compile), or correct the entry, or "files"; what would be in: npm pack --dry-run',
    }),
  },
  SOURCE_CHANGED: {
    exit: EXIT.failed,
    text: (p: { file: string }) => ({
      what: `${p.file} changed while it was being packed`,
      state: 'no artifact was written; one of an earlier build stands',
      next: 'stop what writes there (a watching compiler?), then build again',
    }),
  },
  ARTIFACT_MISSING: {
    exit: EXIT.failed,
    text: (p: { project: string; file: string }) => ({
      what: `there is no artifact of ${p.project}: ${p.file} does not exist`,
      state: 'nothing was changed',
      next: `npx nx run ${p.project}:build`,
    }),
  },
  ARTIFACT_INVALID: {
    exit: EXIT.failed,
    text: (p: { project: string; file: string; problem: string }) => ({
      what: `${p.file} is not an artifact.json that this version can read: ${p.problem}`,
      state: 'nothing was changed',
      next: `npx nx run ${p.project}:build --skip-nx-cache`,
    }),
  },
  ARTIFACT_CHANGED: {
    exit: EXIT.failed,
    text: (p: { project: string; file: string; expected: string; found: string }) => ({
      what: `${p.file} is not what was built:\n    built ${p.expected}\n    found ${p.found}`,
      state: 'nothing was published',
      next: `find out what wrote there, then npx nx run ${p.project}:build --skip-nx-cache`,
    }),
  },

  // ── artifact/image: building a service's images ─────────────────────────────────────────────────────
  ENGINE_UNAVAILABLE: {
    exit: EXIT.failed,
    text: (p: { tried: string[] }) => ({
      what: `nothing here can build an image:\n${p.tried.map((line) => `    ${line}`).join('\n')}`,
      state: 'nothing was changed',
      next: 'start a Docker engine (Docker Desktop, or: sudo systemctl start docker), or install podman or buildah; then run the same command again',
    }),
  },
  DOCKERFILE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { project: string; service: string; file: string }) => ({
      what: `the image of ${p.service} needs ${p.file}, which does not exist`,
      state: 'nothing was built',
      next: `write it, or say where it is: "images": {"${p.service}": {"context": ..., "dockerfile": ...}} in the sluice.json of ${p.project}`,
    }),
  },
  DOCKERFILE_INVALID: {
    exit: EXIT.badInput,
    text: (p: { file: string; line: number; problem: string }) => ({
      what: `${p.file}:${p.line}: ${p.problem}`,
      state: 'nothing was built',
      next: `correct ${p.file}`,
    }),
  },
  CONTEXT_OUTSIDE: {
    exit: EXIT.badInput,
    text: (p: { project: string; service: string; path: string }) => ({
      what: `the image of ${p.service} would be built from ${p.path}, which is not inside of the workspace`,
      state: 'nothing was built',
      next: `name a folder of the workspace: "images": {"${p.service}": {"context": ...}} in the sluice.json of ${p.project}`,
    }),
  },
  BASE_UNAVAILABLE: {
    exit: EXIT.failed,
    text: (p: { reference: string; builder: string; said: string }) => ({
      what: `the base image ${p.reference} is neither here nor in its registry, says ${p.builder}: ${p.said}`,
      state: 'nothing was built',
      next: `bring it here (docker pull ${p.reference}), or correct its name in the Dockerfile`,
    }),
  },
  PLATFORMS_UNSUPPORTED: {
    exit: EXIT.badInput,
    text: (p: { service: string; platforms: string[]; builder: string }) => ({
      what: `${p.builder} cannot build the image of ${p.service} for several platforms (${p.platforms.join(', ')})`,
      state: 'nothing was built',
      next: 'docker buildx create --use --driver docker-container (a BuildKit that can), or name one platform',
    }),
  },
  IMAGE_BUILD_FAILED: {
    exit: EXIT.failed,
    text: (p: { project: string; service: string; command: string; said: string[] }) => ({
      what: `the image of ${p.service} could not be built:\n${p.said.map((line) => `    ${line}`).join('\n')}`,
      state: 'the artifact that was there before is as it was',
      next: `correct what it says, then npx nx run ${p.project}:build; by hand: ${p.command}`,
    }),
  },
  IMAGE_UNREADABLE: {
    exit: EXIT.failed,
    text: (p: { project: string; service: string; problem: string }) => ({
      what: `the image of ${p.service} was built, and what the builder saved of it cannot be read: ${p.problem}`,
      state: 'the artifact that was there before is as it was',
      next: `npx nx run ${p.project}:build --skip-nx-cache (again; another builder with --builder)`,
    }),
  },

  // ── registry: the npm protocol, what registries answer ──────────────────────────────────────────────
  TOKEN_MISSING: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string; trusted?: boolean }) => ({
      what: `stage "${p.stage}" (${p.registry}) wants a token, and there is none`,
      state: 'this request changed nothing',
      next:
        (p.trusted ? 'give the job the right "id-token: write" (trusted publishing), or ' : '') +
        `put a token for ${p.registry} into the variable ${p.tokenEnv}, then run the same command again`,
    }),
  },
  TOKEN_EXCHANGE_REFUSED: {
    exit: EXIT.failed,
    text: (p: {
      stage: string;
      registry: string;
      tokenEnv: string;
      name: string;
      said: string;
      /** What the job's token says, in words. */
      claims: string;
    }) => ({
      what:
        `stage "${p.stage}" (${p.registry}) gave this job no token for ${p.name} (${p.said}). ` +
        `The job said: ${p.claims}`,
      state: 'this request changed nothing',
      next: `name exactly these as the trusted publisher in the settings of ${p.name} in the registry, or put a token into ${p.tokenEnv}; then run the same command again`,
    }),
  },
  TRUSTED_FIRST_PUBLISH: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string; name: string }) => ({
      what: `${p.name} is not in stage "${p.stage}" (${p.registry}) yet, and a first publish is what trusted publishing cannot do: only a package that is there can name its trusted publisher`,
      state: 'this request changed nothing',
      next: `put a token that may publish ${p.name} into ${p.tokenEnv} for this once and run the same command again; then name the trusted publisher in the settings of the package, and take the token away`,
    }),
  },
  TRUSTED_TOKEN_CANNOT: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string; action: string; byHand: string }) => ({
      what: `tokens of trusted publishing cannot ${p.action}, and stage "${p.stage}" (${p.registry}) has no other token here`,
      state: 'this request changed nothing; what was published before it stands',
      next: `${p.byHand} (as somebody with the right to), or put a token into ${p.tokenEnv}; then run the same command again`,
    }),
  },
  TOKEN_REFUSED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string; said: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) refuses the token in ${p.tokenEnv}: it is wrong, expired, or for another registry (${p.said})`,
      state: 'this request changed nothing',
      next: `put a new token for ${p.registry} into the variable ${p.tokenEnv}, then run the same command again`,
    }),
  },
  ONE_TIME_PASSWORD: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) asks for a one-time password, which a pipeline cannot give`,
      state: 'this request changed nothing',
      next: `put a granular token that bypasses two-factor authentication into ${p.tokenEnv}, then run the same command again`,
    }),
  },
  RIGHT_MISSING: {
    exit: EXIT.failed,
    text: (p: {
      stage: string;
      registry: string;
      tokenEnv: string;
      action: string;
      status: number;
      said: string;
    }) => ({
      what:
        `stage "${p.stage}" (${p.registry}) does not let this token ${p.action} (${p.status}: ${p.said})` +
        (p.status === 404 ? '; registries answer 404 where a right is missing' : ''),
      state: 'this request changed nothing',
      next: `give the token in ${p.tokenEnv} the right to ${p.action}, then run the same command again`,
    }),
  },
  SCOPE_REFUSED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; tokenEnv: string; name: string; said: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) does not take ${p.name}: its scope or name is not this token's to publish (${p.said})`,
      state: 'this request changed nothing',
      next: `publish under a scope that the owner of ${p.tokenEnv} holds, or use a token of that scope's owner`,
    }),
  },
  PAYMENT_REQUIRED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; name: string; said: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) wants to be paid for ${p.name} (${p.said})`,
      state: 'this request changed nothing',
      next: `set "access": "public" on stage "${p.stage}" in nx.json, or buy private packages there`,
    }),
  },
  TARBALL_TOO_LARGE: {
    exit: EXIT.failed,
    text: (p: {
      stage: string;
      registry: string;
      name: string;
      version: string;
      size: number;
      limit?: number;
    }) => ({
      what:
        `${p.name}@${p.version} is too large for stage "${p.stage}" (${p.registry}): ${p.size} bytes, ` +
        (p.limit === undefined ? 'and the registry does not say its limit' : `of ${p.limit} at most`),
      state: 'this request changed nothing',
      next: 'leave files out ("files" in package.json; what is in: npm pack --dry-run), or raise the limit of the registry (Verdaccio: max_body_size, which counts 4/3 of the tarball)',
    }),
  },
  RATE_LIMITED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; waitMs?: number }) => ({
      what:
        `stage "${p.stage}" (${p.registry}) takes no more requests for now (429)` +
        (p.waitMs === undefined ? '' : `: again in ${Math.ceil(p.waitMs / 1000)} s`),
      state: 'this request changed nothing',
      next: 'run the same command again later: it continues where it stopped',
    }),
  },
  REGISTRY_CONFLICT: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; name: string; said: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) could not save ${p.name}, because something else wrote it at the same time (409: ${p.said})`,
      state: 'this request changed nothing that could be seen',
      next: 'run the same command again: it continues where it stopped',
    }),
  },
  PROVENANCE_CONFLICT: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; name: string }) => ({
      what: `the transparency log already has an entry like the provenance of ${p.name} (409 TLOG_CREATE_ENTRY_ERROR, stage "${p.stage}", ${p.registry})`,
      state: 'this request changed nothing',
      next: 'run the same command again: the provenance is then signed anew',
    }),
  },
  VERSION_NOT_IN_STAGE: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; name: string; version?: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) has no ${p.name}${p.version ? `@${p.version}` : ''}`,
      state: 'this request changed nothing',
      next: 'npx nx status (shows which version is in which stage)',
    }),
  },
  REGISTRY_CANNOT: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; action: string; status: number }) => ({
      what: `the registry of stage "${p.stage}" (${p.registry}) has no way to ${p.action} (${p.status})`,
      state: 'this request changed nothing',
      next: `say the "kind" of the registry of stage "${p.stage}" in nx.json, so that what it cannot do is left out`,
    }),
  },
  REGISTRY_REFUSED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; action: string; status: number; said: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) refuses to ${p.action} (${p.status}: ${p.said})`,
      state: 'this request changed nothing',
      next: 'correct what the registry names, then run the same command again',
    }),
  },
  REGISTRY_FAILED: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; action: string; status: number; said: string }) => ({
      what: `the registry of stage "${p.stage}" (${p.registry}) failed when asked to ${p.action} (${p.status}: ${p.said})`,
      state: 'whether the request took effect is not known; a new run looks first',
      next: 'run the same command again: it continues where it stopped',
    }),
  },
  REGISTRY_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; why: string }) => ({
      what: `the registry of stage "${p.stage}" (${p.registry}) cannot be reached: ${p.why}`,
      state: 'whether a request that was under way took effect is not known; a new run looks first',
      next: 'check the address, the network and the proxy (npm ping --registry=<address>), then run the same command again',
    }),
  },
  REGISTRY_ANSWER_NOT_JSON: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; contentType: string; start: string }) => ({
      what: `stage "${p.stage}" (${p.registry}) answered with ${p.contentType || 'no content type'} where JSON belongs, perhaps a login page or a proxy: ${p.start}`,
      state: 'whether a request that was under way took effect is not known; a new run looks first',
      next: `check that the address of stage "${p.stage}" is a registry's, and that no proxy asks for a login`,
    }),
  },
  REGISTRY_ANSWER_CUT: {
    exit: EXIT.failed,
    text: (p: { stage: string; registry: string; name: string; got: string }) => ({
      what: `the answer of stage "${p.stage}" (${p.registry}) about ${p.name} broke off: ${p.got}`,
      state: 'what had arrived was thrown away',
      next: 'run the same command again: it continues where it stopped',
    }),
  },
  TARBALL_UNREADABLE: {
    exit: EXIT.failed,
    text: (p: { why: string }) => ({
      what: `the tarball cannot be read as an npm package: ${p.why}`,
      state: 'nothing was published',
      next: 'build it again (npx nx build <project> --skip-nx-cache), and look into it: tar -tzf <tarball>',
    }),
  },
  TARBALL_NAME_MISMATCH: {
    exit: EXIT.failed,
    text: (p: { expected: string; found: string }) => ({
      what: `the tarball of ${p.expected} holds a package.json of ${p.found}`,
      state: 'nothing was published',
      next: `build it again: npx nx build <project> --skip-nx-cache; if a registry served this tarball, nobody should install it from there`,
    }),
  },
  PACKAGE_PRIVATE: {
    exit: EXIT.failed,
    text: (p: { name: string }) => ({
      what: `${p.name} is marked "private": true in its package.json`,
      state: 'nothing was published',
      next: `take "private" out of the package.json of ${p.name}, or leave the project out: npx nx run-many -t publish-registry --exclude=<project>`,
    }),
  },
  DISK_FULL: {
    exit: EXIT.failed,
    text: (p: { folder: string }) => ({
      what: `there is no space left to write below ${p.folder}`,
      state: 'the half-written file was removed',
      next: 'free space there (or set TMPDIR to a larger disk), then run the same command again',
    }),
  },
  CONTENT_DAMAGED: {
    exit: EXIT.failed,
    text: (p: { path: string; expected: string; found: string }) => ({
      what: `${p.path} was stored as ${p.expected}, and is now ${p.found}`,
      state: 'the damaged file was left where it is, and was not used',
      next: `delete ${p.path}, then run the same command again: the artifact is fetched from its stage anew`,
    }),
  },
  INSTALL_FAILED: {
    exit: EXIT.failed,
    text: (p: { package: string; stage: string; reason: string }) => ({
      what: `${p.package} cannot be installed from stage "${p.stage}": ${p.reason}`,
      state: `the version is in stage "${p.stage}", without its dist-tag`,
      next: `correct the package and release a new version, or promote the dependency that is missing, then run the same command again`,
    }),
  },
  IMPORT_FAILED: {
    exit: EXIT.failed,
    text: (p: { package: string; stage: string; entry: string; reason: string }) => ({
      what: `${p.package}, installed from stage "${p.stage}", cannot be used: entry "${p.entry}" fails: ${p.reason}`,
      state: `the version is in stage "${p.stage}", without its dist-tag`,
      next: 'correct "exports" (or "main", "files", "dependencies") of the package, and release a new version',
    }),
  },
  // ── git ─────────────────────────────────────────────────────────────────────────────────────────────
  GIT_MISSING: {
    exit: EXIT.failed,
    text: (_: Record<never, never>) => ({
      what: 'the program "git" was not found',
      state: 'nothing was changed',
      next: 'install git 2.34 or newer, and see that it is on the PATH',
    }),
  },
  GIT_FAILED: {
    exit: EXIT.failed,
    text: (p: { command: string; code: number; said: string }) => ({
      what: `"${p.command}" ended with ${p.code}${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'work tree, index and HEAD are as they were',
      next: 'run that command by hand to see more',
    }),
  },
  NO_GIT_REPOSITORY: {
    exit: EXIT.badInput,
    text: (p: { folder: string; said: string }) => ({
      what: `${p.folder} is in no git repository that git would use (${p.said})`,
      state: 'nothing was changed',
      next: 'git init && git add . && git commit -m "First commit", or change to the folder of the repository',
    }),
  },
  COMMIT_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { commit: string }) => ({
      what: `there is no commit ${p.commit} in this repository`,
      state: 'nothing was changed',
      next: 'git fetch --all, then run the same command again',
    }),
  },
  GIT_SHALLOW: {
    exit: EXIT.badInput,
    text: (p: { wanted: string }) => ({
      what: `this is a shallow clone, and it ends before ${p.wanted} can be told`,
      state: 'nothing was changed',
      next: 'git fetch --unshallow (in GitHub Actions: fetch-depth: 0 for actions/checkout), then the same command',
    }),
  },
  GIT_REMOTE_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { remote: string; said: string }) => ({
      what: `the git remote "${p.remote}" does not answer, or refuses${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing was changed',
      next: `git ls-remote ${p.remote} (it must work without asking for a password), then the same command`,
    }),
  },
  DEFAULT_BRANCH_UNKNOWN: {
    exit: EXIT.failed,
    text: (p: { remote: string }) => ({
      what: `the git remote "${p.remote}" names no default branch: its HEAD points to a branch that does not exist`,
      state: 'nothing was changed',
      next: 'push that branch, or set another default branch on the server (git symbolic-ref HEAD refs/heads/main)',
    }),
  },
  TAG_ELSEWHERE: {
    exit: EXIT.failed,
    text: (p: { tag: string; at: string; wanted: string }) => ({
      what: `the tag ${p.tag} names commit ${p.at}, and should name ${p.wanted}`,
      state: 'the tag was left as it is',
      next: `see which is right: git log --oneline ${p.at} ${p.wanted}; where the tag is wrong: git tag -d ${p.tag} (then run the same command again)`,
    }),
  },
  // ── gate: policy, conditions, approvals ─────────────────────────────────────────────────────────────
  GATE_CLOSED: {
    exit: EXIT.gateClosed,
    text: (p: { stage: string; missing: string[]; next: string[] }) => ({
      what: `the gate of stage ${p.stage} is closed:\n${p.missing.map((l) => `    ${l}`).join('\n')}`,
      state: 'nothing was changed',
      next: p.next.join('; or ') || `npx sluice plan ${p.stage}`,
    }),
  },
  POLICY_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { remote: string; reason: string }) => ({
      what: `the gates of the live profile are read from the default branch of ${p.remote}, which cannot be fetched: ${p.reason}`,
      state: 'no gate opens without it; nothing was changed',
      next: `git fetch ${p.remote} (or git remote add ${p.remote} <address>), then run the same command again`,
    }),
  },
  POLICY_MISSING: {
    exit: EXIT.badInput,
    text: (p: { branch: string; file: string }) => ({
      what: `the gates are read from ${p.file} as it is committed on ${p.branch}, and there is none`,
      state: 'nothing was changed',
      next: `commit ${p.file} on ${p.branch}: git add ${p.file} && git commit`,
    }),
  },
  STAGE_NOT_IN_POLICY: {
    exit: EXIT.badInput,
    text: (p: { stage: string; branch: string; commit: string }) => ({
      what: `stage ${p.stage} is in the nx.json of this work tree, but not in that of ${p.branch} (${p.commit.slice(0, 12)}), which is what counts`,
      state: 'nothing was changed',
      next: `merge the change of nx.json into ${p.branch} first`,
    }),
  },
  POLICY_DIFFERS: {
    exit: EXIT.badInput,
    text: (p: { what: string; here: string; there: string; branch: string }) => ({
      what: `${p.what} is ${p.here} here, but ${p.there} on ${p.branch}, which is what counts`,
      state: 'nothing was changed',
      next: `take over nx.json and .npmrc of ${p.branch}, or merge the change into it first`,
    }),
  },
  SHALLOW_CLONE: {
    exit: EXIT.badInput,
    text: (p: { name: string; version: string }) => ({
      what: `this clone is shallow, so it does not show what ${p.name}@${p.version} carries, nor who wrote it and may not approve it`,
      state: 'nothing was changed',
      next: 'git fetch --unshallow (in CI: fetch-depth: 0), then run the same command again',
    }),
  },
  LEDGER_PIN_LOST: {
    exit: EXIT.failed,
    text: (p: { by: string; pinned: string; batch: string }) => ({
      what: `the ledger was rewritten: the approval by ${p.by} (${p.batch}) names ledger head ${p.pinned}, which is not in its history any more`,
      state: 'no gate opens on this ledger; nothing was changed',
      next: 'npx sluice verify; then push the ledger branch again from a clone that still has that commit',
    }),
  },
  // ── signing ─────────────────────────────────────────────────────────────────────────────────────────
  SSH_KEYGEN_MISSING: {
    exit: EXIT.failed,
    text: (_: Record<never, never>) => ({
      what: 'the program "ssh-keygen" was not found; it signs records and checks their signatures',
      state: 'nothing was changed',
      next: 'install the OpenSSH client (8.9 or newer), and see that it is on the PATH',
    }),
  },
  SIGNING_KEY_UNUSABLE: {
    exit: EXIT.badInput,
    text: (p: { key: string; said: string }) => ({
      what: `the key ${p.key} cannot sign${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing was recorded',
      next: 'ssh-add -l (shows what the agent holds), then ssh-add <private key> (adds one); or name a private key in SLUICE_SIGNING_KEY',
    }),
  },
  SIGNER_UNNAMED: {
    exit: EXIT.badInput,
    text: (p: { key: string }) => ({
      what: `the key ${p.key} stands under no name among the approvers, and git knows no e-mail address either`,
      state: 'nothing was recorded',
      next: 'set SLUICE_SIGNER=<name in the approvers file>, or git config user.email <address>',
    }),
  },

  // ── OIDC: tokens of CI jobs ─────────────────────────────────────────────────────────────────────────
  OIDC_NOT_PERMITTED: {
    exit: EXIT.badInput,
    text: (_: Record<never, never>) => ({
      what: 'this job may not ask GitHub for a token of its own',
      state: 'nothing was changed',
      next: 'add "permissions: id-token: write" to the job (the generated workflows have it: npx nx sync)',
    }),
  },
  OIDC_REQUEST_FAILED: {
    exit: EXIT.failed,
    text: (p: { audience: string; said: string }) => ({
      what: `GitHub gave this job no token for ${p.audience}: ${p.said}`,
      state: 'what the token was to sign is not recorded',
      next: 'run the job again; if it stays so, see https://www.githubstatus.com',
    }),
  },
  OIDC_ISSUER_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { issuer: string; said: string }) => ({
      what: `the keys of ${p.issuer} cannot be read, so tokens of jobs cannot be checked: ${p.said}`,
      state: 'nothing was changed',
      next: `curl ${p.issuer}/.well-known/openid-configuration (it must answer with JSON), then run the same command again`,
    }),
  },
  OIDC_ISSUER_INVALID: {
    exit: EXIT.badInput,
    text: (p: { issuer: string; problem: string }) => ({
      what: `${p.issuer} cannot be the issuer of job tokens: ${p.problem}`,
      state: 'nothing was changed',
      next: "correct github.issuer in nx.json on the default branch (without it GitHub's own issuer counts)",
    }),
  },
  JOB_MAY_NOT_SIGN: {
    exit: EXIT.badInput,
    text: (p: { problem: string }) => ({
      what: `the token of this job does not count as a signature: ${p.problem}`,
      state: 'nothing was changed, nothing was recorded',
      next: 'run it from a workflow that github.workflows in nx.json on the default branch allows, or name a key in SLUICE_SIGNING_KEY',
    }),
  },

  // ── GitHub: the REST API ────────────────────────────────────────────────────────────────────────────
  GITHUB_REPOSITORY_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { identity: string; host: string }) => ({
      what: `the remote is ${p.identity}, which is no repository of ${p.host}`,
      state: 'nothing was changed on GitHub',
      next: 'say "github": { "repository": "owner/name" } in the options in nx.json (and "api" for a GitHub Enterprise Server)',
    }),
  },
  GITHUB_TOKEN_MISSING: {
    exit: EXIT.badInput,
    text: (p: { repository: string }) => ({
      what: `there is no token for ${p.repository} on GitHub: neither GITHUB_TOKEN nor GH_TOKEN is set`,
      state: 'nothing was changed on GitHub',
      next: 'on a laptop: export GH_TOKEN=$(gh auth token); in a workflow: env: GITHUB_TOKEN: ${{ github.token }}',
    }),
  },
  GITHUB_REFUSED: {
    exit: EXIT.failed,
    text: (p: { asked: string; status: number; said: string; right: string }) => ({
      what: `GitHub answered ${p.status} to ${p.asked}${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'this request changed nothing',
      next: refusedNext(p),
    }),
  },
  GITHUB_RATE_LIMITED: {
    exit: EXIT.failed,
    text: (p: { asked: string; until: string }) => ({
      what: `GitHub takes no more requests of this token for now (at ${p.asked})`,
      state: 'this request changed nothing; those before it stand',
      next: `run the same command again after ${p.until}: what is there already is not made twice`,
    }),
  },
  GITHUB_FAILED: {
    exit: EXIT.failed,
    text: (p: { asked: string; status: number }) => ({
      what: `GitHub answered ${p.status} to ${p.asked}`,
      state: 'a request that writes may have had its effect or not; what was written before stands',
      next: 'see https://www.githubstatus.com, then run the same command again: what is there already is not made twice',
    }),
  },
  GITHUB_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { api: string; why: string }) => ({
      what: `${p.api} does not answer: ${p.why}`,
      state: 'a request that writes may have had its effect or not; what was written before stands',
      next: 'look at the network (and https_proxy, where there is one), then run the same command again',
    }),
  },

  // ── provenance: where an artifact comes from ────────────────────────────────────────────────────────
  PROVENANCE_NOT_PERMITTED: {
    exit: EXIT.failed,
    text: (p: { name: string }) => ({
      what: `provenance is true, and this is no job that may ask for a token to sign the provenance of ${p.name} with`,
      state: 'nothing was published',
      next: 'publish in a job with the right "id-token: write", or set provenance to "auto"',
    }),
  },
  PROVENANCE_SIGNING_FAILED: {
    exit: EXIT.failed,
    text: (p: { name: string; said: string }) => ({
      what: `Sigstore did not sign the provenance of ${p.name}: ${p.said}`,
      state: 'it was not published',
      next: 'run the same command again, or set provenance to false',
    }),
  },
  PROVENANCE_LOG_CONFLICT: {
    exit: EXIT.failed,
    text: (p: { name: string; signatures: number }) => ({
      what: `the transparency log refused ${p.signatures} signatures in a row for the provenance of ${p.name}, each as one that it has already (TLOG_CREATE_ENTRY_ERROR)`,
      state: 'it was not published',
      next: 'run the same command again in some minutes: the provenance is then signed anew',
    }),
  },
  PROVENANCE_INVALID: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; problem: string }) => ({
      what: `the provenance of ${p.name}@${p.version} proves nothing: ${p.problem}`,
      state: 'nothing was changed',
      next: `build ${p.name} again in the job that publishes it (a build takes the old provenance away), or look at who changed it: npx sluice verify`,
    }),
  },
  PROVENANCE_MISSING: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string; sha256: string }) => ({
      what: `the ledger says that ${p.name}@${p.version} has a provenance (sha256 ${p.sha256}), and does not hold it`,
      state: 'nothing was changed',
      next: 'npx sluice verify (says who changed the ledger)',
    }),
  },
  ATTESTATION_GONE: {
    exit: EXIT.failed,
    text: (p: { name: string; version: string }) => ({
      what: `GitHub took in the provenance of ${p.name}@${p.version}, and no longer shows it`,
      state: 'nothing was changed; the ledger still has it',
      next: "look into the audit log of the repository's owner, for somebody deleted the attestation; what else differs: npx sluice verify",
    }),
  },
  PROVENANCE_TRUST_MISSING: {
    exit: EXIT.failed,
    text: (p: { why: string }) => ({
      what: `no provenance can be checked: ${p.why}`,
      state: 'nothing was changed',
      next: 'run the same command again, or correct sigstore.trustedRoot in nx.json on the default branch',
    }),
  },

  // ── environments: on GitHub ─────────────────────────────────────────────────────────────────────────
  ENVIRONMENT_REVIEWER_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { environment: string; reviewer: string; why: string }) => ({
      what: `the environment ${p.environment} cannot have the reviewer ${p.reviewer}, who ${p.why}`,
      state: 'this environment was not changed; those named as done before are as nx.json wants them',
      next: 'correct github.environments in nx.json (or invite the reviewer), then: npx nx g @sluice/nx:environments',
    }),
  },
  ENVIRONMENTS_INCOMPLETE: {
    exit: EXIT.failed,
    text: (p: { repository: string; refused: string[] }) => ({
      what: `GitHub does not let ${p.repository}, which is private, have all that nx.json wants (its plan decides)${p.refused.map((line) => `\n    ${line}`).join('')}`,
      state: 'everything else is as nx.json wants it; jobs in these environments wait for nobody',
      next: 'let people approve by signature: "approvals": 1 in the gate (docs/guide/gates.md), and take what is not allowed out of github.environments; or take a plan that has it (Enterprise)',
    }),
  },

  // ── outcome: releases and deployments on GitHub ─────────────────────────────────────────────────────
  ANNOUNCE_LOCAL: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `what happens to ${p.stage} in the local profile is no news for GitHub`,
      state: 'nothing was announced',
      next: 'set SLUICE_PROFILE=live',
    }),
  },
  RELEASE_TAG_MISSING: {
    exit: EXIT.failed,
    text: (p: { tag: string; commit: string }) => ({
      what: `GitHub does not have the tag ${p.tag}, and would make one of its own, at another commit`,
      state: 'there is no release of this version; what was promoted stands',
      next: `git tag -a -m ${p.tag} ${p.tag} ${p.commit} && git push origin refs/tags/${p.tag}, then run the same command again`,
    }),
  },
  ANNOUNCE_LIBRARY_MISSING: {
    exit: EXIT.badInput,
    text: (_: object) => ({
      what: 'releases on GitHub are made by @semantic-release/github, which is not installed',
      state: 'nothing was announced; what was promoted stands',
      next: 'npm install --save-dev @semantic-release/github, then run the same command again',
    }),
  },
  ANNOUNCE_FAILED: {
    exit: EXIT.failed,
    text: (p: { tag: string; said: string }) => ({
      what: `the release ${p.tag} could not be announced on GitHub: ${p.said}`,
      state: 'what was promoted stands; of the release, what was made so far stands too',
      next: 'run the same command again: what is there already is not made twice',
    }),
  },

  // ── registry/oci: image registries ──────────────────────────────────────────────────────────────────
  IMAGE_CREDENTIALS_MISSING: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string }) => ({
      what: `${p.registry} wants credentials to ${p.action} in ${p.repository}, and there are none`,
      state: 'this request changed nothing',
      next: `docker login ${p.registry} (or put a token into the stage's variable, SLUICE_<STAGE>_TOKEN), then run the same command again`,
    }),
  },
  IMAGE_CREDENTIALS_REFUSED: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string; said: string }) => ({
      what: `${p.registry} refuses the credentials to ${p.action} in ${p.repository}: they are wrong, expired, or for another registry (${p.said})`,
      state: 'this request changed nothing',
      next: `docker login ${p.registry} (or renew the token in the stage's variable), then run the same command again`,
    }),
  },
  IMAGE_RIGHT_MISSING: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string; said: string }) => ({
      what: `${p.registry} does not let these credentials ${p.action} in ${p.repository} (403: ${p.said})`,
      state: 'this request changed nothing',
      next: `give them the right to read and write ${p.repository} (GitHub: permissions: packages: write), then run the same command again`,
    }),
  },
  CREDENTIAL_HELPER_FAILED: {
    exit: EXIT.failed,
    text: (p: { helper: string; registry: string; file: string; why: string }) => ({
      what: `${p.helper}, which ${p.file} names for ${p.registry}, gave no credentials: ${p.why}`,
      state: 'nothing was changed',
      next: `printf '%s' '${p.registry}' | ${p.helper} get (shows what it says), or correct ${p.file}`,
    }),
  },
  IMAGE_NOT_FOUND: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; reference: string }) => ({
      what: `${p.registry} has no ${p.repository} with ${p.reference}; registries answer the same where a right to read is missing`,
      state: 'nothing was changed',
      next: 'npx nx status (shows which image is in which stage)',
    }),
  },
  IMAGE_REPOSITORY_MISSING: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; said: string }) => ({
      what: `${p.registry} has no repository ${p.repository}, and makes none by itself (${p.said})`,
      state: 'this request changed nothing',
      next: `make the repository ${p.repository} there (AWS: aws ecr create-repository --repository-name ${p.repository}), then run the same command again`,
    }),
  },
  IMAGE_INCOMPLETE: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; reference: string; said: string }) => ({
      what: `${p.registry} does not take ${p.repository} ${p.reference}, because parts of it are not there (${p.said})`,
      state: 'parts of the image may be there; no tag was set',
      next: 'run the same command again: it asks for each part, and brings what is missing',
    }),
  },
  IMAGE_BYTES_DIFFER: {
    exit: EXIT.failed,
    text: (p: {
      registry: string;
      repository: string;
      reference: string;
      expected: string;
      found: string;
    }) => ({
      what: `${p.registry} gives other bytes for ${p.repository} ${p.reference}: expected ${p.expected}, got ${p.found}`,
      state: 'these bytes were not used, and no tag was set to them by this request',
      next: `do not deploy from ${p.repository}; find out who changed it: skopeo inspect --raw docker://${p.registry}/${p.repository}@${p.expected}`,
    }),
  },
  IMAGE_TOO_LARGE: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; reference: string; said: string }) => ({
      what: `${p.registry} does not take ${p.reference} of ${p.repository}: too large, or no room is left (${p.said})`,
      state: 'parts of the image may be there; no tag was set',
      next: 'make the image smaller (its layers: docker history <image>), or raise the limit or quota of the registry or of the proxy before it',
    }),
  },
  IMAGE_RATE_LIMITED: {
    exit: EXIT.failed,
    text: (p: { registry: string; waitMs?: number }) => ({
      what:
        `${p.registry} takes no more requests for now (429)` +
        (p.waitMs === undefined ? '' : `: again in ${Math.ceil(p.waitMs / 1000)} s`),
      state: 'this request changed nothing',
      next: 'run the same command again later: it continues where it stopped',
    }),
  },
  IMAGE_REGISTRY_FAILED: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string; status: number; said: string }) => ({
      what: `${p.registry} failed when asked to ${p.action} in ${p.repository} (${p.status}: ${p.said})`,
      state: 'whether the request took effect is not known; a new run looks first',
      next: 'run the same command again: it continues where it stopped',
    }),
  },
  IMAGE_REGISTRY_REFUSED: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string; status: number; said: string }) => ({
      what: `${p.registry} refuses to ${p.action} in ${p.repository} (${p.status}: ${p.said})`,
      state: 'this request changed nothing',
      next: 'correct what the registry names, then run the same command again',
    }),
  },
  IMAGE_REGISTRY_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { registry: string; why: string }) => ({
      what: `${p.registry} cannot be reached: ${p.why}`,
      state: 'whether a request that was under way took effect is not known; a new run looks first',
      next: `check the address, the network and the proxy (curl https://${p.registry}/v2/), then run the same command again`,
    }),
  },
  IMAGE_REGISTRY_INSECURE: {
    exit: EXIT.badInput,
    text: (p: { registry: string; what: string }) => ({
      what: `${p.what} would go to ${p.registry} over plain HTTP, and that is not this machine`,
      state: 'nothing was sent',
      next: `give ${p.registry} a certificate, or reach it through a port of 127.0.0.1 (ssh -L <port>:<registry> <host>)`,
    }),
  },
  IMAGE_ANSWER_INVALID: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; action: string; why: string }) => ({
      what: `${p.registry} answered as no image registry does when asked to ${p.action} in ${p.repository}: ${p.why}`,
      state: 'whether a request that was under way took effect is not known; a new run looks first',
      next: `check that ${p.registry} is an image registry, and that no proxy asks for a login (curl -i https://${p.registry}/v2/)`,
    }),
  },
  IMAGE_UPLOAD_CUT: {
    exit: EXIT.failed,
    text: (p: {
      registry: string;
      repository: string;
      digest: string;
      got: number;
      size?: number;
      why: string;
    }) => ({
      what:
        `the upload of ${p.digest} to ${p.registry}/${p.repository} broke off after ${p.got} bytes` +
        (p.size === undefined ? '' : ` of ${p.size}`) +
        `: ${p.why}`,
      state: 'the layers before it are there; no tag was set',
      next: 'run the same command again: what is there is not sent again',
    }),
  },
  IMAGE_DOWNLOAD_CUT: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; digest: string; got: number; size?: number }) => ({
      what:
        `the download of ${p.digest} from ${p.registry}/${p.repository} broke off after ${p.got} bytes` +
        (p.size === undefined ? '' : ` of ${p.size}`),
      state: 'what had arrived was thrown away',
      next: 'run the same command again: what is there already is not fetched again',
    }),
  },
  TAG_TAKEN: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; tag: string; there: string; wanted: string }) => ({
      what: `the tag ${p.tag} of ${p.registry}/${p.repository} is ${p.there}, and was to become ${p.wanted}; this tag does not move`,
      state: 'nothing was copied, and the tag is as it was',
      next: 'release a new version (a tag that does not move names one image for ever), or give the stage another tag ("tags" of the stage in nx.json)',
    }),
  },
  TAG_IMMUTABLE: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; tag: string; said: string }) => ({
      what: `${p.registry} does not let the tag ${p.tag} of ${p.repository} be moved (${p.said})`,
      state: 'the image is there, and the tag is as it was',
      next: `allow tags to be overwritten in ${p.repository}, or give the stage a tag pattern that is new for each image`,
    }),
  },
  TAG_NOT_AS_SET: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; tag: string; wanted: string; found: string }) => ({
      what: `the tag ${p.tag} of ${p.registry}/${p.repository} was set to ${p.wanted}, and shows ${p.found}`,
      state: 'the image is there; the tag is not what was asked for',
      next: 'run the same command again; if it stays so, somebody else moves this tag at the same time',
    }),
  },
  LAYOUT_INVALID: {
    exit: EXIT.failed,
    text: (p: { folder: string; why: string }) => ({
      what: `${p.folder} is not an OCI image layout that can be pushed: ${p.why}`,
      state: 'no tag was set',
      next: 'build it again: npx nx build <project> --skip-nx-cache',
    }),
  },
  ATTACHMENT_MISSING: {
    exit: EXIT.failed,
    text: (p: { registry: string; repository: string; digest: string; artifactType: string }) => ({
      what: `nothing of type ${p.artifactType} is attached to ${p.digest} in ${p.registry}/${p.repository}`,
      state: 'nothing was changed',
      next: 'publish the image again (npx nx run <project>:publish-registry): what is there is not sent again',
    }),
  },
  ATTACHMENT_AMBIGUOUS: {
    exit: EXIT.failed,
    text: (p: {
      registry: string;
      repository: string;
      digest: string;
      artifactType: string;
      found: string[];
    }) => ({
      what: `${p.found.length} different things of type ${p.artifactType} are attached to ${p.digest} in ${p.registry}/${p.repository}: ${p.found.join(', ')}`,
      state: 'none of them was used',
      next: 'find out who attached the others, and delete them in the registry',
    }),
  },

  // ── registry/local: the local registries ────────────────────────────────────────────────────────────
  VERDACCIO_MISSING: {
    exit: EXIT.badInput,
    text: (p: { root: string }) => ({
      what: `the local registries are Verdaccio, which is not installed in ${p.root}`,
      state: 'nothing was started',
      next: 'npm install --save-dev verdaccio',
    }),
  },
  LOCAL_REGISTRIES_FAILED: {
    exit: EXIT.failed,
    text: (p: { reason: string; log: string; lines: string[] }) => ({
      what: `the local registries did not start: ${p.reason}${p.lines.map((l) => `\n    ${l}`).join('')}`,
      state: `nothing was published or promoted; the whole log is ${p.log}`,
      next: 'npx nx registries (run it alone to see more), or npx nx registries --reset (begins with empty ones)',
    }),
  },
  LOCAL_REGISTRIES_BUSY: {
    exit: EXIT.failed,
    text: (p: { pid?: number }) => ({
      what: `the local registries are in use by another command${p.pid === undefined ? '' : ` (their process is ${p.pid})`}`,
      state: 'nothing was deleted',
      next: 'end the other command (or wait for it), then npx nx registries --reset',
    }),
  },

  // ── API: the public API of a package ────────────────────────────────────────────────────────────────
  API_CHANGED: {
    exit: EXIT.failed,
    text: (p: { name: string; project: string; file: string; added: string[]; removed: string[] }) => ({
      what: `the public API of ${p.name} is not what ${p.file} says:${[...p.removed.map((line) => `- ${line}`), ...p.added.map((line) => `+ ${line}`)].map((line) => `\n    ${line}`).join('')}`,
      state: 'nothing was written',
      next: `where it is meant: npx nx run ${p.project}:api-check --update, commit ${p.file} with the change, and say it to the versioning tool (${p.removed.length > 0 ? 'what is gone may break others: "feat!:", or a major changeset' : 'something new: "feat:", or a minor changeset'})`,
    }),
  },
  API_WITHOUT_TYPES: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} names no types ("exports" with "types", or "types"), so its public API is not known`,
      state: 'nothing was written',
      next: `add "types" to ${p.file}, or delete api.txt beside it: then it is not checked`,
    }),
  },
  API_NOT_COMPILED: {
    exit: EXIT.badInput,
    text: (p: { file: string; entry: string; project: string }) => ({
      what: `${p.file}, the types of "${p.entry}", is not there`,
      state: 'nothing was written',
      next: `compile first: npx nx run ${p.project}:api-check does, where the project has a target "compile"; else name yours in its "dependsOn"`,
    }),
  },
  API_COMPILER_MISSING: {
    exit: EXIT.badInput,
    text: (_: object) => ({
      what: 'the workspace has no TypeScript with an API for JavaScript, which reads the declarations',
      state: 'nothing was written',
      next: 'npm install --save-dev typescript@6 (TypeScript 7 has no such API yet)',
    }),
  },

  // ── generators: scaffolding ─────────────────────────────────────────────────────────────────────────
  PACKAGE_SPELLING: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: `"${p.name}" cannot be the name of a package: lower-case letters, digits, "-", "." and "_" after a letter or digit, at most 214 characters with its scope`,
      state: 'nothing was written',
      next: 'npx nx g @sluice/nx:package money-utils --scope=@acme',
    }),
  },
  OPTIONS_REFUSED: {
    exit: EXIT.badInput,
    text: (p: { problems: string[] }) => ({
      what: `nx.json would get options that @sluice/nx cannot use:${p.problems.map((line) => `\n${line}`).join('')}`,
      state: 'nothing was written',
      next: 'correct what you said and run it again: --help behind the command lists its options, docs/reference/options.md says what nx.json takes',
    }),
  },
  PACKAGE_NAME_RESERVED: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: `"${p.name}" cannot be the name of a package here: git ignores a folder of that name, or Windows cannot make it`,
      state: 'nothing was written',
      next: 'give another name: npx nx g @sluice/nx:package <name>',
    }),
  },
  NAME_REFUSED: {
    exit: EXIT.badInput,
    text: (p: { name: string; stage: string; said: string; owner?: string | undefined }) => ({
      what: `stage "${p.stage}" would refuse it: ${p.said}`,
      state: 'nothing was written',
      next: `npx nx g @sluice/nx:package ${p.name} --scope=@${p.owner ?? '<owner>'} (or --force, where your token may publish under that scope)`,
    }),
  },
  NAME_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { name: string; project: string; stage: string; versions: string[] }) => ({
      what: `stage "${p.stage}" has a package ${p.name} already, with ${p.versions.length} ${p.versions.length === 1 ? 'version' : 'versions'} (${p.versions.at(-1)})`,
      state: 'nothing was written',
      next: `give another name; where that package is yours: npx nx g @sluice/nx:package ${p.project} --force, and set "version" in its package.json above those that are there`,
    }),
  },
  FOLDER_OUTSIDE: {
    exit: EXIT.badInput,
    text: (p: { folder: string }) => ({
      what: `"${p.folder}" is no folder below the root of the workspace`,
      state: 'nothing was written',
      next: 'name one, relative to the root: --directory=libs/<name>',
    }),
  },
  SCOPE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: 'no package here has a scope that the new one could take over, and none was given',
      state: 'nothing was written',
      next: `npx nx g @sluice/nx:package ${p.name} --scope=@acme`,
    }),
  },
  FOLDER_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { folder: string }) => ({
      what: `${p.folder} holds a package already`,
      state: 'nothing was written',
      next: 'give another name, or another folder: --directory=libs/other',
    }),
  },
  STAGE_PLACE_TWICE: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `"after" and "before" both say where the stage "${p.stage}" goes`,
      state: 'nothing was written',
      next: `give one of them: npx nx g @sluice/nx:stage ${p.stage} --after=<stage>`,
    }),
  },
  STAGE_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `there is a stage "${p.stage}" already`,
      state: 'nothing was written',
      next: 'give another name: npx nx g @sluice/nx:stage <name>',
    }),
  },
  STAGE_IN_USE: {
    exit: EXIT.badInput,
    text: (p: { stage: string; to: string }) => ({
      what: `there is a ledger, which knows what entered the stage "${p.stage}" by this name, and so do hosts: their volumes and backups have it in their names`,
      state: 'nothing was written',
      next: `where nothing that counts stands in it: npx nx g @sluice/nx:stage ${p.stage} --rename=${p.to} --force; else add "${p.to}" as a stage of its own: npx nx g @sluice/nx:stage ${p.to}`,
    }),
  },
  ENVIRONMENT_MISSING: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `the stage "${p.stage}" has no GitHub environment that could have reviewers or a wait timer`,
      state: 'nothing was written',
      next: 'name it too: --environment=Production',
    }),
  },
  HOST_OPTION_INVALID: {
    exit: EXIT.badInput,
    text: (p: { option: string; said: string }) => ({
      what: `"${p.said}" cannot be the ${p.option} on a host: it becomes part of a script there, so letters, digits and a few marks are all that it may have`,
      state: 'nothing was changed',
      next: `npx nx g @sluice/nx:host --help (says what --${p.option} is)`,
    }),
  },
  PUBLIC_KEY_MISSING: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `there is no public key in ${p.file} that the new user could let in`,
      state: 'nothing was changed',
      next: 'name the file: --publicKey=<file>.pub (or make a key: ssh-keygen -t ed25519)',
    }),
  },
  HOST_NEEDS_ROOT: {
    exit: EXIT.badInput,
    text: (p: { host: string }) => ({
      what: `${p.host} is not root there, and may not use sudo without a password`,
      state: 'nothing was changed on the host',
      next: 'npx nx g @sluice/nx:host root@<host>',
    }),
  },
  HOST_SYSTEM_UNKNOWN: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string }) => ({
      what: `${p.host} is of a kind that cannot be prepared: ${p.said}`,
      state: 'the steps before this one are done, the others are not',
      next: 'install that by hand, then run this again: it goes on where it stopped',
    }),
  },
  HOST_PREPARE_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; step: string; said: string }) => ({
      what: `on ${p.host} this failed: ${p.step}\n${p.said}`,
      state: 'the steps before it are done, those behind it are not',
      next: 'mend what it says, then run this again: it goes on where it stopped',
    }),
  },
  SCOPE_SPELLING: {
    exit: EXIT.badInput,
    text: (p: { said: string }) => ({
      what: `"${p.said}" cannot be a scope: lower-case letters, digits, "-", "." and "_", the first of them a letter or digit`,
      state: 'nothing was written',
      next: 'such as --scope=@my-org',
    }),
  },
  RENAME_TREE_DIRTY: {
    exit: EXIT.badInput,
    text: (p: { scope: string }) => ({
      what: 'there are changes that are not committed, among which the renaming could not be told apart, nor taken back',
      state: 'nothing was written',
      next: `commit them, then npm run rename -- --scope=${p.scope}`,
    }),
  },
  WORKSPACE_NOT_EMPTY: {
    exit: EXIT.badInput,
    text: (p: { folder: string }) => ({
      what: `this workspace has projects already, in ${p.folder}`,
      state: 'nothing was written',
      next: 'the preset begins a workspace; into one that is there: npx nx add @sluice/nx',
    }),
  },
  TEMPLATE_MISSING: {
    exit: EXIT.failed,
    text: (_: object) => ({
      what: 'the plugin runs from its sources, where nobody made the template yet',
      state: 'nothing was written',
      next: 'npm run template',
    }),
  },
  SERVICE_SPELLING: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: `"${p.name}" cannot be the name of a service: up to 40 lower-case letters and digits, the first a letter, with single dashes between them`,
      state: 'nothing was written',
      next: 'npx nx g @sluice/nx:service orders',
    }),
  },
  NAME_RESERVED: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: `"${p.name}" cannot be the name of a service: something beside it, or in the image registry, is called that already`,
      state: 'nothing was written',
      next: 'give another name: npx nx g @sluice/nx:service <name>',
    }),
  },
  PROJECT_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { name: string; folder: string }) => ({
      what: `there is a project "${p.name}" already, in ${p.folder === '.' ? 'the root folder' : p.folder}`,
      state: 'nothing was written',
      next: 'give another name, or the folder of that project: --directory=<folder>',
    }),
  },
  SERVICE_PATH_INVALID: {
    exit: EXIT.badInput,
    text: (p: { path: string }) => ({
      what: `"${p.path}" is no path prefix: letters, digits, dots, dashes, underscores and slashes`,
      state: 'nothing was written',
      next: 'such as --path=/orders',
    }),
  },
  ENVIRONMENT_SPELLING: {
    exit: EXIT.badInput,
    text: (p: { said: string }) => ({
      what: `"${p.said}" is no environment: a name of lower-case letters, digits and dashes, then "=" and its hosts if you know them`,
      state: 'nothing was written',
      next: 'such as --environments=staging=deploy@staging.example.com',
    }),
  },
  SERVICE_NOT_ADOPTABLE: {
    exit: EXIT.badInput,
    text: (p: { folder: string }) => ({
      what: `${p.folder} holds files, but neither a Dockerfile nor a compose file that could be adopted`,
      state: 'nothing was written',
      next: 'add a Dockerfile there, or give another folder: --directory=apps/other',
    }),
  },
  ADOPTED_FILE_UNREADABLE: {
    exit: EXIT.badInput,
    text: (p: { file: string; problems: string[] }) => ({
      what: `${p.file} cannot be read:\n${p.problems.map((line) => `    ${line}`).join('\n')}`,
      state: 'nothing was written',
      next: 'correct it and run this again',
    }),
  },
  SERVICE_NOTHING_BUILT: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} builds nothing: none of its services has "build"`,
      state: 'nothing was written',
      next: 'give the service that is yours a "build: ." and run this again',
    }),
  },
  // ── workflows ───────────────────────────────────────────────────────────────────────────────────────
  WORKFLOW_MARKS: {
    exit: EXIT.badInput,
    text: (p: { file: string; place: string; what: string }) => ({
      what: `${p.file}: the part "# sluice:yours ${p.place}" ${p.what}`,
      state: 'no workflow was written',
      next: 'give each place one part, from "# sluice:yours <place>" to "# sluice:end", then npx nx sync',
    }),
  },
  WORKFLOW_PLACE_GONE: {
    exit: EXIT.badInput,
    text: (p: { file: string; place: string }) => ({
      what: `${p.file}: the place of the part "# sluice:yours ${p.place}" does not exist, or not any more`,
      state: 'no workflow was written',
      next: 'move the part to another place ("<job>/before", "<job>/after", "jobs"), or delete it; then npx nx sync',
    }),
  },
  WORKFLOW_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { file: string }) => ({
      what: `${p.file} was not written by npx nx sync, and would be replaced`,
      state: 'no workflow was written',
      next: `give it another name: git mv ${p.file} ${String(p.file).replace(/\.yml$/, '-own.yml')}; then npx nx sync`,
    }),
  },
  PLAN_CHANGED: {
    exit: EXIT.failed,
    text: (p: { stage: string; items: string[] }) => ({
      what: `something else waits for ${p.stage} than was shown to those who approved: ${p.items.join(', ')}`,
      state: 'nothing was changed',
      next: `look at what waits now: npx sluice plan ${p.stage}; then approve the newer run, or start another one`,
    }),
  },
  // ── ledger ──────────────────────────────────────────────────────────────────────────────────────────
  LEDGER_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { remote: string; said: string; kept: boolean }) => ({
      what: `the ledger's remote "${p.remote}" does not answer, or refuses${p.said === '' ? '' : `: ${p.said}`}`,
      state: p.kept
        ? 'the records are kept in this clone, and go to the remote together with the next ones'
        : 'nothing was recorded',
      next: `git ls-remote ${p.remote} (it must work without asking for a password), then the same command again`,
    }),
  },
  LEDGER_REWRITTEN: {
    exit: EXIT.failed,
    text: (p: {
      branch: string;
      /** The remote; undefined for the branch in this clone. */
      where: string | undefined;
      seen: string;
      found: string | undefined;
      names: { local: string; seen: string };
      /** Where the ledger has a git repository of its own. */
      gitDir: string | undefined;
    }) => {
      const git = p.gitDir ? `git --git-dir=${p.gitDir}` : 'git';
      const place = p.where ? ` on "${p.where}"` : '';
      const accept = p.found
        ? `${git} update-ref ${p.names.seen} ${p.found} && ${git} update-ref ${p.names.local} ${p.found}`
        : `${git} update-ref -d ${p.names.seen}`;
      return {
        what: `the ledger ${p.branch}${place} was rewritten: ${p.seen} was its head, and ${p.found ? `${p.found}, its head now, does not contain that` : 'now the branch is gone'}`,
        state: 'nothing was recorded, and no gate opens on such a ledger',
        next: `${git} log ${p.found ? `${p.found}..${p.seen}` : p.seen} (shows the records that are missing); to put them back: ${p.where ? `git push --force ${p.where} ${p.seen}:refs/heads/${p.branch}` : `${git} update-ref ${p.names.local} ${p.seen}`}; to go on without them, knowingly: ${accept}`,
      };
    },
  },
  LEDGER_CORRUPT: {
    exit: EXIT.failed,
    text: (p: { path: string; commit: string; problem: string }) => ({
      what: `the ledger has a batch that cannot be read: ${p.path}, added by commit ${p.commit}: ${p.problem}`,
      state: 'nothing was recorded, and no gate opens on such a ledger',
      next: `git show ${p.commit} (tells who added it; a newer version of @sluice/nx may be able to read it)`,
    }),
  },
  LEDGER_BUSY: {
    exit: EXIT.failed,
    text: (p: { branch: string; attempts: number }) => ({
      what: `others were first at the ledger ${p.branch} in each of ${p.attempts} attempts`,
      state: 'nothing of this batch was recorded',
      next: 'run the same command again',
    }),
  },
  LEDGER_REFUSED: {
    exit: EXIT.failed,
    text: (p: { branch: string; remote: string; said: string }) => ({
      what: `the remote "${p.remote}" does not let the ledger ${p.branch} grow${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing of this batch was recorded',
      next: `allow this account to push to the branch ${p.branch} (rules for branches, hooks), then the same command again`,
    }),
  },
  LEDGER_UNSIGNED: {
    exit: EXIT.failed,
    text: (p: { branch: string }) => ({
      what: `records of the ledger ${p.branch} have to be signed, and nobody to sign them was named`,
      state: 'nothing was recorded',
      next: 'set SLUICE_SIGNING_KEY=<key file>, or git config gpg.format ssh && git config user.signingkey <key file>',
    }),
  },
  LEDGER_RECORD_INVALID: {
    exit: EXIT.failed,
    text: (p: { problem: string }) => ({
      what: `a record that was to be written is not what the ledger holds: ${p.problem}`,
      state: 'nothing was recorded',
      next: 'npx sluice status, and please report this with the command that you typed',
    }),
  },
  LEDGER_BATCH_UNKNOWN: {
    exit: EXIT.failed,
    text: (p: { path: string }) => ({
      what: `the ledger has no batch ${p.path}`,
      state: 'nothing was changed',
      next: 'run the same command again: it reads the ledger anew',
    }),
  },

  // ── board ───────────────────────────────────────────────────────────────────────────────────────────
  BOARD_PORT_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { port: number }) => ({
      what: `the board cannot listen on port ${p.port} of this machine: it is taken, or not allowed`,
      state: 'nothing was changed, and no board runs',
      next: 'npx nx board (without --port it finds a free one by itself)',
    }),
  },

  // ── report: notifications ───────────────────────────────────────────────────────────────────────────
  NOTIFICATION_ADDRESS: {
    exit: EXIT.badInput,
    text: (p: { channel: string; variable: string }) => ({
      what: `${p.channel} has no address: ${p.variable} is not set, or is no URL`,
      state: 'what was to be told happened all the same; nobody was told through this channel',
      next: `set ${p.variable} where this runs (a secret of the environment), or take the entry out of nx.json`,
    }),
  },
  NOTIFICATION_REFUSED: {
    exit: EXIT.failed,
    text: (p: { channel: string; answer: string }) => ({
      what: `${p.channel} did not take the notification: ${p.answer}`,
      state: 'what was to be told happened all the same; nobody was told through this channel',
      next: 'check the address in the variable that the entry of "notifications" in nx.json names (webhookEnv, smtpEnv), and whether it still takes messages',
    }),
  },

  // ── deployment: plan, hosts, rollback of services ───────────────────────────────────────────────────
  SERVICE_NO_HOSTS: {
    exit: EXIT.badInput,
    text: (p: { stage: string }) => ({
      what: `the stage "${p.stage}" names no hosts, so there is nothing to deploy to`,
      state: 'nothing was changed',
      next: `add hosts to services.stages "${p.stage}" in nx.json, for instance ["deploy@www1.example.com"]`,
    }),
  },
  TAG_INSTEAD_OF_DIGEST: {
    exit: EXIT.badInput,
    text: (p: { project: string; stage: string; said: string }) => ({
      what: `"${p.said}" is a tag, which may name another image tomorrow; what is deployed is named by its version (sha-0123456789ab) or its digest (sha256:...)`,
      state: 'nothing was changed',
      next: `leave it out (what was promoted to ${p.stage} is deployed), or npx nx status (shows the versions)`,
    }),
  },
  DIGEST_NOT_PROMOTED: {
    exit: EXIT.failed,
    text: (p: { project: string; stage: string; promote: string; version?: string | undefined }) => ({
      what: `${p.version ? `${p.project} ${p.version}` : p.project} was not promoted to ${p.stage}${p.version ? ', or is held' : ', or all that was is held'}, so it is not deployed there`,
      state: 'nothing was changed',
      next: `npx nx run ${p.project}:${p.promote}:${p.stage}`,
    }),
  },
  VARIABLE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { project: string; stage: string; names: string[] }) => ({
      what: `${p.project} in ${p.stage} needs values that are not there: ${p.names.join(', ')}`,
      state: 'nothing was changed',
      next: `set ${p.names.join(', ')} in the environment, or name a file that has them: --env-file=<file>`,
    }),
  },
  ENV_FILE_UNREADABLE: {
    exit: EXIT.badInput,
    text: (p: { file: string; why: string }) => ({
      what: `the file of --env-file, ${p.file}, cannot be read (${p.why})`,
      state: 'nothing was changed',
      next: 'name a file of NAME=value lines, relative to the workspace',
    }),
  },
  CANARY_INVALID: {
    exit: EXIT.badInput,
    text: (p: { said: string }) => ({
      what: `"${p.said}" is no share of requests for a canary`,
      state: 'nothing was changed',
      next: 'give a whole number from 1 to 99: --canary=10%',
    }),
  },
  CANARY_WITHOUT_PROXY: {
    exit: EXIT.badInput,
    text: (p: { stage: string; project: string }) => ({
      what: `a canary shares requests at the proxy, and ${p.project} has none in ${p.stage}`,
      state: 'nothing was changed',
      next: 'deploy without --canary, or give the stage "proxy": "caddy" and the service an entry under "http"',
    }),
  },
  OTHER_RELEASE_SERVES: {
    exit: EXIT.failed,
    text: (p: { host: string; wanted: string; serving: string }) => ({
      what: `after the switch ${p.serving} serves on ${p.host}, not ${p.wanted}`,
      state: 'the switch is being taken back',
      next: 'look who else changes the proxy of this host, then run the same command again',
    }),
  },
  OTHER_DIGEST_RUNS: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; wanted: string; found: string }) => ({
      what: `${p.service} on ${p.host} runs ${p.found}, not the image ${p.wanted}`,
      state: 'the switch is being taken back',
      next: 'npx nx status (shows which digest was promoted), then run the same command again',
    }),
  },
  SICK_FROM_OUTSIDE: {
    exit: EXIT.failed,
    text: (p: { host: string; url: string; answer: string }) => ({
      what: `${p.url} (${p.host}) answered as it should before the switch, and gives ${p.answer === 'none' ? 'no answer' : 'a wrong answer'} since`,
      state: 'the switch is being taken back',
      next: 'correct the service, then promote and deploy it again',
    }),
  },
  DEPLOY_STOPPED: {
    exit: EXIT.failed,
    text: (p: { project: string; stage: string; step: string }) => ({
      what: `${p.project} in ${p.stage}: stopped on request during "${p.step}"`,
      state: 'what had been done is being taken back',
      next: 'npx nx status (shows what serves), then run the same command again',
    }),
  },
  DEPLOY_TOGETHER: {
    exit: EXIT.failed,
    text: (p: { project: string; stage: string; by: string }) => ({
      what: `${p.project} was not deployed to ${p.stage}, because ${p.by} failed`,
      state: 'what had been done is being taken back',
      next: `correct ${p.by}, then run the same command again`,
    }),
  },
  DEPLOY_NOT_RECORDED: {
    exit: EXIT.failed,
    text: (p: { project: string; stage: string; release: string; why: string }) => ({
      what: `${p.project} ${p.release} serves in ${p.stage}, but the ledger could not be written: ${p.why}`,
      state: 'the release serves on all hosts; the record is missing',
      next: 'the same command again records it',
    }),
  },
  RELEASE_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { project: string; stage: string; said: string; has: string[] }) => ({
      what: `${p.project} has no release "${p.said}" in ${p.stage}. There are: ${p.has.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: 'name one of these with --to (a release, a version sha-..., or a digest)',
    }),
  },
  RELEASE_GONE: {
    exit: EXIT.failed,
    text: (p: { project: string; release: string; host: string; what: string; next: string }) => ({
      what: `${p.project} cannot go back to ${p.release}: ${p.what} is gone from ${p.host}`,
      state: 'what serves was not changed',
      next: p.next,
    }),
  },
  RELEASE_NONE_BEFORE: {
    exit: EXIT.failed,
    text: (p: { project: string; stage: string; releases: string }) => ({
      what: `${p.project} has no release in ${p.stage} that it could go back to`,
      state: 'nothing was changed',
      next: `npx nx run ${p.project}:${p.releases}:${p.stage} (lists what is there)`,
    }),
  },
  ROLLBACK_ACROSS_CONTRACT: {
    exit: EXIT.failed,
    text: (p: { project: string; release: string; migrations: string[]; backup: string | undefined }) => ({
      what: `between ${p.release} and what serves lie migrations that take something away: ${p.migrations.join(', ')}; ${p.release} may not work with the database as it is`,
      state: 'nothing was changed',
      next: `put the database back too: --restore-database${p.backup ? `=${p.backup}` : ''} --confirm=${p.project} (what was written since is lost), or say that it works: --across-contract`,
    }),
  },
  CONFIRM_MISSING: {
    exit: EXIT.badInput,
    text: (p: { project: string; said: string | undefined }) => ({
      what: `a restore puts the database back to an older state, and needs --confirm=${p.project}${p.said === undefined ? '' : ` (it was "${p.said}")`}`,
      state: 'nothing was changed',
      next: `add --confirm=${p.project} if what was written since the backup may be lost`,
    }),
  },
  BACKUP_UNKNOWN: {
    exit: EXIT.failed,
    text: (p: { project: string; host: string; said: string; has: string[] }) => ({
      what: `${p.host} has no verified backup${p.said === '' ? ` of ${p.project} from before what serves` : ` "${p.said}"`}. There are: ${p.has.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: 'name one of these: --restore-database=<file>',
    }),
  },

  // ── host: databases and backups ─────────────────────────────────────────────────────────────────────
  DATABASE_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; name: string; said: string }) => ({
      what: `the database ${p.name} of ${p.service} on ${p.host} does not answer: ${p.said}`,
      state: 'this step changed nothing',
      next: `see on the host why its container does not serve (docker ps, docker logs), check the user and the password in sluice.json and the environment, then run the same command again`,
    }),
  },
  DATABASE_RIGHTS_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string; service: string; user: string; said: string }) => ({
      what: `${p.user} may not make a database beside its own in ${p.service} on ${p.host}, which checking a dump and restoring need: ${p.said}`,
      state: 'the databases are as they were',
      next: 'name a user in sluice.json ("databases") that may create and drop databases, or give this one the right',
    }),
  },
  DUMP_TOOL_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string; service: string; tool: string }) => ({
      what: `the container of ${p.service} on ${p.host} has no ${p.tool}`,
      state: 'this step changed nothing',
      next: "use the database's official image, which holds its tools, or take the database out of sluice.json (it is then not backed up)",
    }),
  },
  DUMP_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; name: string; said: string }) => ({
      what: `the dump of ${p.name} in ${p.service} on ${p.host} failed: ${p.said}`,
      state: 'nothing of this backup was kept; the backups before it are untouched',
      next: 'mend what the message names, then run the same command again',
    }),
  },
  BACKUP_INVALID: {
    exit: EXIT.failed,
    text: (p: { host: string; file: string; said: string }) => ({
      what: `a backup on ${p.host} cannot be relied on (${p.file}): ${p.said}`,
      state: 'the databases are as they were; no unverified backup counts',
      next: 'mend what the message names and run the same command again; to restore, name another file (they are listed by: npx nx run <project>:releases:<stage>)',
    }),
  },
  BACKUP_DISK_FULL: {
    exit: EXIT.failed,
    text: (p: { host: string; folder: string; free: string }) => ({
      what: `the disk of ${p.host} is full: ${p.free} MB are left in ${p.folder}`,
      state: 'nothing of this backup or restore was kept; the databases are as they were',
      next: 'make room there (what takes it: docker system df; older backups may go too), then run the same command again',
    }),
  },
  BACKUP_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string; release: string; folder: string }) => ({
      what: `${p.folder} on ${p.host} has no verified backup from the time when release ${p.release || '(none)'} was replaced`,
      state: 'nothing was changed',
      next: 'name a file: --restore-database=<file> (they are listed by: npx nx run <project>:releases:<stage>)',
    }),
  },
  RESTORE_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; file: string; database: string; said: string; where: string }) => ({
      what: `${p.database} on ${p.host} was not restored from ${p.file}: ${p.said}`,
      state: p.where,
      next: 'mend what the message names, then run the same command again, or name another file',
    }),
  },
  RESTORE_SWAP_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; where: string; folder: string }) => ({
      what: `a restore on ${p.host} was cut off while databases or volumes changed places, and could not be brought to an end`,
      state: `nothing was dropped: ${p.where}`,
      next: `run the same command again, which first ends what was begun (it is written down in ${p.folder} there)`,
    }),
  },

  // ── service/compose: what of a compose file can run on a host ───────────────────────────────────────
  COMPOSE_FILE_INVALID: {
    exit: EXIT.badInput,
    text: (p: { project: string; problems: string[] }) => ({
      what: `the compose file of ${p.project} cannot be deployed:\n${p.problems.map((l) => `    ${l}`).join('\n')}`,
      state: 'nothing was changed',
      next: `correct it, then build and promote anew: npx nx run ${p.project}:build`,
    }),
  },
  COMPOSE_SERVICE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { project: string; missing: string[]; services: string[] }) => ({
      what: `the compose file of ${p.project} has no service ${p.missing.join(', ')}, which sluice.json speaks of. There are: ${p.services.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: `correct the compose file or sluice.json, then build and promote anew: npx nx run ${p.project}:build`,
    }),
  },
  COMPOSE_CONTAINER_NAME: {
    exit: EXIT.badInput,
    text: (p: { project: string; services: string[] }) => ({
      what: `in the compose file of ${p.project}, container_name (of ${p.services.join(', ')}) forbids that two releases run side by side`,
      state: 'nothing was changed',
      next: `remove container_name, or give the stage "proxy": "none" (which stops the old release first); then npx nx run ${p.project}:build`,
    }),
  },
  COMPOSE_FIXED_PORT: {
    exit: EXIT.badInput,
    text: (p: { project: string; found: string[] }) => ({
      what: `in the compose file of ${p.project}, fixed ports of the host forbid that two releases run side by side:\n${p.found.map((l) => `    ${l}`).join('\n')}`,
      state: 'nothing was changed',
      next: `let the proxy serve it ("http" in sluice.json), or give the stage "proxy": "none" (which stops the old release first); then npx nx run ${p.project}:build`,
    }),
  },

  // ── host: releases and the proxy ────────────────────────────────────────────────────────────────────
  PROXY_FOREIGN: {
    exit: EXIT.failed,
    text: (p: { host: string; container: string; owner: string }) => ({
      what: `the container ${p.container} of ${p.host} is not the proxy of this folder (it belongs to ${p.owner || 'somebody else'})`,
      state: 'what serves was not changed',
      next: `give all stages of this host the same "folder" and user in nx.json; where the container is nobody's any more: docker rm -f ${p.container}`,
    }),
  },
  PROXY_PORTS: {
    exit: EXIT.badInput,
    text: (p: { host: string; has: string; wants: string }) => ({
      what: `the proxy of ${p.host} listens on the ports ${p.has} (http, https), and this stage wants ${p.wants}`,
      state: 'what serves was not changed',
      next: 'give all stages of this host the same "ports" in nx.json; to change them for all, on the host: docker rm -f sluice-proxy (then deploy again; requests fail in between)',
    }),
  },
  PROXY_DOWN: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string }) => ({
      what: `the proxy of ${p.host} does not answer: ${p.said}`,
      state: 'it was started again where that was possible; what it serves is kept on the disk',
      next: 'on the host: docker logs sluice-proxy (tells more), then run the same command again',
    }),
  },
  PROXY_REFUSED: {
    exit: EXIT.failed,
    text: (p: { host: string; status: string; said: string }) => ({
      what: `the proxy of ${p.host} did not take its new configuration (${p.status}): ${p.said}`,
      state: 'it goes on with the configuration that it had',
      next: 'check the hostnames and paths in sluice.json, then run the same command again',
    }),
  },
  PROXY_BUSY: {
    exit: EXIT.failed,
    text: (p: { host: string }) => ({
      what: `the proxy of ${p.host} was changed by others again and again while this service wanted to`,
      state: 'it goes on with the configuration that it had',
      next: 'run the same command again',
    }),
  },
  MAINTENANCE_WITHOUT_PROXY: {
    exit: EXIT.badInput,
    text: (p: { host: string; service: string; environment: string }) => ({
      what: `${p.service} in ${p.environment} has no route at the proxy of ${p.host}, so no page can stand there`,
      state: 'nothing was changed',
      next: 'deploy it first, in a stage with "proxy": "caddy" and with an entry under "http" in sluice.json',
    }),
  },
  RELEASE_FOLDER_GONE: {
    exit: EXIT.failed,
    text: (p: { host: string; release: string; file: string }) => ({
      what: `${p.host} has no ${p.file} of release ${p.release}`,
      state: 'what serves was not changed',
      next: 'deploy its version anew (npx nx run <project>:deploy-vps:<stage> -- --version=<version>), which makes a new release of it',
    }),
  },
  ACCESSORY_UNHEALTHY: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; found: string }) => ({
      what: `${p.service}, which the service needs, is not ready on ${p.host}: ${p.found}`,
      state: 'no container of the new release was started',
      next: 'the lines above are its log; mend what they say, then run the same command again',
    }),
  },
  ACCESSORIES_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string }) => ({
      what: `what the service needs (databases, caches) could not be started on ${p.host}: ${p.said}`,
      state: 'no container of the new release was started',
      next: 'mend what compose says there, then run the same command again',
    }),
  },
  PULL_REFUSED: {
    exit: EXIT.failed,
    text: (p: { host: string; image: string; said: string }) => ({
      what: `${p.host} may not pull ${p.image}: ${p.said}`,
      state: 'no container of the new release was started',
      next: "check that the stage's token may read this image, and has not expired; then run the same command again",
    }),
  },
  PULL_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; image: string; said: string }) => ({
      what: `${p.host} could not pull ${p.image}: ${p.said}`,
      state: 'no container of the new release was started',
      next: 'check from the host that the registry answers and has this digest, then run the same command again',
    }),
  },
  HOST_DISK_FULL: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string }) => ({
      what: `the disk of ${p.host} is full: ${p.said}`,
      state: 'no container of the new release was started',
      next: 'make room there (what takes it: docker system df), then run the same command again',
    }),
  },
  MIGRATION_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; code: string; said: string }) => ({
      what: `the migrations (${p.service} on ${p.host}) ended with exit code ${p.code}: ${p.said}`,
      state:
        'the new release was not started; what the migrations did before they failed stands in the database',
      next: 'the lines above are their output; mend the migration, build, and deploy again (the backup of this run is kept)',
    }),
  },
  START_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; release: string; said: string }) => ({
      what: `compose could not start release ${p.release} on ${p.host}: ${p.said}`,
      state: 'the release before serves, or is started again',
      next: 'mend what compose says, then run the same command again',
    }),
  },
  CONTAINER_UNHEALTHY: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; found: string }) => ({
      what: `${p.service} is not healthy on ${p.host}: ${p.found}`,
      state: 'the release before serves, or is put back',
      next: 'the lines above are its log; mend what they say, build, and deploy again',
    }),
  },
  CRASH_LOOP: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; found: string }) => ({
      what: `${p.service} does not stay up on ${p.host}: ${p.found}`,
      state: 'the release before serves, or is put back',
      next: 'the lines above are its log; mend what they say, build, and deploy again',
    }),
  },
  PROBE_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; service: string; path: string; got: string; wanted: string }) => ({
      what:
        p.got === '404'
          ? `${p.service} on ${p.host} has no ${p.path}: it answers 404, where ${p.wanted} is expected`
          : `${p.service} on ${p.host} answered ${p.path} with ${p.got}, where ${p.wanted} is expected`,
      state: 'the release before serves, or is put back',
      next:
        p.got === '404'
          ? 'correct "health.path" in sluice.json (or serve that path), build, and deploy again'
          : 'the lines above are its log; mend what they say, build, and deploy again',
    }),
  },

  // ── host: ssh, sessions, phases ─────────────────────────────────────────────────────────────────────
  HOST_NAME_INVALID: {
    exit: EXIT.badInput,
    text: (p: { host: string }) => ({
      what: `"${p.host}" is not the address of a host (user@host, user@host:port, ssh://user@host:port, or a Host of ssh's config)`,
      state: 'nothing was changed',
      next: 'correct the stage\'s "hosts" in nx.json',
    }),
  },
  SSH_MISSING: {
    exit: EXIT.badInput,
    text: (_: object) => ({
      what: 'there is no `ssh` on this machine',
      state: 'nothing was changed',
      next: "install OpenSSH's client (openssh-client), then run the same command again",
    }),
  },
  SSH_CONFIG_INVALID: {
    exit: EXIT.badInput,
    text: (p: { host: string; said: string }) => ({
      what: `ssh cannot use its configuration for ${p.host}: ${p.said}`,
      state: 'nothing was changed on this host',
      next: `ssh -G ${p.host} (it must print settings, and no error)`,
    }),
  },
  HOST_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string; command: string }) => ({
      what: `${p.host} cannot be reached${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing was changed on this host by this attempt',
      next: `${p.command} (it must log in without asking anything), then run the same command again`,
    }),
  },
  HOST_KEY_UNKNOWN: {
    exit: EXIT.badInput,
    text: (p: { host: string; command: string }) => ({
      what: `${p.host} shows a host key that this machine does not know, so it could be any machine`,
      state: 'nothing was sent to this host',
      next: `${p.command} (compare the fingerprint with the host's own before you type yes)`,
    }),
  },
  HOST_KEY_CHANGED: {
    exit: EXIT.badInput,
    text: (p: { host: string; known: string }) => ({
      what: `${p.host} shows another host key than the one that this machine knows: it was installed anew, or somebody is in between`,
      state: 'nothing was sent to this host',
      next: `find out why; where the change is right: ssh-keygen -R ${p.known}, then log in once and compare the fingerprint`,
    }),
  },
  HOST_REFUSED_KEY: {
    exit: EXIT.badInput,
    text: (p: { host: string; to: string; command: string; said: string }) => ({
      what: `${p.host} lets none of this machine's ssh keys in: ${p.said}`,
      state: 'nothing was changed on this host',
      next: `ssh-copy-id ${p.to} (or give the agent the right key: ssh-add <private key>); ${p.command} must log in without asking anything`,
    }),
  },
  HOST_WITHOUT_SHELL: {
    exit: EXIT.failed,
    text: (p: { host: string; code: number; said: string; command: string }) => ({
      what: `${p.host} let us in, but ran no sh (exit code ${p.code})${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing was changed on this host',
      next: `${p.command} sh -c true (it must end at once with exit code 0: the account needs a login shell that runs commands)`,
    }),
  },
  CONNECTION_LOST: {
    exit: EXIT.failed,
    text: (p: { host: string; phase: string; said: string }) => ({
      what: `the connection to ${p.host} was lost during "${p.phase}"${p.said === '' ? '' : `: ${p.said}`}`,
      state:
        'the host goes on by itself: it puts the release before back when the lease of its lock is over and nobody came back',
      next: 'run the same command again: it asks the host what is true first',
    }),
  },
  PHASE_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; phase: string; code: number; said: string }) => ({
      what: `"${p.phase}" failed on ${p.host} with exit code ${p.code}${p.said === '' ? '' : `:\n${p.said}`}`,
      state: 'what was done on this host before is undone by the deployment',
      next: "the lines above are the host's own; mend what they say, then run the same command again",
    }),
  },
  PHASE_TIMED_OUT: {
    exit: EXIT.failed,
    text: (p: { host: string; phase: string; ms: number }) => ({
      what: `"${p.phase}" did not end on ${p.host} within ${p.ms} ms, and was ended with all that it had started`,
      state: 'what was done on this host before is undone by the deployment',
      next: "look at the host's load and logs, then run the same command again",
    }),
  },
  LOCK_HELD: {
    exit: EXIT.failed,
    text: (p: { host: string; owner: string; run: string; age: string; ttl: string }) => ({
      what: `${p.host} is locked by run ${p.run} of ${p.owner} (last heartbeat ${p.age} s ago)`,
      state: 'nothing was changed by this run',
      next: `wait for that run; if it is dead, the host puts itself back ${p.ttl} s after its last heartbeat, and the same command works again`,
    }),
  },
  LOCK_LOST: {
    exit: EXIT.failed,
    text: (p: { host: string; run: string }) => ({
      what: `run ${p.run} does not hold the lock of ${p.host} any more: its heartbeat was away for longer than the lease`,
      state: 'the host has put itself back to the release before, or is doing so',
      next: 'run the same command again: it waits for that, and begins anew',
    }),
  },
  GUARDIAN_MISSING: {
    exit: EXIT.failed,
    text: (p: { host: string; said: string }) => ({
      what: `${p.host} did not start the guardian of the lock${p.said === '' ? '' : `: ${p.said}`}`,
      state: 'nothing was deployed; the lock is given up when its lease is over',
      next: 'look whether the host is out of memory, processes or disk, then run the same command again',
    }),
  },
  UNDO_FAILED: {
    exit: EXIT.failed,
    text: (p: { host: string; run: string; current: string }) => ({
      what: `${p.host} could not be put back after run ${p.run}, whose lease is over (the lines above say why)`,
      state: `it should serve ${p.current === '' ? 'nothing (there was no release before)' : `release ${p.current}`}, and may not; nothing else was begun`,
      next: 'mend what the host says, then run the same command again: it puts the host back first',
    }),
  },
  ENGINE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string }) => ({
      what: `${p.host} has neither docker nor podman`,
      state: 'nothing was changed on this host',
      next: 'install docker (or podman) and its compose there, then run the same command again',
    }),
  },
  ENGINE_UNREACHABLE: {
    exit: EXIT.failed,
    text: (p: { host: string; engine: string; user: string; said: string }) => ({
      what: `${p.engine} does not answer to ${p.user} on ${p.host}: ${p.said}`,
      state: 'nothing was changed by this step',
      next: `start ${p.engine}, or let ${p.user} use it (usermod -aG ${p.engine} ${p.user}, or a rule for sudo without a password); "${p.engine} info" must work there`,
    }),
  },
  COMPOSE_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string; engine: string }) => ({
      what: `${p.host} has ${p.engine}, and no compose for it`,
      state: 'nothing was changed on this host',
      next: `install ${p.engine === 'podman' ? 'podman-compose or docker-compose' : "docker's compose plugin, or docker-compose"} there`,
    }),
  },
  PODMAN_SOCKET_OFF: {
    exit: EXIT.badInput,
    text: (p: { host: string; socket: string }) => ({
      what: `${p.host} has Podman and docker-compose, which talk over a socket, and nothing listens on ${p.socket}`,
      state: 'nothing was changed on this host',
      next: 'there: systemctl --user enable --now podman.socket (as root without --user), or install podman-compose',
    }),
  },
  PODMAN_WITHOUT_NAMES: {
    exit: EXIT.badInput,
    text: (p: { host: string }) => ({
      what: `Podman on ${p.host} gives containers no names in their networks, so the proxy cannot find a service`,
      state: 'nothing was started on this host; nothing serves as before',
      next: 'install netavark and aardvark-dns there (or, with CNI, its dnsname plugin), and podman system reset where containers were made before; or say "proxy": "none"',
    }),
  },
  COMPOSE_TOO_OLD: {
    exit: EXIT.badInput,
    text: (p: { host: string; found: string; need: string }) => ({
      what: `${p.host} has compose ${p.found}; ${p.need} or newer is needed`,
      state: 'nothing was changed on this host',
      next: 'update compose there, then run the same command again',
    }),
  },
  COMPOSE_INVALID: {
    exit: EXIT.badInput,
    text: (p: { host: string; said: string }) => ({
      what: `compose on ${p.host} does not take the service's compose file: ${p.said}`,
      state: 'nothing was changed on this host',
      next: 'correct the compose file, and build anew',
    }),
  },
  DISK_TOO_SMALL: {
    exit: EXIT.failed,
    text: (p: { host: string; folder: string; free: string; need: string }) => ({
      what: `${p.host} has ${p.free} MB free in ${p.folder}, and image and backup need ${p.need} MB`,
      state: 'nothing was changed on this host',
      next: 'make room there (what takes it: docker system df), then run the same command again',
    }),
  },
  PORT_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { host: string; port: string; by: string }) => ({
      what: `port ${p.port} of ${p.host} is taken by ${p.by}`,
      state: 'nothing was changed on this host',
      next: `stop it, or give the stage other "ports" in nx.json`,
    }),
  },
  TOOL_MISSING: {
    exit: EXIT.badInput,
    text: (p: { host: string; tool: string }) => ({
      what: `${p.host} lacks the program ${p.tool}`,
      state: 'nothing was changed on this host',
      next: `install ${p.tool} there, then run the same command again`,
    }),
  },
  CLOCK_SKEW: {
    exit: EXIT.failed,
    text: (p: { host: string; ms: number; limit: number }) => ({
      what: `the clocks of ${p.host} and of this machine differ by ${p.ms} ms (${p.limit} are allowed)`,
      state: 'nothing was changed on this host',
      next: 'set both clocks (timedatectl set-ntp true), then run the same command again',
    }),
  },
  VALUE_WITH_NUL: {
    exit: EXIT.badInput,
    text: (p: { name: string }) => ({
      what: `the value ${p.name} holds a NUL character, which no program can be given`,
      state: 'nothing was changed',
      next: 'correct the value where it is set',
    }),
  },

  // ── versioning: the four tools, and `sluice release` ───────────────────────────────────────────────
  RELEASE_DIRTY: {
    exit: EXIT.badInput,
    text: (p: { files: string[] }) => ({
      what: `the work tree has changes that are in no commit, and a release makes one: ${p.files.slice(0, 5).join(', ')}${p.files.length > 5 ? ', ...' : ''}`,
      state: 'nothing was changed',
      next: 'git add . && git commit -m "...", or git stash --include-untracked; then run the same command again',
    }),
  },
  VERSIONING_TOOL_MISSING: {
    exit: EXIT.badInput,
    text: (p: { tool: string; module: string }) => ({
      what: `nx.json says "versioning": "${p.tool}", and ${p.module} is not installed`,
      state: 'nothing was changed',
      next: `npx nx g @sluice/nx:versioning ${p.tool} (installs what it needs; nothing is lost of the history)`,
    }),
  },
  VERSIONING_FAILED: {
    exit: EXIT.failed,
    text: (p: { tool: string; said: string; command: string }) => ({
      what: `${p.tool} did not get to the next versions: ${p.said}`,
      state: 'nothing was published or tagged, and the work tree is as it was',
      next: p.command,
    }),
  },
  VERSIONS_DISAGREE: {
    exit: EXIT.badInput,
    text: (p: {
      name: string;
      disk: string;
      tag: string;
      stage: string;
      registry: string;
      right: string;
      /** The tag, where nothing else says that the version was ever published. */
      unproved?: string | undefined;
    }) => ({
      what: `the version of ${p.name} is ${p.disk} in package.json, ${p.tag} by its git tags, and ${p.registry} in ${p.stage}`,
      state: 'nothing was changed',
      next: `${p.right} is right, for a tag and a record are made only when a version is proved to be there: npm version ${p.right} --no-git-tag-version --workspace ${p.name}, commit, then run the same command again${p.unproved ? ` (${p.stage} has no record of it: where ${p.right} was never published anywhere, the tag is wrong: git tag --delete ${p.unproved})` : ''}`,
    }),
  },
  VERSION_TAKEN: {
    exit: EXIT.badInput,
    text: (p: { name: string; version: string; stage: string; tool: string }) => ({
      what: `${p.tool} would release ${p.name}@${p.version}, and ${p.stage} holds a version of that name already`,
      state: 'nothing was changed',
      next: 'git fetch --tags (the tag of that release is missing here), then run the same command again; where it was never tagged: npx nx run-many -t publish-registry --gitTag (on the commit that it was published from)',
    }),
  },
  TAG_FORMAT: {
    exit: EXIT.badInput,
    text: (p: { name: string; format: string; wanted: string }) => ({
      what: `semantic-release would tag ${p.name} as ${p.format}, and everything else here reads and makes tags like ${p.wanted}`,
      state: 'nothing was changed',
      next: `set "tagFormat": "${p.wanted}" in the package's .releaserc.json (or let it be written: npx nx g @sluice/nx:versioning semantic-release)`,
    }),
  },
  NOT_IN_A_PACKAGE: {
    exit: EXIT.badInput,
    text: (p: { folder: string; known: string[] }) => ({
      what: `${p.folder} belongs to no package that can be published. There are: ${p.known.join(', ') || 'none'}`,
      state: 'nothing was changed',
      next: 'cd into the folder of a package, or release all that changed: npx sluice release',
    }),
  },
  VERSION_BACKWARDS: {
    exit: EXIT.badInput,
    text: (p: { tool: string; name: string; from: string; to: string; tag: string }) => ({
      what: `${p.tool} would release ${p.name} ${p.to}, and package.json is at ${p.from}: it counts from tags, and there is none of ${p.from}`,
      state: 'nothing was changed',
      next: `npx sluice release --first-release (publishes ${p.from} as it stands, and tags it); where ${p.from} was released before: git tag ${p.tag} <its commit>`,
    }),
  },
  VERSIONING_PENDING: {
    exit: EXIT.badInput,
    text: (p: { tool: string; files: string[] }) => ({
      what: `${p.tool} has been told of changes that are not released yet, and the next tool would not read of them: ${p.files.join(', ')}`,
      state: 'nothing was changed',
      next: 'release them first: npx sluice release (with changesets in pre mode, before that: npx changeset pre exit), then run the same command again',
    }),
  },
  CHANGESET_STRAY: {
    exit: EXIT.badInput,
    text: (p: { file: string; name: string; known: string[] }) => ({
      what: `${p.file} is about ${p.name}, and no package of this workspace has that name. There are: ${p.known.join(', ')}`,
      state: 'nothing was changed',
      next: `correct the name in ${p.file}, or delete that line where the package is gone`,
    }),
  },
  PRERELEASE_ELSEWHERE: {
    exit: EXIT.badInput,
    text: (p: { tool: string; preid: string; why: string; next: string }) => ({
      what: `${p.tool} cannot make a prerelease "${p.preid}" here: ${p.why}`,
      state: 'nothing was changed',
      next: p.next,
    }),
  },
  LOCK_FILE_STALE: {
    exit: EXIT.failed,
    text: (p: { file: string; command: string; said: string }) => ({
      what: `${p.file} could not be brought in step with the new versions: ${p.said}`,
      state: 'nothing was published or tagged, and the work tree is as it was',
      next: `${p.command} (and see why it fails), then run the same command again`,
    }),
  },

  // ── deployment: smoke tests ─────────────────────────────────────────────────────────────────────────
  SMOKE_NOT_CONFIGURED: {
    exit: EXIT.badInput,
    text: (p: { project: string }) => ({
      what: `sluice.json of ${p.project} says no smoke test`,
      state: 'nothing was started',
      next: 'add "smoke": { "checks": [...] } to it, build and promote again (docs/guide/services.md)',
    }),
  },
  SMOKE_FAILED: {
    exit: EXIT.failed,
    text: (p: { project: string; version: string; why: string; logs: string; tail: string[] }) => ({
      what: `${p.project} ${p.version} does not pass its smoke test: ${p.why}${p.tail.map((line) => `\n    ${line}`).join('')}`,
      state: `everything that was started is gone again; the containers' logs are in ${p.logs}`,
      next: 'read the logs; a corrected version goes the same way: build, publish-registry, promote',
    }),
  },
});

function refusedNext({ status, right }: { status: number; right: string }): string {
  if (status === 401) return 'the token is not valid (any more): set GITHUB_TOKEN or GH_TOKEN anew';
  const needed = right === '' ? 'the right that this takes' : `the right that this takes (${right})`;
  if (status === 403 || status === 404)
    return `give the token ${needed}: in a workflow under "permissions:" of the job, else in the settings of the token; see that the name is right`;
  return "correct what GitHub's answer names, then run the same command again";
}
