import { minimatch } from 'minimatch';
import type { GitHub } from '../../github/index.ts';
import { given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

interface Rule {
  type: string;
}
interface Ruleset {
  id: number;
  name: string;
  target?: string;
  enforcement: string;
  conditions?: { ref_name?: { include?: string[]; exclude?: string[] } } | null;
  rules?: Rule[];
  current_user_can_bypass?: string;
}

/** What every push to the ledger would have to do first, and cannot. */
const IN_THE_WAY = [
  'pull_request',
  'update',
  'required_status_checks',
  'required_signatures',
  'required_deployments',
  'merge_queue',
  'workflows',
  'code_scanning',
];
const LEDGER_NEEDS = ['deletion', 'non_fast_forward'];
const TAGS_NEED = ['deletion', 'update'];

/** The ledger's branch takes pushes, and loses nothing. */
export function ledgerRulesCheck(patient: Patient): Check {
  const { branch } = patient.context.options.ledger;
  return {
    room: 'github',
    title: 'rules of the ledger',
    limitMs: 60_000,
    run: async () => {
      const github = await given(patient.github(), 'GitHub cannot be asked');
      const rules = await github.request<Rule[]>('GET /repos/{owner}/{repo}/rules/branches/{branch}', {
        branch,
      });
      return judgeLedgerRules(
        rules.map(({ type }) => type),
        branch,
        github,
      );
    },
  };
}

/** Pure. */
export function judgeLedgerRules(
  rules: readonly string[],
  branch: string,
  repository: Pick<GitHub, 'owner' | 'repo'>,
): Finding {
  const closed = rules.filter((rule) => IN_THE_WAY.includes(rule));
  if (closed.length > 0)
    return problem(
      `a ruleset asks for ${closed.join(', ')} on ${branch}: records could not be pushed, but by whoever may bypass it`,
      `exclude refs/heads/${branch} from that ruleset: gh ruleset list, then gh ruleset view --web`,
      'LEDGER_REFUSED',
    );
  const missing = LEDGER_NEEDS.filter((rule) => !rules.includes(rule));
  if (missing.length === 0) return ok(`nobody can delete or rewrite ${branch}`);
  return warning(
    `whoever may push can ${missing.map((rule) => (rule === 'deletion' ? 'delete' : 'rewrite')).join(' or ')} ${branch}; each clone would notice, and the records would be gone`,
    makeRuleset(repository, 'sluice ledger', 'branch', `refs/heads/${branch}`, LEDGER_NEEDS),
  );
}

/** Tags of releases can be made, and then stay where they are. */
export function tagRulesCheck(patient: Patient): Check {
  return {
    room: 'github',
    title: 'tag protection',
    limitMs: 60_000,
    run: async () => {
      const github = await given(patient.github(), 'GitHub cannot be asked');
      const all = await github.paginate<Ruleset>('GET /repos/{owner}/{repo}/rulesets', { targets: 'tag' });
      const active = all.filter((one) => one.target === 'tag' && one.enforcement === 'active');
      const whole = await Promise.all(
        active.map(({ id }) =>
          github.request<Ruleset>('GET /repos/{owner}/{repo}/rulesets/{ruleset_id}', { ruleset_id: id }),
        ),
      );
      const [first] = (await patient.projects()).filter(({ pipeline }) => pipeline === 'packages');
      return judgeTagRules(whole, `${first?.project ?? 'package'}@1.0.0`, github);
    },
  };
}

/** Pure: the rules that hold for a tag such as a release gets. */
export function judgeTagRules(
  rulesets: readonly Ruleset[],
  tag: string,
  repository: Pick<GitHub, 'owner' | 'repo'>,
): Finding {
  const holding = rulesets.filter((one) => covers(one, `refs/tags/${tag}`));
  const creation = holding.find(
    ({ rules = [], current_user_can_bypass: bypass }) =>
      rules.some(({ type }) => type === 'creation') && bypass !== 'always',
  );
  if (creation)
    return problem(
      `the ruleset "${creation.name}" lets nobody make a tag such as ${tag} who may not bypass it`,
      `gh ruleset view ${creation.id} --web (take "Restrict creations" away, or let the workflow's app bypass it)`,
    );
  const rules = new Set(holding.flatMap(({ rules = [] }) => rules.map(({ type }) => type)));
  if (TAGS_NEED.every((rule) => rules.has(rule))) return ok('nobody can move or delete the tag of a release');
  return warning(
    `whoever may push can move or delete a tag such as ${tag}`,
    makeRuleset(repository, 'release tags', 'tag', '~ALL', TAGS_NEED),
  );
}

function covers({ conditions }: Ruleset, ref: string): boolean {
  const fits = (pattern: string): boolean => pattern === '~ALL' || minimatch(ref, pattern);
  const { include = [], exclude = [] } = conditions?.ref_name ?? {};
  return include.some(fits) && !exclude.some(fits);
}

function makeRuleset(
  { owner, repo }: Pick<GitHub, 'owner' | 'repo'>,
  name: string,
  target: 'branch' | 'tag',
  include: string,
  rules: readonly string[],
): string {
  const fields = rules.map((rule) => `-F 'rules[][type]=${rule}'`).join(' ');
  return `gh api repos/${owner}/${repo}/rulesets -f name='${name}' -f target=${target} -f enforcement=active -f 'conditions[ref_name][include][]=${include}' -F 'conditions[ref_name][exclude][]' ${fields}`;
}
