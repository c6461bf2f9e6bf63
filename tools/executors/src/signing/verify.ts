import { createHash } from 'node:crypto';
import type { Signature } from '../ledger/types.ts';
import { principalsOf, withoutValidity } from './allowed-signers.ts';
import { NAMESPACE, sshKeygen, withPrivateFiles } from './keygen.ts';
import { readSshSignature } from './sshsig.ts';

export interface VerifyInput {
  /** The signed text. */
  data: string;
  signature: Extract<Signature, { format: 'sshsig' }>;
  /** Text of the allowed signers file. */
  allowedSigners: string;
  /** Content of the file of revoked keys: public keys one a line, or an OpenSSH key revocation list. */
  revoked?: string | Uint8Array;
  /** When the key had to be valid; now by default. */
  at?: Date;
}

export type Verification =
  | { ok: true; principal: string }
  | {
      ok: false;
      reason: 'unknown-key' | 'revoked' | 'expired' | 'bad-signature' | 'malformed';
      detail: string;
    };

const known = new Map<string, Promise<Verification>>();

/**
 * Whether the stated principal signed the data with a key that the file gives to exactly that name (a pattern in the
 * file does not let a key choose its name). Decided by exit codes of ssh-keygen alone. Remembered by content.
 * @throws SSH_KEYGEN_MISSING
 */
export function verifySignature(input: VerifyInput): Promise<Verification> {
  const key = keyOf(input);
  let found = known.get(key);
  if (!found) {
    found = verify(input);
    known.set(key, found);
    found.catch(() => known.delete(key));
  }
  return found;
}

function keyOf({ data, signature, allowedSigners, revoked, at }: VerifyInput): string {
  const hash = createHash('sha256');
  const parts = [
    data,
    signature.principal,
    signature.value,
    allowedSigners,
    revoked ?? '',
    at ? timestamp(at) : timestamp(new Date()).slice(0, 12),
  ];
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

async function verify({
  data,
  signature,
  allowedSigners,
  revoked = '',
  at,
}: VerifyInput): Promise<Verification> {
  const { principal, value } = signature;
  const read = readSshSignature(value);
  if (signature.format !== 'sshsig' || !read) {
    return { ok: false, reason: 'malformed', detail: 'the signature is no SSH signature' };
  }
  const files = {
    signature: value,
    allowed: allowedSigners,
    timeless: withoutValidity(allowedSigners),
    revoked,
  };
  return withPrivateFiles(files, async (paths) => {
    const time = `verify-time=${timestamp(at ?? new Date())}`;
    const check = async (file: string, options: string[]) => {
      const who = [
        '-Y',
        'verify',
        '-n',
        NAMESPACE,
        '-I',
        principal,
        '-f',
        file,
        '-s',
        paths['signature'] as string,
      ];
      return (await sshKeygen([...who, ...options], data)).code === 0;
    };
    const allowed = paths['allowed'] as string;
    const timeless = paths['timeless'] as string;
    // OpenSSH takes an empty file for a broken one.
    const revocations = revoked.length === 0 ? [] : ['-r', paths['revoked'] as string];

    if (await check(allowed, ['-O', time, ...revocations])) {
      return (await names(read.key, principal, allowedSigners, paths, time))
        ? { ok: true, principal }
        : no('unknown-key', `the key is in the file, but under another name than ${principal}`);
    }
    const intact = ['-Y', 'check-novalidate', '-n', NAMESPACE, '-s', paths['signature'] as string];
    if ((await sshKeygen(intact, data)).code !== 0) {
      return read.namespace === NAMESPACE
        ? no('bad-signature', `the signature of ${principal} is not over these records`)
        : no(
            'bad-signature',
            `the signature of ${principal} was made for "${read.namespace}", not for ${NAMESPACE}`,
          );
    }
    if (!(await check(timeless, []))) return no('unknown-key', `no key of ${principal} made this signature`);
    if (revocations.length > 0 && !(await check(timeless, revocations))) {
      return no(
        'revoked',
        `the key that ${principal} signed with is revoked, or the file of revoked keys is damaged`,
      );
    }
    return no(
      'expired',
      `the key of ${principal} was not valid ${at ? `at ${at.toISOString()}` : 'any more'}`,
    );
  });
}

async function names(
  key: string,
  principal: string,
  allowedSigners: string,
  paths: Record<string, string>,
  time: string,
): Promise<boolean> {
  const literal = principalsOf(allowedSigners).some(
    (line) => line.key.split(' ')[1] === key && line.principals.includes(principal),
  );
  if (literal) return true;
  // Certificates: the names stand in the certificate, not in the file.
  const args = [
    '-Y',
    'find-principals',
    '-f',
    paths['allowed'] as string,
    '-s',
    paths['signature'] as string,
  ];
  const { code, stdout } = await sshKeygen([...args, '-O', time]);
  return code === 0 && stdout.toString('utf8').split(/[,\n]/).includes(principal);
}

function no(reason: Exclude<Verification, { ok: true }>['reason'], detail: string): Verification {
  return { ok: false, reason, detail };
}

/** `YYYYMMDDHHMMSS`, in UTC as ssh-keygen is told. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14);
}
