import { identities, isOneOf } from '../../gate/identities.ts';
import { approvalOptions } from '../../gate/requirements.ts';
import type { GateOptions } from '../../pipeline/types.ts';
import { principalsOf, type AllowedSigner } from '../../signing/index.ts';
import { given, ok, problem, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';

/** The file of those who may approve, as the default branch has it. */
export function approversCheck(patient: Patient): Check {
  return {
    room: 'gates',
    title: "approvers' file",
    run: async () => {
      const { allowedSigners, revoked, options, branch } = await given(
        patient.policy(),
        'the policy cannot be read',
      );
      return judgeFile({ text: allowedSigners, revoked, file: options.approvers, branch, now: new Date() });
    },
  };
}

interface ApproversFile {
  text: string;
  revoked: Buffer;
  file: string;
  branch: string;
  now: Date;
}

/** Pure: every line that is meant to be a person is one, and can sign for us. */
export function judgeFile({ text, revoked, file, branch, now }: ApproversFile): Finding {
  const lines = text.split('\n').map((line, i) => ({ line: line.trim(), number: i + 1 }));
  const meant = lines.filter(({ line }) => line !== '' && !line.startsWith('#'));
  const broken = meant.filter(({ line }) => principalsOf(line).length === 0);
  const [first] = broken;
  if (first)
    return problem(
      `${file} on ${branch} has ${broken.length === 1 ? 'a line that is' : `${broken.length} lines that are`} no signer: line ${broken.map(({ number }) => number).join(', ')}`,
      `correct line ${first.number} of ${file}: <e-mail address> namespaces="sluice" ssh-ed25519 AAAA... (man ssh-keygen, ALLOWED SIGNERS)`,
    );
  if (meant.length === 0) return ok(`${file} on ${branch} names nobody yet`);
  const useless = meant.flatMap(({ line, number }) => {
    const [signer] = principalsOf(line);
    const why = signer && whyNot(signer, revoked, now);
    return why ? [`line ${number} (${signer.principals.join(', ')}) ${why}`] : [];
  });
  const people = identities(usable(text, revoked, now)).length;
  const said = `${people} ${people === 1 ? 'person' : 'people'} in ${file} on ${branch}`;
  return useless.length === 0
    ? ok(said)
    : warning(`${said}; ${useless.join('; ')}`, `renew or take away these lines of ${file}, on ${branch}`);
}

/** The lines whose keys may sign for us now. Pure. */
export function usable(text: string, revoked: Buffer, now: Date): string {
  return text
    .split('\n')
    .filter((line) => {
      const [signer] = principalsOf(line);
      return signer !== undefined && whyNot(signer, revoked, now) === undefined;
    })
    .join('\n');
}

function whyNot(signer: AllowedSigner, revoked: Buffer, now: Date): string | undefined {
  const { key, options } = signer;
  const spaces = options['namespaces'];
  if (spaces !== undefined && !spaces.split(',').some((one) => one === 'sluice' || one.includes('*')))
    return `signs for "${spaces}" only, not for sluice`;
  const from = instant(options['valid-after']);
  if (from && from > now) return `is not valid before ${from.toISOString()}`;
  const to = instant(options['valid-before']);
  if (to && to <= now) return `has expired at ${to.toISOString()}`;
  // A revocation list in OpenSSH's binary form is left to ssh-keygen, when a signature is checked.
  if (revoked.toString('latin1').includes(key.split(' ')[1] ?? '\0')) return 'is revoked';
  return undefined;
}

/** `YYYYMMDD[HHMM[SS]][Z]`, in UTC as we have ssh-keygen read them. */
function instant(text: string | undefined): Date | undefined {
  const [, y, m, d, h = '00', min = '00', s = '00'] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/.exec(text ?? '') ?? [];
  return y === undefined ? undefined : new Date(`${y}-${m}-${d}T${h}:${min}:${s}Z`);
}

/** Whether a stage's gate can open at all: as many people may approve as it asks for. */
export function approvalsCheck(patient: Patient, stage: string): Check {
  return {
    room: 'gates',
    title: 'approvals',
    stage,
    run: async () => {
      const {
        allowedSigners,
        revoked,
        options,
        branch,
        stage: gateOf,
      } = await given(patient.policy(), 'the policy cannot be read');
      const gate = gateOf(stage);
      if (!gate) return ok('no gate');
      const environment = gate.environment ? options.github.environments[gate.environment] : undefined;
      return judgeApprovals({
        gate,
        people: usable(allowedSigners, revoked, new Date()),
        reviewers: environment?.reviewers ?? [],
        file: options.approvers,
        branch,
      });
    },
  };
}

/** Pure: who is there, against how many are asked for. */
export function judgeApprovals(asked: {
  gate: GateOptions;
  /** Lines of the approvers' file that are good now. */
  people: string;
  /** Whom GitHub asks before a job in the environment begins; they count too. */
  reviewers: readonly string[];
  file: string;
  branch: string;
}): Finding {
  const { gate, file, branch, reviewers } = asked;
  const { count, from, allowAuthor } = approvalOptions(gate);
  const signers = identities(asked.people).filter((one) => !from || isOneOf(one, from)).length;
  const authority = /(^|\s)\S*cert-authority/m.test(asked.people);
  const ofGitHub = gate.environment ? reviewers.length : 0;
  const team = ofGitHub > 0 && reviewers.some((name) => name.includes('/'));
  const all = signers + ofGitHub;
  const who = [
    `${signers} of ${file}${from ? ` (of ${from.join(', ')})` : ''}`,
    ...(ofGitHub > 0
      ? [`${ofGitHub} reviewer${ofGitHub === 1 ? '' : 's'} of the environment ${gate.environment}`]
      : []),
  ].join(' and ');
  const add = `echo "<e-mail address> namespaces=\\"sluice\\" $(cat <their key>.pub)" >> ${file}, and commit that on ${branch}`;
  if (count === 0)
    return ok(
      gate.environment
        ? `none asked for; the environment ${gate.environment} lets jobs in`
        : 'none asked for',
    );
  if (all < count && !authority && !team)
    return problem(
      `${count} must approve, and only ${all === 0 ? 'nobody' : all} can: ${who} on ${branch}`.replace(
        'only nobody',
        'nobody',
      ),
      add,
      'GATE_CLOSED',
    );
  if (all === count && !allowAuthor && !authority && !team)
    return warning(
      `${count} must approve, and no more than that can (${who}): what one of them wrote, nobody can approve`,
      add,
    );
  return ok(`${count} of ${team || authority ? 'at least ' : ''}${all} who can (${who})`);
}
