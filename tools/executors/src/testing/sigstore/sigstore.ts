import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs';
// Not by the package's door: that one puts itself before all requests of the process.
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock/dist/fulcio/index.js';
import { initializeTLog, rekorHandler } from '@sigstore/mock/dist/rekor/index.js';
import { openIssuer, verifyToken } from '../../oidc/index.ts';

/** A Sigstore in small: an authority that makes certificates of jobs' tokens, and a transparency log, with keys of their own. */
export interface TestSigstore {
  /** The address of both. */
  url: string;
  /** Whom to trust, as JSON. */
  trustedRoot: string;
  /** What goes wrong with so many of the next entries of the log: `conflict` is its 409. */
  faults: { conflicts: number; failures: number };
  /** Entries that the log has. */
  entries: number;
  /** Certificates that were made. */
  certificates: number;
  close(): Promise<void>;
}

/** @param issuer whose tokens it takes, for the audience "sigstore" */
export async function startSigstore({ issuer }: { issuer: string }): Promise<TestSigstore> {
  const logKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ctKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const caKeys = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const ctLog = await initializeCTLog(ctKeys);
  const authority = await initializeCA(caKeys, ctLog);
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = await initializeTLog(url, logKeys);
  const certificates = fulcioHandler(authority);
  const entries = rekorHandler(log);

  const sigstore: TestSigstore = {
    url,
    trustedRoot: trustedRootOf(url, {
      certificate: Buffer.from(authority.rootCertificate.buffer),
      log: log.publicKey,
      ct: ctKeys.publicKey.export({ format: 'der', type: 'spki' }),
    }),
    faults: { conflicts: 0, failures: 0 },
    entries: 0,
    certificates: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const send = (status: number, text: string, type = 'application/json', headers = {}): void => {
      response.writeHead(status, { 'content-type': type, ...headers }).end(text);
    };
    if (request.url === certificates.path) {
      const problem = await tokenProblem(body);
      if (problem) return send(401, JSON.stringify({ code: 16, message: problem }));
      sigstore.certificates += 1;
      const made = await certificates.fn(body);
      return send(made.statusCode, String(made.response), made.contentType);
    }
    if (request.url !== entries.path) return send(404, '{}');
    if (sigstore.faults.failures > 0) {
      sigstore.faults.failures -= 1;
      return send(503, '{"code":503,"message":"the log is away"}');
    }
    if (sigstore.faults.conflicts > 0) {
      sigstore.faults.conflicts -= 1;
      const location = `${entries.path}/${'0'.repeat(64)}`;
      return send(409, '{"code":409,"message":"an equivalent entry already exists"}', 'application/json', {
        location,
      });
    }
    sigstore.entries += 1;
    const made = await entries.fn(JSON.stringify(loggedEntry(body)));
    return send(made.statusCode, String(made.response), made.contentType);
  }

  async function tokenProblem(body: string): Promise<string | undefined> {
    const { credentials } = JSON.parse(body) as { credentials: { oidcIdentityToken: string } };
    const checked = await verifyToken({
      token: credentials.oidcIdentityToken,
      issuer,
      audience: 'sigstore',
      keys: (await openIssuer(issuer).keys()).values(),
      at: new Date(),
    });
    return checked.ok ? undefined : checked.problem;
  }
  return sigstore;
}

/** Rekor keeps hashes of an envelope and not the envelope, which the mock leaves to whoever asks. */
function loggedEntry(body: string): object {
  const { apiVersion, kind, spec } = JSON.parse(body) as {
    apiVersion: string;
    kind: string;
    spec: { proposedContent: { envelope: string; verifiers: string[] } };
  };
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as {
    payload: string;
    signatures: { sig: string }[];
  };
  const hash = (data: string | Buffer) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(data).digest('hex'),
  });
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  };
}

function trustedRootOf(url: string, keys: { certificate: Buffer; log: Buffer; ct: Buffer }): string {
  const since = { start: new Date(Date.now() - 3_600_000), end: undefined };
  const logOf = (key: Buffer) => ({
    baseUrl: url,
    hashAlgorithm: HashAlgorithm.SHA2_256,
    logId: { keyId: createHash('sha256').update(key).digest() },
    checkpointKeyId: undefined,
    operator: 'test',
    publicKey: {
      rawBytes: key,
      keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
      validFor: since,
    },
  });
  return JSON.stringify(
    TrustedRoot.toJSON({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [
        {
          subject: { commonName: 'sigstore', organization: 'sigstore.mock' },
          uri: url,
          certChain: { certificates: [{ rawBytes: keys.certificate }] },
          validFor: since,
          operator: 'test',
        },
      ],
      tlogs: [logOf(keys.log)],
      ctlogs: [logOf(keys.ct)],
      timestampAuthorities: [],
    }),
  );
}
