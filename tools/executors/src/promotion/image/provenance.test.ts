import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVENANCE_FILE } from '../../artifact/index.ts';
import { startGitHub, type TestGitHub } from '../../testing/github/index.ts';
import { startIssuer, type TestIssuer } from '../../testing/issuer/index.ts';
import { startSigstore, type TestSigstore } from '../../testing/sigstore/index.ts';
import { ServiceFlow } from './testing/flow.ts';
import { verifyImages } from './verify.ts';

describe('the provenance of a service', () => {
  let issuer: TestIssuer;
  let sigstore: TestSigstore;
  let github: TestGitHub;
  let flow: ServiceFlow;

  beforeEach(async () => {
    issuer = await startIssuer();
    sigstore = await startSigstore({ issuer: issuer.url });
    github = await startGitHub();
    flow = await ServiceFlow.start({
      live: true,
      options: {
        sigstore: { fulcio: sigstore.url, rekor: sigstore.url, trustedRoot: '.sluice/trusted_root.json' },
        github: { issuer: issuer.url, repository: 'acme/platform', api: github.url },
      },
      files: { '.sluice/trusted_root.json': sigstore.trustedRoot },
    });
    Object.assign(flow.env, issuer.env, { GITHUB_TOKEN: 'a-token-of-the-job' });
  });
  afterEach(async () => {
    await flow.close();
    await github.close();
    await sigstore.close();
    await issuer.close();
  });

  const build = async (project: string) => {
    const manifest = await flow.build(project, '1');
    issuer.job['sha'] = manifest.commit;
    return manifest;
  };
  const findings = async () =>
    (await flow.with((context) => verifyImages(context, {}))).findings.map(({ kind }) => kind);

  it('is of the digest, goes through the ledger, and is attached to the image and shown by GitHub', async () => {
    const manifest = await build('api');
    expect((await flow.publish(['api'])).results).toMatchObject([{ status: 'done' }]);
    expect(github.state.attestations.map(({ subject }) => subject)).toEqual([manifest.digest]);

    const state = await flow.with(async (context) => (await context.ledger()).refresh());
    expect(state.published('@acme/api', manifest.version)?.record).toMatchObject({
      provenance: { commit: manifest.commit, attested: true },
    });
    const referrers = await flow.with(async (context) => {
      const { of } = await context.images('images');
      return of('api').referrers(manifest.digest);
    });
    expect(referrers.map(({ artifactType }) => artifactType)).toContain(
      'application/vnd.dev.sigstore.bundle.v0.3+json',
    );
    expect((await flow.promote('staging')).results).toMatchObject([{ status: 'done' }]);
    expect(sigstore.entries).toBe(1);
    expect(await findings()).toEqual([]);
    github.state.attestations.length = 0;
    expect(await findings()).toEqual(['provenance']);
  });

  it('of another image is refused, and nothing is pushed', async () => {
    await build('api');
    await flow.publish(['api']);
    const stolen = await readFile(join(flow.artifact('api'), PROVENANCE_FILE), 'utf8');
    await build('web');
    await writeFile(join(flow.artifact('web'), PROVENANCE_FILE), stolen);
    const { results } = await flow.publish(['web']);
    expect(results).toMatchObject([{ success: false, error: { code: 'PROVENANCE_INVALID' } }]);
    expect(await flow.tags('web')).toEqual({});
  });

  it('that no longer counts stops the promotion', async () => {
    await build('api');
    await flow.publish(['api']);
    // The repository's authorities were replaced: what the old ones signed proves nothing now.
    const other = await startSigstore({ issuer: issuer.url });
    await other.close();
    await flow.write({ '.sluice/trusted_root.json': other.trustedRoot });
    flow.commit('another Sigstore');
    flow.push();
    const { results } = await flow.promote('staging');
    expect(results).toMatchObject([{ success: false, error: { code: 'PROVENANCE_INVALID' } }]);
  });
});
