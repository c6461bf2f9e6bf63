import { errors } from '../../foundation/index.ts';
import { mayRequestToken } from '../../oidc/index.ts';
import { findSigner, verifySignature } from '../../signing/index.ts';
import { failed, given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check } from '../types.ts';

const TEXT = 'sluice doctor: this text stands in no ledger';
/** Nobody is asked for a passphrase: a doctor that waits for one would be a doctor that hangs. */
const NOBODY_ASKED = { SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force', DISPLAY: '' };

/** Whether this run could sign what it records, as somebody whom the approvers' file knows. */
export function signingCheck(patient: Patient): Check {
  const { env, repository, profile, options } = patient.context;
  return {
    room: 'gates',
    title: 'signing',
    run: async () => {
      const { allowedSigners, revoked, branch } = await given(patient.policy(), 'the policy cannot be read');
      const signer = await findSigner({ repository, env: { ...env, ...NOBODY_ASKED }, allowedSigners });
      if (!signer) {
        if (mayRequestToken(env)) return ok('by GitHub: this job may ask for tokens (id-token: write)');
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
