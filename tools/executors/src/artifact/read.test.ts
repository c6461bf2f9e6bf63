import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildArtifact } from './build.ts';
import { readArtifact } from './read.ts';

let folder: string;
let artifact: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-artifact-test-'));
  artifact = join(folder, 'artifacts/tiny');
  await writeFile(join(folder, 'package.json'), '{"name":"tiny","version":"1.0.0"}');
  await buildArtifact({
    workspaceRoot: folder,
    projectRoot: '.',
    project: 'tiny',
    outputFolder: artifact,
    siblings: new Map(),
    components: [],
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('readArtifact', () => {
  it('ARTIFACT_MISSING says what to type', async () => {
    await rm(artifact, { recursive: true });
    await expect(readArtifact(artifact)).rejects.toMatchObject({
      code: 'ARTIFACT_MISSING',
      next: 'npx nx run tiny:build',
    });
  });

  it('ARTIFACT_MISSING where only the tarball is gone', async () => {
    await rm(join(artifact, 'tiny-1.0.0.tgz'));
    await expect(readArtifact(artifact)).rejects.toMatchObject({
      code: 'ARTIFACT_MISSING',
      message: expect.stringContaining('tiny-1.0.0.tgz'),
    });
  });

  it.each(['tiny-1.0.0.tgz', 'sbom.cdx.json'])('ARTIFACT_CHANGED names both hashes of %s', async (file) => {
    await appendFile(join(artifact, file), ' ');
    await expect(readArtifact(artifact)).rejects.toMatchObject({
      code: 'ARTIFACT_CHANGED',
      message: expect.stringMatching(/built \S+\n\s+found \S+/),
    });
  });

  it.each([
    ['half a file', (text: string) => text.slice(0, 40)],
    ['nothing', () => 'null'],
    ['a later schema', (text: string) => text.replace('"schemaVersion": 1', '"schemaVersion": 2')],
    ['another kind', (text: string) => text.replace('"kind": "npm"', '"kind": "image"')],
    ['a weaker hash', (text: string) => text.replace(/"integrity": "[^"]+"/, '"integrity": "sha1-abc"')],
    ['a tarball elsewhere', (text: string) => text.replace('"tarball": "tiny', '"tarball": "../tiny')],
    ['an SBOM elsewhere', (text: string) => text.replace('"file": "sbom', '"file": "/etc/sbom')],
  ])('ARTIFACT_INVALID for %s', async (_, change) => {
    const file = join(artifact, 'artifact.json');
    await writeFile(file, change(await readFile(file, 'utf8')));
    await expect(readArtifact(artifact)).rejects.toMatchObject({
      code: 'ARTIFACT_INVALID',
      message: expect.stringContaining('artifact.json'),
    });
  });
});
