import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { provenanceMaker } from './make.ts';
import { packageSubject } from './statement.ts';

/** In place of the library: the public Sigstore is not to hear of a test, even if the code is wrong. */
const { signed, Nothing } = vi.hoisted(() => ({
  signed: { times: 0 },
  Nothing: class {
    readonly asked = false;
  },
}));
vi.mock('@sigstore/sign', () => ({
  FulcioSigner: Nothing,
  RekorWitness: Nothing,
  DSSEBundleBuilder: class {
    create() {
      signed.times += 1;
      throw new Error('the public Sigstore was about to be asked');
    }
  },
}));

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());

it('gives the public Sigstore nothing of a private repository, unless it is asked for', async () => {
  const subject = packageSubject({ name: 'lib', version: '1.0.0', integrity: 'sha512-AAAA' });
  issuer.job['repository_visibility'] = 'private';
  expect(await provenanceMaker({ env: issuer.env, mode: 'auto' }).make(subject)).toBeUndefined();
  expect(signed.times).toBe(0);
  const asked = provenanceMaker({ env: issuer.env, mode: true }).make(subject);
  await expect(asked).rejects.toMatchObject({ code: 'PROVENANCE_SIGNING_FAILED' });
  expect(signed.times).toBe(1);
});
