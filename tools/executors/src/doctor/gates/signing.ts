import { errors } from '../../foundation/index.ts';
import { jobRules } from '../../gate/index.ts';
import type { Policy } from '../../gate/policy.ts';
import { mayRequestToken, provenJob } from '../../oidc/index.ts';
import { findSigner, verifySignature } from '../../signing/index.ts';
import { failed, given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

const TEXT = 'sluice doctor: this text stands in no ledger';
/** Nobody is asked for a passphrase: a doctor that waits for one would be a doctor that hangs. */
const NOBODY_ASKED = { SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force', DISPLAY: '' };

/** Whether this run could sign what it records, as somebody whom the approvers' file knows. */
export function signingCheck(patient: Patient): Check {
  const { env, repository, profile, options, identity } = patient.context;
  return {
    room: 'gates',
    title: 'signing',
    run: async () => {
      const policy = await given(patient.policy(), 'the policy cannot be read');
      const { allowedSigners, revoked, branch } = policy;
      // In the order in which a run looks: a key that is named for it, the job that it is, git's own key.
      if (profile === 'live' && !env['SLUICE_SIGNING_KEY'] && mayRequestToken(env))
        return signsAsJob(env, policy, identity);
      const signer = await findSigner({ repository, env: { ...env, ...NOBODY_ASKED }, allowedSigners });
      if (!signer) {
        return profile === 'local'
          ? ok('no key: records of this machine are not signed')
          : failed(errors.SIGNER_MISSING({ approvers: options.approvers }));
      }
      const { principal } = signer;
      let signature: Awaited<ReturnType<typeof signer.sign>>;
      try {
        signature = await signer.sign(TEXT);
      } catch {
        return warning(
          `the key of ${principal} does not sign without being asked for: it has a passphrase, or its agent is not there`,
          'ssh-add <key> (or be there to type the passphrase)',
        );
      }
      if (signature.format !== 'sshsig') return ok(`as ${principal}`);
      const verified = await verifySignature({ data: TEXT, signature, allowedSigners, revoked });
      if (verified.ok) return ok(`as ${principal}, whom ${options.approvers} on ${branch} knows`);
      if (profile === 'local') return ok(`as ${principal}; the local profile does not ask for more`);
      return problem(
        `as ${principal}, but ${options.approvers} on ${branch} does not go with that: ${verified.detail}`,
        `echo "${principal} namespaces=\\"sluice\\" $(cat <key>.pub)" >> ${options.approvers}, and commit that on ${branch}`,
      );
    },
  };
}

/** Records of a job count where GitHub says that it is one of the policy's workflows; a token for nobody tells. */
async function signsAsJob(env: NodeJS.ProcessEnv, policy: Policy, identity: string): Promise<Finding> {
  const proof = await provenJob(env, jobRules(policy, identity), 'sluice:doctor');
  if (proof.ok) return ok(`as this job of ${proof.claims.repository}, for which GitHub signs`);
  return problem(
    `this job's records would not count: ${proof.problem}`,
    `name its workflow and branch below "github" in nx.json on ${policy.branch} (docs/reference/options.md), or set SLUICE_SIGNING_KEY`,
  );
}
