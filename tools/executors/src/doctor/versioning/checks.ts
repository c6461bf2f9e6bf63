import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../foundation/index.ts';
import { SETUPS } from '../../generators/versioning/tools.ts';
import type { VersioningName } from '../../pipeline/types.ts';
import { openTool } from '../../versioning/tools.ts';
import { openWorkspace } from '../../versioning/workspace.ts';
import { failed, ok } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check, Finding } from '../types.ts';
import { readConfig, readJson } from './configs.ts';
import {
  judgeChangesets,
  judgeNx,
  judgeReleaseIt,
  judgeSemanticRelease,
  judgeWaysPast,
  worst,
} from './judge.ts';

/** The tool that says the versions: it is there, it leaves publishing to the pipeline, and nothing else publishes. */
export function versioningChecks({ context }: Patient): Check[] {
  const { options, workspaceRoot } = context;
  const tool = options.versioning;
  const check = (title: string, run: Check['run']): Check => ({ room: 'versioning', title, run });
  return [
    check('tool', async () => judgeInstalled(tool)),
    check('configuration', async () => {
      switch (tool) {
        case 'nx':
          return judgeNx((await readJson(join(workspaceRoot, 'nx.json'))) ?? {});
        case 'changesets':
          return changesetsIn({ context });
        case 'semantic-release':
          return semanticReleaseIn({ context });
        case 'release-it':
          return releaseItIn({ context });
      }
    }),
    check('nothing passes by the stages', async () => judgeWaysPast(await commandsIn(workspaceRoot))),
  ];
}

/** Whether the tool's packages can be loaded from where it is loaded. */
export function judgeInstalled(
  tool: VersioningName,
  resolve: (name: string) => unknown = (name) => import.meta.resolve(name),
): Finding {
  for (const module of Object.keys(SETUPS[tool].packages)) {
    try {
      resolve(module);
    } catch (cause) {
      return failed(errors.VERSIONING_TOOL_MISSING({ tool, module }, { cause }));
    }
  }
  return ok(tool === 'nx' ? 'nx, which is here anyway' : `${tool} is installed`);
}

/** Its own libraries read it, and what waits: a changeset for a package that is gone is found here too. */
async function changesetsIn({ context }: Pick<Patient, 'context'>): Promise<Finding> {
  const config = await readJson(join(context.workspaceRoot, '.changeset/config.json'));
  if (config) await (await openTool('changesets')).plan(await openWorkspace(context), {});
  return judgeChangesets(config);
}

async function semanticReleaseIn({ context }: Pick<Patient, 'context'>): Promise<Finding> {
  const { root, members, tagOf } = await openWorkspace(context);
  const names = ['.releaserc', 'release.config'];
  const found = await Promise.all([
    readConfig(root, names, 'release').then((read) => judgeSemanticRelease('.', read)),
    ...members
      .filter(({ publishable }) => publishable)
      .map(async ({ project, root: folder }) =>
        judgeSemanticRelease(
          folder,
          await readConfig(join(root, folder), names, 'release'),
          tagOf(project, '${version}'),
        ),
      ),
  ]);
  return worst(found, 'semantic-release leaves publishing and tags to the pipeline');
}

async function releaseItIn({ context }: Pick<Patient, 'context'>): Promise<Finding> {
  const { root, members } = await openWorkspace(context);
  const found = await Promise.all(
    members
      .filter(({ publishable }) => publishable)
      .map(async ({ root: folder }) =>
        judgeReleaseIt(folder, await readConfig(join(root, folder), ['.release-it'], 'release-it')),
      ),
  );
  return worst(found, 'release-it leaves publishing and tags to the pipeline');
}

const WORKFLOWS = '.github/workflows';

/** Scripts of the root's package.json, and workflows of GitHub, by the name under which they are told of. */
async function commandsIn(root: string): Promise<Record<string, string>> {
  const manifest = (await readJson(join(root, 'package.json'))) ?? {};
  const files = await readdir(join(root, WORKFLOWS)).catch(() => []);
  const workflows = await Promise.all(
    files
      .filter((file) => /\.ya?ml$/.test(file))
      .map(async (file): Promise<[string, string]> => [
        `${WORKFLOWS}/${file}`,
        await readFile(join(root, WORKFLOWS, file), 'utf8'),
      ]),
  );
  return {
    'package.json': Object.values(manifest['scripts'] ?? {}).join('\n'),
    ...Object.fromEntries(workflows),
  };
}
