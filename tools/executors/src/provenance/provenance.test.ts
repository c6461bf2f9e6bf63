import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROVENANCE_FILE } from '../artifact/index.ts';
import { bytesFromBuffer } from '../registry/index.ts';
import { openGitHub } from '../github/index.ts';
import { startGitHub, type TestGitHub } from '../testing/github/index.ts';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { startSigstore, type TestSigstore } from '../testing/sigstore/index.ts';
import {
  attest,
  checkProvenance,
  imageSubject,
  isAttested,
  openTrust,
  packageSubject,
  provenanceMaker,
  readProvenanceFile,
  sha256Of,
  writeProvenanceFile,
  type Expected,
  type MakerInput,
  type Trust,
} from './index.ts';
import { mayBeKnown } from './make.ts';

const lib = {
  name: '@acme/lib',
  version: '1.0.0',
  integrity: bytesFromBuffer(Buffer.from('the bytes')).integrity,
};
const artifact = packageSubject(lib);
const otherBytes = packageSubject({
  ...lib,
  integrity: bytesFromBuffer(Buffer.from('other bytes')).integrity,
});

let issuer: TestIssuer;
let sigstore: TestSigstore;
let trust: Trust;
beforeAll(async () => {
  issuer = await startIssuer();
  sigstore = await startSigstore({ issuer: issuer.url });
  trust = openTrust(sigstore.trustedRoot);
});
afterAll(async () => {
  await sigstore.close();
  await issuer.close();
});
beforeEach(() => {
  Object.assign(sigstore.faults, { conflicts: 0, failures: 0 });
  Object.assign(sigstore, { entries: 0, certificates: 0 });
  issuer.job['repository_visibility'] = 'public';
});

const maker = (given: Partial<MakerInput> = {}) =>
  provenanceMaker({
    env: issuer.env,
    sigstore: { fulcio: sigstore.url, rekor: sigstore.url },
    mode: 'auto',
    ...given,
  });
const made = async (): Promise<string> => (await maker().make(artifact)) ?? '';
const expected = (given: Partial<Expected> = {}): Expected => ({
  subject: artifact,
  issuer: issuer.url,
  repository: 'acme/platform',
  ...given,
});

describe('a provenance', () => {
  it('is made of the job that built, and proves it', async () => {
    const bundle = await made();
    expect(await checkProvenance(bundle, expected({ commit: 'a'.repeat(40) }), trust)).toEqual({
      sha256: sha256Of(bundle),
      commit: 'a'.repeat(40),
      repository: 'https://github.com/acme/platform',
    });
    const statement = JSON.parse(
      Buffer.from(JSON.parse(bundle).dsseEnvelope.payload, 'base64').toString('utf8'),
    );
    // As npm's own client writes it, since its registry compares these fields with the certificate.
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'pkg:npm/%40acme/lib@1.0.0', digest: { sha512: expect.stringMatching(/^[0-9a-f]{128}$/) } },
      ],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          externalParameters: {
            workflow: {
              ref: 'refs/heads/main',
              repository: 'https://github.com/acme/platform',
              path: '.github/workflows/release.yml',
            },
          },
          resolvedDependencies: [{ digest: { gitCommit: 'a'.repeat(40) } }],
        },
        runDetails: {
          builder: { id: 'https://github.com/actions/runner/github-hosted' },
          metadata: { invocationId: 'https://github.com/acme/platform/actions/runs/100001/attempts/1' },
        },
      },
    });
    expect(JSON.parse(bundle).mediaType).toMatch(/^application\/vnd\.dev\.sigstore\.bundle/);
    expect([sigstore.certificates, sigstore.entries]).toEqual([1, 1]);
  });

  it('asks for one token for many', async () => {
    issuer.audiences.length = 0;
    const many = maker();
    const make = (version: string) => many.make(packageSubject({ ...lib, version }));
    await Promise.all(['1.0.0', '1.0.1', '1.0.2'].map(make));
    await make('1.0.3');
    expect(issuer.audiences).toEqual(['sigstore']);
    expect(sigstore.entries).toBe(4);
  });

  it('asks anew for a token that ends soon, and after a request that failed', async () => {
    issuer.audiences.length = 0;
    const many = maker();
    issuer.clock = new Date(Date.now() - 260_000);
    await many.make(artifact);
    issuer.clock = undefined;
    issuer.failures = 1;
    await expect(many.make(artifact)).rejects.toMatchObject({ code: 'OIDC_REQUEST_FAILED' });
    await many.make(artifact);
    await many.make(artifact);
    expect(issuer.audiences).toEqual(['sigstore', 'sigstore']);
  });

  it('is signed anew where the log has such an entry, and not for ever', async () => {
    sigstore.faults.conflicts = 2;
    const bundle = await made();
    expect((await checkProvenance(bundle, expected(), trust)).sha256).toBe(sha256Of(bundle));
    // Each time another key, so another certificate.
    expect(sigstore.certificates).toBe(3);

    sigstore.faults.conflicts = 100;
    await expect(made()).rejects.toMatchObject({ code: 'PROVENANCE_LOG_CONFLICT', transient: true });
    expect(sigstore.faults.conflicts).toBe(96);
  });

  it('that is not made because the log is away may be made later; one that is refused not', async () => {
    sigstore.faults.failures = 1;
    await expect(made()).rejects.toMatchObject({ code: 'PROVENANCE_SIGNING_FAILED', transient: true });
    expect(await made()).not.toBe('');
    issuer.clock = new Date(Date.now() - 3_600_000);
    await expect(made()).rejects.toMatchObject({
      code: 'PROVENANCE_SIGNING_FAILED',
      transient: false,
      message: expect.stringContaining('CA_CREATE_SIGNING_CERTIFICATE_ERROR'),
    });
    issuer.clock = undefined;
  });
});

