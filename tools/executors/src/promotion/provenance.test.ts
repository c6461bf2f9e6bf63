import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVENANCE_FILE } from '../artifact/index.ts';
import type { Batch } from '../ledger/types.ts';
import { packageSubject, provenanceMaker } from '../provenance/index.ts';
import { startGitHub, type TestGitHub } from '../testing/github/index.ts';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { startNpmRegistry, type TestNpmRegistry } from '../testing/npm-registry/index.ts';
import { startSigstore, type TestSigstore } from '../testing/sigstore/index.ts';
import { namesRepository } from './provenance.ts';
import { Flow } from './testing/flow.ts';
import { verifyStages } from './verify.ts';

/** Published by a job with a Sigstore of the test; the last stage takes provenances. */
describe('a provenance on its way', () => {
  let issuer: TestIssuer;
  let sigstore: TestSigstore;
  let registry: TestNpmRegistry;
  let flow: Flow;

  beforeEach(async () => {
    issuer = await startIssuer();
    sigstore = await startSigstore({ issuer: issuer.url });
    registry = await startNpmRegistry();
    flow = await Flow.start({
      live: true,
      packages: { units: [], money: ['units'] },
      manifest: { repository: { type: 'git', url: 'git+https://github.com/acme/platform.git' } },
      stages: { public: { registry: registry.url, kind: 'npm', tokenEnv: 'NPM_TOKEN' } },
      options: {
        sigstore: { fulcio: sigstore.url, rekor: sigstore.url, trustedRoot: '.sluice/trusted_root.json' },
        github: { issuer: issuer.url, repository: 'acme/platform' },
      },
      files: { '.sluice/trusted_root.json': sigstore.trustedRoot },
    });
    Object.assign(flow.env, issuer.env, { NPM_TOKEN: registry.token });
    issuer.job['sha'] = flow.git('rev-parse', 'HEAD');
    await flow.build();
  });
  afterEach(async () => {
    await flow.close();
    await registry.close();
    await sigstore.close();
    await issuer.close();
  });

  const beside = (project: string) => join(flow.artifact(project), PROVENANCE_FILE);
  const remote = () => join(dirname(flow.root), 'remote.git');
  const batches = (): Batch[] => {
    const git = (...args: string[]) =>
      execFileSync('git', ['--git-dir', remote(), ...args], { encoding: 'utf8' });
    return git('ls-tree', '-r', '--name-only', 'sluice/ledger', 'records/')
      .split('\n')
      .filter(Boolean)
      .map((path) => JSON.parse(git('show', `sluice/ledger:${path}`)) as Batch);
  };
  const shown = (project: string) => registry.state.packages.get(`@acme/${project}`)?.bundles.get('1.0.0');
  const codes = ({ results }: Awaited<ReturnType<Flow['promote']>>) =>
    results.map(({ status, error }) => error?.code ?? status);

  it('is made once, goes through the ledger, and stands at last beside the same bytes in the registry', async () => {
    expect(codes((await flow.publish()) as never)).toEqual(['done', 'done']);
    const text = await readFile(beside('units'), 'utf8');
    const [batch] = batches();
    const record = batch?.records.find((one) => 'name' in one && one.name === '@acme/units');
    expect(record).toMatchObject({
      type: 'published',
      provenance: { commit: flow.git('rev-parse', 'HEAD'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const { sha256 } = (record as { provenance: { sha256: string } }).provenance;
    expect(batch?.attachments?.[sha256]).toBe(text);
    expect(sigstore.entries).toBe(2);

    // Another machine has the ledger and no artifact, and need not sign anything.
    const elsewhere = await flow.clone();
    await rm(join(elsewhere.root, 'dist'), { recursive: true });
    expect(codes(await elsewhere.promote('test'))).toEqual(['done', 'done']);
    expect(codes(await elsewhere.promote('public'))).toEqual(['done', 'done']);
    expect(JSON.stringify(shown('units'))).toBe(text);
    expect(shown('money')).toBeDefined();
    expect(sigstore.entries).toBe(2);
    expect((await flow.world('test'))['units']?.versions['1.0.0']).toBeDefined();
  });

  it('may be made by the job that built, and handed on with the artifact', async () => {
    const maker = provenanceMaker({
      env: issuer.env,
      sigstore: { fulcio: sigstore.url, rekor: sigstore.url },
      mode: 'auto',
    });
    for (const project of ['units', 'money']) {
      const manifest = JSON.parse(await readFile(join(flow.artifact(project), 'artifact.json'), 'utf8'));
      await writeFile(beside(project), (await maker.make(packageSubject(manifest))) ?? '');
    }
    for (const name of Object.keys(issuer.env)) delete flow.env[name];
    await flow.publish();
    expect(Object.keys(batches()[0]?.attachments ?? {})).toHaveLength(2);
    expect(sigstore.entries).toBe(2);
  });

  it('for other bytes is refused, and nothing is published', async () => {
    await flow.publish(['units']);
    const stolen = await readFile(beside('units'), 'utf8');
    await writeFile(beside('money'), stolen);
    expect(codes((await flow.publish(['money'])) as never)).toEqual(['PROVENANCE_INVALID']);
    expect((await flow.world('github'))['money']).toBeUndefined();
    expect(await flow.records()).toEqual(['published github units@1.0.0']);
  });

  it('of another commit than what it was published from is refused', async () => {
    issuer.job['sha'] = 'b'.repeat(40);
    expect(codes((await flow.publish(['units'])) as never)).toEqual(['PROVENANCE_INVALID']);
    expect(await flow.world('github')).toEqual({});
    // And does not lie there afterwards, to be refused again.
    await expect(readFile(beside('units'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of the commit that the run was started for counts for the release commit on top of it', async () => {
    const started = flow.git('rev-parse', 'HEAD');
    await flow.release('1.1.0');
    flow.push();
    await flow.build();
    expect(codes((await flow.publish()) as never)).toEqual(['done', 'done']);
    expect(batches()[0]?.records[0]).toMatchObject({
      source: { commit: flow.git('rev-parse', 'HEAD') },
      provenance: { commit: started },
    });
  });

  it('that was changed in the ledger stops the promotion before anything is moved', async () => {
    await flow.publish();
    // Whoever can push to the branch changes what nobody signed: the attachment.
    const clone = join(dirname(flow.root), 'forger');
    flow.git('clone', '--quiet', '--branch', 'sluice/ledger', '../remote.git', clone);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: clone, env: flow.env });
    const path = git('ls-files', 'records').toString().trim();
    const batch = JSON.parse(await readFile(join(clone, path), 'utf8')) as Batch;
    for (const key of Object.keys(batch.attachments ?? {})) (batch.attachments ?? {})[key] = '{}';
    await writeFile(join(clone, path), JSON.stringify(batch));
    git('commit', '--quiet', '--all', '--amend', '--message', 'other attachments');
    git('push', '--quiet', '--force', 'origin', 'sluice/ledger');

    const fresh = await flow.clone();
    expect(codes(await fresh.promote('test'))).toEqual(['PROVENANCE_INVALID', 'PROVENANCE_INVALID']);
    expect(await flow.world('test')).toEqual({});
  });

  it('is not made where the job may not ask for tokens, and then there is none', async () => {
    for (const name of Object.keys(issuer.env)) delete flow.env[name];
    await flow.publish();
    expect(batches()[0]?.attachments).toBeUndefined();
    await flow.promote('test');
    expect(codes(await flow.promote('public'))).toEqual(['done', 'done']);
    expect(shown('units')).toBeUndefined();
  });

  it('goes on where the log is away for a moment', async () => {
    Object.assign(sigstore.faults, { failures: 1, conflicts: 1 });
    expect(codes((await flow.publish(['units'])) as never)).toEqual(['done']);
    expect(batches()[0]?.records[0]).toHaveProperty('provenance');
  });

  it('stays with us where package.json names another repository, which the registry would refuse', async () => {
    flow.manifest = { repository: 'github:acme/elsewhere' };
    await flow.release('1.0.0');
    flow.push();
    await flow.build();
    await flow.publish();
    await flow.promote('test');
    expect(codes(await flow.promote('public'))).toEqual(['done', 'done']);
    expect(shown('units')).toBeUndefined();
    expect(batches()[0]?.records[0]).toHaveProperty('provenance');
  });

  it.each([
    ['github:acme/platform', true],
    ['acme/Platform', true],
    [{ url: 'git+ssh://git@github.com/acme/platform.git' }, true],
    [{ url: 'https://github.com/acme/platform' }, true],
    ['gitlab:acme/platform', false],
    [{ url: 'https://gitlab.com/acme/platform' }, false],
    [{}, false],
    [undefined, false],
  ])('knows whether %j names the repository', (repository, named) => {
    expect(namesRepository({ repository }, 'https://github.com/acme/platform')).toBe(named);
  });

  describe('on GitHub', () => {
    let github: TestGitHub;
    beforeEach(async () => {
      github = await startGitHub();
      const nxJson = JSON.parse(await readFile(join(flow.root, 'nx.json'), 'utf8'));
      nxJson.plugins[0].options.github.api = github.url;
      await flow.write({ 'nx.json': JSON.stringify(nxJson) });
      flow.git('commit', '--quiet', '--all', '--message', 'the API of the test');
      flow.push();
      flow.env['GITHUB_TOKEN'] = 'a-token-of-the-job';
    });
    afterEach(() => github.close());
    const recorded = () => batches()[0]?.records.map((one) => 'provenance' in one && one.provenance);
    const findings = async () =>
      (await flow.with((context) => verifyStages(context, {}))).findings.map(({ kind, name, what }) => [
        kind,
        name,
        what.split(':')[0],
      ]);

    it('is shown as an attestation, and verify sees when it no longer is', async () => {
      github.fail({ operation: 'POST /repos/{owner}/{repo}/attestations', answer: 502 });
      await flow.publish();
      expect(github.state.attestations).toHaveLength(2);
      expect(recorded()).toEqual([
        expect.objectContaining({ attested: true }),
        expect.objectContaining({ attested: true }),
      ]);
      expect(await findings()).toEqual([]);
      github.state.attestations.length = 0;
      expect(await findings()).toEqual([
        ['provenance', '@acme/money', 'ATTESTATION_GONE'],
        ['provenance', '@acme/units', 'ATTESTATION_GONE'],
      ]);
    });

    it('is no condition: without the right the ledger alone has it', async () => {
      github.forbid('POST /repos/{owner}/{repo}/attestations', 'attestations=write');
      expect(codes((await flow.publish()) as never)).toEqual(['done', 'done']);
      expect(recorded()).toEqual([
        expect.not.objectContaining({ attested: true }),
        expect.not.objectContaining({ attested: true }),
      ]);
      expect(await findings()).toEqual([]);
    });
  });

  it('is taken away by a build, since nobody has signed what that made', async () => {
    await flow.publish();
    await flow.build(['units']);
    await expect(readFile(beside('units'))).rejects.toMatchObject({ code: 'ENOENT' });
    await readFile(beside('money'));
  });
});
