import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PublishRequest } from '../promotion/publish.ts';

/**
 * Builds the artifacts that are not there in the version that package.json states, all in one run of Nx. What fails to
 * build is left to the publish, which names the artifact that it misses.
 */
export async function buildMissing(
  workspaceRoot: string,
  target: string,
  requests: PublishRequest[],
): Promise<void> {
  const missing: string[] = [];
  for (const { project, root, artifact } of requests) {
    const wanted = await versionIn(join(workspaceRoot, root, 'package.json'));
    if ((await versionIn(join(artifact, 'artifact.json'))) !== wanted) missing.push(project);
  }
  if (missing.length === 0) return;
  const nx = createRequire(join(workspaceRoot, 'package.json')).resolve('nx/bin/nx.js');
  const args = [nx, 'run-many', '-t', target, '-p', missing.join(',')];
  // The variables of the task that we run in would make the new run believe that it is a part of it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^NX_(TASK|INVOKED|FORKED|TERMINAL|LOAD_DOT|PREFIX|STREAM)/.test(name),
    ),
  );
  await promisify(execFile)(process.execPath, args, {
    cwd: workspaceRoot,
    env,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout?: string }) => void process.stderr.write(error.stdout ?? ''));
}

async function versionIn(file: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