it('is made of images too, by their digest', async () => {
  const digest = `sha256:${'d'.repeat(64)}`;
  const image = imageSubject({ name: 'api', version: 'sha-abc', digest }, 'ghcr.io/acme/api');
  const bundle = (await maker().make(image)) ?? '';
  const statement = JSON.parse(
    Buffer.from(JSON.parse(bundle).dsseEnvelope.payload, 'base64').toString('utf8'),
  );
  expect(statement.subject).toEqual([{ name: 'ghcr.io/acme/api', digest: { sha256: 'd'.repeat(64) } }]);
  expect((await checkProvenance(bundle, expected({ subject: image }), trust)).sha256).toBe(sha256Of(bundle));
});

describe('on GitHub', () => {
  let github: TestGitHub;
  beforeEach(async () => {
    github = await startGitHub();
  });
  afterEach(() => github.close());
  const open = () =>
    openGitHub({
      options: { api: github.url },
      identity: 'github.com/acme/platform',
      env: { GITHUB_TOKEN: 'a-token-of-the-job' },
    });

  it('is shown once, however often it is sent, and found by its bytes', async () => {
    const bundle = await made();
    expect(await isAttested(open(), artifact, bundle)).toBe(false);
    expect(await attest(open(), artifact, bundle)).toBe('done');
    expect(await attest(open(), artifact, bundle)).toBe('present');
    expect(github.state.attestations.map(({ subject }) => subject)).toEqual([`sha512:${artifact.digest}`]);
    expect(await isAttested(open(), artifact, bundle)).toBe(true);
    expect(await isAttested(open(), otherBytes, bundle)).toBe(false);
    expect(await isAttested(open(), artifact, await made())).toBe(false);
  });

  it('is sent again where only the answer was lost, and is there once', async () => {
    const bundle = await made();
    github.fail({ operation: 'POST /repos/{owner}/{repo}/attestations', answer: 'cut', after: true });
    await expect(attest(open(), artifact, bundle)).rejects.toMatchObject({ transient: true });
    expect(await attest(open(), artifact, bundle)).toBe('present');
    expect(github.state.attestations).toHaveLength(1);
  });

  it('is refused where the job lacks the right', async () => {
    github.forbid('POST /repos/{owner}/{repo}/attestations', 'attestations=write');
    await expect(attest(open(), artifact, await made())).rejects.toMatchObject({
      code: 'GITHUB_REFUSED',
      transient: false,
    });
  });
});

