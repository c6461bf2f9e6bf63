/** Names of targets, as they are unless the option `targets` says otherwise. */
const TARGETS = { build: 'build', promote: 'promote', releases: 'releases' };

/** Where a whole sentence is a parameter: one that is really said. */
const SENTENCES: Record<string, Record<string, unknown>> = {
  FIRST_STAGE: { publish: 'publish-registry' },
  PREDECESSOR_EMPTY: { publish: 'npx nx run <project>:publish-registry' },
  GATE_CLOSED: { next: ['npx nx approve -c <stage>', 'wait until <time>'] },
  TRUSTED_TOKEN_CANNOT: { action: 'move dist-tags', byHand: 'npm dist-tag add <name>@<version> <tag>' },
  RELEASE_GONE: {
    what: 'its image',
    next: 'npx nx run <project>:deploy-vps:<stage> -- --version=<version> (deploys the same image anew)',
  },
  RESTORE_FAILED: { where: 'everything is as before' },
  VERSIONING_FAILED: { command: 'npx sluice release --dry-run' },
  PRERELEASE_ELSEWHERE: {
    tool: 'changesets',
    why: '.changeset/pre.json says prereleases are called "<tag>"',
    next: 'leave --preid away, or: npx changeset pre exit && npx changeset pre enter <preid>',
  },
  LOCK_FILE_STALE: { file: 'package-lock.json', command: 'npm install --package-lock-only' },
  HOST_UNREACHABLE: { command: 'ssh <host>' },
  HOST_KEY_UNKNOWN: { command: 'ssh <host>' },
  HOST_REFUSED_KEY: { command: 'ssh <host>', to: '<host>' },
  HOST_WITHOUT_SHELL: { command: 'ssh <host>' },
};

/** Parameters for an error of the catalogue: its every field reads as `<field>`, as text and as a list; a few have to be a number, or absent. */
export function sampleOf(code: string): unknown {
  return new Proxy(
    {},
    {
      get: (_, field) => {
        const known: Record<string, unknown> = { ...TARGETS, ...SENTENCES[code] };
        if (String(field) in known) return known[String(field)];
        if (field === 'waitMs') return 30_000;
        if (field === 'gitDir') return undefined;
        const value = listOrText(`<${String(field)}>`);
        const refs = { local: 'refs/heads/<branch>', seen: 'refs/sluice/seen/<branch>' };
        return field === 'names' ? Object.assign(value, refs) : value;
      },
    },
  );
}

/** A list of one text, which also has the methods of that text: some entries take the one, some the other. */
function listOrText(text: string): string[] {
  return new Proxy([text], {
    get: (list, key, self) => {
      const method: unknown = (text as unknown as Record<PropertyKey, unknown>)[key];
      if (key in list || typeof method !== 'function') return Reflect.get(list, key, self) as unknown;
      return (...given: unknown[]): unknown => Reflect.apply(method, text, given);
    },
  });
}
