/** What an armored SSH signature says about itself. Format: PROTOCOL.sshsig of OpenSSH. */
export interface SshSignature {
  /** The public key (or certificate) as in an authorized keys line: base64 of its blob. */
  key: string;
  namespace: string;
}

/** Undefined where the text is no whole SSH signature. */
export function readSshSignature(armored: string): SshSignature | undefined {
  const body = /^-----BEGIN SSH SIGNATURE-----\s([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/.exec(
    armored,
  )?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  if (bytes.toString('latin1', 0, 6) !== 'SSHSIG' || bytes.length < 10) return undefined;
  let at = 10;
  const fields: Buffer[] = [];
  // key, namespace, reserved, hash algorithm, signature
  while (fields.length < 5) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [key, namespace] = fields as [Buffer, Buffer];
  return { key: key.toString('base64'), namespace: namespace.toString('utf8') };
}
