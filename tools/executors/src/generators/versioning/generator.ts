import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import {
  addDependenciesToPackageJson,
  formatFiles,
  logger,
  readNxJson,
  updateJson,
  writeJson,
} from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { openRepository } from '../../git/index.ts';
import { parseOptions } from '../../pipeline/index.ts';
import type { VersioningName } from '../../pipeline/types.ts';
import type { Workspace } from '../../versioning/types.ts';
import { openWorkspace } from '../../versioning/workspace.ts';
import { RELEASE } from '../init/settings.ts';
import { explained, registeredOptions, withOptions, writeNxJson } from '../nx-json.ts';
import { oldTags, unreleased, versionsByTag, type OldTag } from './history.ts';
import { SETUPS, withRelease } from './tools.ts';

export interface VersioningSchema {
  tool: VersioningName;
  skipPackageJson?: boolean;
  skipFormat?: boolean;
}

/** Switches the versioning tool on the history that there is. Git is read; tags are made when the files are written, never in a dry run. */
export default async function versioning(tree: Tree, schema: VersioningSchema): Promise<() => Promise<void>> {
  return explained(async () => {
    const { tool } = schema;
    const nxJson = readNxJson(tree) ?? {};
    const registered = registeredOptions(nxJson);
    if (!registered) throw errors.PLUGIN_NOT_REGISTERED({ file: 'nx.json' });
    const before = parseOptions(registered).versioning;
    const options = { ...registered, versioning: tool };
    parseOptions(options);
    if (before !== tool) checkNothingPending(tree, before);
    const git = await openRepository(tree.root);
    const workspace = await openWorkspace({ workspaceRoot: tree.root, env: process.env, repository: git });
    const old = await oldTags(workspace);

    const configured = withOptions(nxJson, options);
    writeNxJson(tree, tool === 'nx' ? withRelease(configured, RELEASE) : configured);
    await writeFiles(tree, workspace, { tool, before, old });
    const install = schema.skipPackageJson
      ? () => {}
      : addDependenciesToPackageJson(tree, {}, SETUPS[tool].packages, undefined, true);
    if (!schema.skipFormat) await formatFiles(tree);
    logger.info(`Sluice: ${tool} says the next versions; npx sluice release --dry-run shows them.`);
    return async () => {
      await install();
      await tagAnew(workspace, old);
    };
  });
}

interface Switch {
  tool: VersioningName;
  before: VersioningName;
  old: OldTag[];
}

async function writeFiles(tree: Tree, workspace: Workspace, { tool, before, old }: Switch): Promise<void> {
  const members = workspace.members.filter(({ publishable }) => publishable);
  const branch = (await workspace.git.branch()) ?? 'main';
  const tagOf = (project: string) => workspace.tagOf(project, '${version}');
  for (const [file, content] of Object.entries(SETUPS[tool].files({ members, branch, tagOf })))
    if (!tree.exists(file)) writeJson(tree, file, content);
  for (const [project, version] of await versionsByTag(workspace, old)) {
    const { root } = workspace.members.find((member) => member.project === project) ?? {};
    updateJson(tree, join(root ?? '', 'package.json'), (manifest) => ({ ...manifest, version }));
  }
  if (tool !== 'changesets' || before === tool) return;
  for (const [file, text] of Object.entries(await unreleased(workspace, old)))
    if (!tree.exists(file)) tree.write(file, text);
}

/** Files that say what is to be released, which the next tool would not read. */
const PENDING: Partial<Record<VersioningName, { folder: string; counts: RegExp }>> = {
  nx: { folder: '.nx/version-plans', counts: /\.md$/ },
  changesets: { folder: '.changeset', counts: /^(?!README)[^/]*\.md$|^pre\.json$/i },
};

/** @throws VERSIONING_PENDING where the tool of now has been told of changes that it did not release */
function checkNothingPending(tree: Tree, tool: VersioningName): void {
  const pending = PENDING[tool];
  if (!pending || !tree.exists(pending.folder)) return;
  const files = tree.children(pending.folder).filter((file) => pending.counts.test(file));
  if (files.length > 0)
    throw errors.VERSIONING_PENDING({ tool, files: files.map((file) => `${pending.folder}/${file}`) });
}

/** Tags of another form get one beside them that every tool here reads. */
async function tagAnew({ git, tagOf }: Workspace, old: OldTag[]): Promise<void> {
  for (const { project, version, tag } of old) {
    const commit = (await git.run(['rev-parse', `refs/tags/${tag}^{commit}`])).trim();
    await git.tag(tagOf(project, version), commit, `${project} ${version} (${tag})`);
  }
  if (old.length > 0)
    logger.info(`Sluice: ${old.length} releases got a tag of the common form; push them: git push --tags`);
}