describe('whether one is made', () => {
  it('is decided by the option and by what the job may', async () => {
    expect(await maker({ mode: false }).make(artifact)).toBeUndefined();
    expect(await maker({ env: {} }).make(artifact)).toBeUndefined();
    await expect(maker({ mode: true, env: {} }).make(artifact)).rejects.toMatchObject({
      code: 'PROVENANCE_NOT_PERMITTED',
    });
    expect(sigstore.entries).toBe(0);
  });

  it.each([
    ['auto', 'public', false, true],
    ['auto', 'private', false, false],
    ['auto', 'internal', false, false],
    ['auto', '', false, false],
    ['auto', 'private', true, true],
    [true, 'private', false, true],
  ] as const)(
    'keeps the name of a private repository out of a public log, unless it is asked for (%s, %s, %s)',
    (mode, visibility, ownLog, known) => {
      expect(mayBeKnown({ mode, visibility, ownLog })).toBe(known);
    },
  );

  it('is asked of the job: one of a private repository signs with a Sigstore of its own', async () => {
    issuer.job['repository_visibility'] = 'private';
    expect(await maker().make(artifact)).toBeDefined();
  });
});

describe('a provenance that proves nothing', () => {
  const refused = async (bundle: string, given: Partial<Expected>, says: RegExp) =>
    expect(checkProvenance(bundle, expected(given), trust)).rejects.toMatchObject({
      code: 'PROVENANCE_INVALID',
      transient: false,
      message: expect.stringMatching(says),
    });

  it.each([
    ['other bytes', { subject: otherBytes }, /other bytes/],
    [
      'another version',
      { subject: packageSubject({ ...lib, version: '1.0.1' }) },
      /about pkg:npm\/%40acme\/lib@1\.0\.0/,
    ],
    ['another package', { subject: packageSubject({ ...lib, name: '@acme/other' }) }, /about pkg:npm/],
    [
      'a package, for an image',
      { subject: imageSubject({ ...lib, digest: `sha256:${'0'.repeat(64)}` }, artifact.called) },
      /other bytes \(sha256 none/,
    ],
    ['another repository', { repository: 'evil/platform' }, /github\.com\/acme\/platform, not of evil/],
    ['another commit', { commit: 'b'.repeat(40) }, /of the commit a{40}, not of b{40}/],
    ['another issuer', { issuer: 'https://issuer.example.com' }, /signature does not count/],
    ['another one in the ledger', { sha256: '0'.repeat(64) }, /the ledger has another one/],
  ] satisfies [string, Partial<Expected>, RegExp][])('is one of %s', async (_, given, says) => {
    await refused(await made(), given, says);
  });

  it('is one whose statement was changed after it was signed', async () => {
    const bundle = JSON.parse(await made());
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8'));
    statement.subject[0].digest.sha512 = otherBytes.digest;
    bundle.dsseEnvelope.payload = Buffer.from(JSON.stringify(statement)).toString('base64');
    await refused(JSON.stringify(bundle), { subject: otherBytes }, /signature does not count/);
  });

  it('is one that another Sigstore signed', async () => {
    const other = await startSigstore({ issuer: issuer.url });
    const bundle = await maker({ sigstore: { fulcio: other.url, rekor: other.url } }).make(artifact);
    await other.close();
    await refused(bundle ?? '', {}, /signature does not count/);
  });

  it('is one without its entry in the log', async () => {
    const bundle = JSON.parse(await made());
    bundle.verificationMaterial.tlogEntries = [];
    await refused(JSON.stringify(bundle), {}, /signature does not count/);
  });

  it.each(['', '{', '{}', 'null', '{"dsseEnvelope":{"payload":"bm9wZQ=="}}'])('is %j', async (text) => {
    await refused(text, {}, /is not JSON|does not say what it is about/);
  });

  it('cannot be told while the root of the public Sigstore is out of reach', async () => {
    const cachePath = await mkdtemp(join(tmpdir(), 'sluice-tuf-'));
    const away = openTrust(undefined, { mirrorURL: 'http://127.0.0.1:1', cachePath });
    await expect(checkProvenance(await made(), expected(), away)).rejects.toMatchObject({
      code: 'PROVENANCE_TRUST_MISSING',
      transient: true,
    });
    await rm(cachePath, { recursive: true });
  });

  it('cannot be told without a trusted root', async () => {
    await expect(checkProvenance(await made(), expected(), openTrust('{'))).rejects.toMatchObject({
      code: 'PROVENANCE_TRUST_MISSING',
    });
  });
});

it('lies beside the artifact', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-provenance-'));
  try {
    expect(await readProvenanceFile(folder)).toBeUndefined();
    await writeProvenanceFile(folder, '{"a":1}');
    expect(await readProvenanceFile(folder)).toBe('{"a":1}');
    expect(await readdir(folder)).toEqual([PROVENANCE_FILE]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
