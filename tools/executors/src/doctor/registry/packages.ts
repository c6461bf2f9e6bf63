import { mayRequestToken } from '../../oidc/index.ts';
import { escaped } from '../../registry/names.ts';
import { capabilitiesOf } from '../../registry/index.ts';
import { given, NotChecked, ok, problem, unchecked } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

const PACKAGE_JSON = 'correct "name" in its package.json';
/** More names than that do not help anybody. */
const NAMED = 5;

const named = (names: readonly string[]): string =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');

async function packagesOf(patient: Patient): Promise<string[]> {
  const names = (await patient.projects()).flatMap(({ pipeline, name }) =>
    pipeline === 'packages' ? [name] : [],
  );
  if (names.length === 0) throw new NotChecked('there are no packages here');
  return names;
}

/** Whether the registry takes packages of these names at all. */
export function namesCheck(patient: Patient, stage: string): Check {
  return {
    room: 'registry',
    title: 'names and scope',
    stage,
    run: async () => {
      const { kind } = await given(patient.stage(stage), 'the address of the stage is not known');
      return judgeNames(await packagesOf(patient), kind, ownerOf(patient.context.identity));
    },
  };
}

/** Pure. GitHub Packages takes scoped, lower-case names only, of the scope that is the repository's owner. */
export function judgeNames(names: readonly string[], kind: Kind, owner: string | undefined): Finding {
  const upper = names.filter((name) => name !== name.toLowerCase());
  if (upper.length > 0)
    return problem(`names are lower-case, and these are not: ${named(upper)}`, PACKAGE_JSON, 'SCOPE_REFUSED');
  if (!capabilitiesOf(kind).scopedOnly) return ok(`it takes ${count(names)}`);
  const unscoped = names.filter((name) => !name.startsWith('@'));
  if (unscoped.length > 0)
    return problem(
      `GitHub Packages takes scoped names only, and these have no scope: ${named(unscoped)}`,
      `${PACKAGE_JSON} to "@${owner ?? '<owner>'}/..."`,
      'SCOPE_REFUSED',
    );
  if (owner === undefined)
    return unchecked('the remote is not at github.com, so whose scope it has to be is not known');
  const others = names.filter((name) => name.split('/')[0] !== `@${owner.toLowerCase()}`);
  if (others.length > 0)
    return problem(
      `GitHub Packages takes packages of the repository's owner only (@${owner.toLowerCase()}), and these have another scope: ${named(others)}`,
      `${PACKAGE_JSON} to "@${owner.toLowerCase()}/...", or push this repository to that owner`,
      'SCOPE_REFUSED',
    );
  return ok(`${count(names)} of @${owner.toLowerCase()}`);
}
type Kind = Parameters<typeof capabilitiesOf>[0];

const count = (names: readonly string[]): string =>
  `${names.length} ${names.length === 1 ? 'package' : 'packages'}`;

/** `acme` of `github.com/acme/platform`. */
export const ownerOf = (identity: string): string | undefined =>
  /^github\.com\/([^/]+)\/[^/]+$/.exec(identity)?.[1];

/** Which packages are there already: a first publish needs more than a later one. */
export function presenceCheck(patient: Patient, stage: string): Check {
  const { env } = patient.context;
  return {
    room: 'registry',
    title: 'packages',
    stage,
    run: async (signal) => {
      const [names, { token, trusted, tokenEnv }] = await Promise.all([
        packagesOf(patient),
        given(patient.stage(stage), 'the address of the stage is not known'),
      ]);
      await given(patient.ping(stage), 'the registry cannot be reached');
      const store = await patient.store(stage);
      const absent: string[] = [];
      for (const name of names)
        if (!(await given(store.look(name, signal), 'packages cannot be read')).exists) absent.push(name);
      return judgePresence({
        names,
        absent,
        tokenEnv,
        exchangesOnly: trusted === true && !token && mayRequestToken(env),
      });
    },
  };
}

/** Pure. */
export function judgePresence(found: {
  names: readonly string[];
  absent: readonly string[];
  /** There is no token but what the job can exchange its own for. */
  exchangesOnly: boolean;
  tokenEnv: string;
}): Finding {
  const { names, absent, exchangesOnly, tokenEnv } = found;
  if (absent.length === 0) return ok(`all ${names.length} are there already`);
  if (!exchangesOnly) return ok(`not there yet: ${named(absent)}; the first publish makes them`);
  return problem(
    `not there yet: ${named(absent)}. Trusted publishing cannot do a package's first publish`,
    `give this job a token for once (${tokenEnv}); then let the registry trust it: npm trust github ${absent[0]} --repo <owner/name> --file release.yml --env <environment> --allow-publish`,
    'TRUSTED_FIRST_PUBLISH',
  );
}

/** Whether the token's owner may publish what is there, where a registry tells. */
export function rightsCheck(patient: Patient, stage: string): Check {
  return {
    room: 'registry',
    title: 'rights',
    stage,
    run: async (signal) => {
      const at = await given(patient.stage(stage), 'the address of the stage is not known');
      if (at.kind !== 'npm')
        return unchecked('this kind of registry does not tell what a token may do; the first publish will');
      if (!at.token) return unchecked('there is no token to ask about');
      await given(patient.ping(stage), 'the registry cannot be reached');
      const user = await given((await patient.store(stage)).whoami(signal), 'the token is not taken');
      if (!user) return unchecked('the registry does not tell whose the token is');
      const http = await patient.http(stage);
      const rights = new Map<string, string | undefined>();
      for (const name of await packagesOf(patient)) {
        const answer = await http.json<Record<string, string>>({
          operation: 'look',
          stage: at,
          name,
          method: 'GET',
          path: `/-/package/${escaped(name)}/collaborators?format=cli`,
          signal,
        });
        if (typeof answer !== 'string') rights.set(name, answer[user]);
      }
      return judgeRights(user, rights);
    },
  };
}

/** Pure: what npm says of its collaborators, by package. */
export function judgeRights(user: string, rights: ReadonlyMap<string, string | undefined>): Finding {
  if (rights.size === 0) return unchecked('nothing of ours is there yet, so nobody has a right to it');
  const lacking = [...rights].flatMap(([name, right]) =>
    right === 'write' || right === 'read-write' ? [] : [name],
  );
  if (lacking.length === 0)
    return ok(
      `${user} may write ${rights.size === 1 ? 'it' : `all ${rights.size}`} (a token can be narrower than its owner)`,
    );
  const [first = ''] = lacking;
  return problem(
    `${user}, whose the token is, may not publish ${named(lacking)}`,
    `npm owner add ${user} ${first} (by one of: npm owner ls ${first})`,
    'RIGHT_MISSING',
  );
}
