import type { Patient } from '../patient.ts';
import { given, NotChecked, ok, problem, warning } from '../findings.ts';
import type { Check } from '../types.ts';

/** The branch that holds all records. */
export function ledgerChecks(patient: Patient): Check[] {
  const { context } = patient;
  const { branch, remote } = context.options.ledger;
  if (context.profile === 'local')
    return [
      {
        room: 'repository',
        title: 'ledger',
        run: async () => ok('of this machine alone, in .sluice/local; it is never pushed'),
      },
    ];
  let asked: Promise<string | undefined> | undefined;
  const head = () => (asked ??= patient.reading().then((reading) => reading.head(branch)));
  return [
    {
      room: 'repository',
      title: 'ledger readable',
      run: async () => {
        const at = await head();
        return at
          ? ok(`${branch} of ${remote} is at ${at.slice(0, 12)}`)
          : ok(`${remote} has no ${branch} yet; the first record makes it`);
      },
    },
    {
      room: 'repository',
      title: 'ledger pushable',
      run: async () => {
        const reading = await patient.reading();
        const at = await given(head(), 'the ledger cannot be read');
        if (at) await reading.bring(at);
        const commit = at ?? (await context.repository.head());
        if (!commit) throw new NotChecked('there is no commit yet');
        const { code, said } = await reading.tryPush(commit, branch);
        if (code === 0)
          return ok(
            `${remote} takes a push to ${branch} (a dry run: rules for the branch are not tried by it)`,
          );
        return problem(
          `${remote} does not take a push to ${branch}: ${said}`,
          context.env['GITHUB_ACTIONS'] === 'true'
            ? 'give the job "permissions: contents: write" (npx nx sync writes the workflows so)'
            : `git push --dry-run ${remote} HEAD:refs/heads/${branch}-try (with credentials that may write)`,
          'LEDGER_REFUSED',
        );
      },
    },
    {
      room: 'repository',
      title: 'ledger grown',
      run: async () => {
        const reading = await patient.reading();
        const at = await given(head(), 'the ledger cannot be read');
        const seen = await seenHere(patient);
        if (seen === undefined) return ok('this clone has not read it before');
        if (at !== undefined) await reading.bring(at);
        if (at !== undefined && (await reading.isAncestor(seen, at)))
          return ok('it contains everything that this clone has seen of it');
        return problem(
          `${branch} of ${remote} has lost records that this clone has seen (${seen.slice(0, 12)}): its history was rewritten`,
          `git log ${seen.slice(0, 12)} (they are still here; npx sluice verify says what is missing)`,
          'LEDGER_REWRITTEN',
        );
      },
    },
  ];
}

/** The ledger's head when this clone last read it. */
async function seenHere({ context }: Patient): Promise<string | undefined> {
  const ref = `refs/sluice/seen/${context.options.ledger.branch}`;
  const { code, stdout } = await context.repository.call(['rev-parse', '--verify', '--quiet', ref]);
  return code === 0 ? stdout.trim() : undefined;
}

/** Gates ask who wrote what is promoted, and whether it is on the default branch: that stands in the history. */
export function historyCheck({ context }: Patient): Check {
  return {
    room: 'repository',
    title: 'whole history',
    run: async () => {
      if (await context.repository.isShallow())
        return problem(
          'this clone is shallow: who wrote what, and since when, is not in it',
          context.env['GITHUB_ACTIONS'] === 'true'
            ? 'give actions/checkout "fetch-depth: 0"'
            : `git fetch --unshallow ${context.options.ledger.remote}`,
          'GIT_SHALLOW',
        );
      return (await context.repository.isDirty())
        ? warning(
            'there are changes that are not committed; the live profile does not publish a project that has some',
            'git status',
          )
        : ok('the clone is complete, and nothing is uncommitted');
    },
  };
}
