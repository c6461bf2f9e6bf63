import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { writeChangelog, writeManifests } from '../files.ts';
import { askChild } from '../child.ts';
import { withDependents } from '../order.ts';
import type { Bump, Member, VersioningTool, Workspace } from '../types.ts';

export interface ChildQuestion {
  /** Our plugin's file. */
  plugin: string;
  /** Folders, and where each has its configuration. */
  packages: { folder: string; configDir: string }[];
  preid?: string;
}
export interface ChildAnswer {
  to?: string;
  notes?: string;
}

/** release-it, package by package in graph order; a person at a terminal runs it with the plugin beside this file. */
export const releaseIt: VersioningTool = {
  name: 'release-it',
  plan: async (workspace, { preid }) => {
    const members = workspace.members.filter((one) => one.publishable);
    const answers = await ask(workspace, members, preid);
    const bumps = members.flatMap(({ project, name, root, version: from }, index): Bump[] => {
      const { to, notes = '' } = answers[index] ?? {};
      return to === undefined ? [] : [{ project, name, root, from, to, notes }];
    });
    return withDependents(workspace.members, bumps, preid);
  },
  apply: async (workspace, bumps) => {
    await writeManifests(workspace, bumps);
    for (const bump of bumps) await writeChangelog(workspace.root, bump);
  },
};

const FILES = [
  '.release-it.json',
  '.release-it.js',
  '.release-it.cjs',
  '.release-it.ts',
  '.release-it.yaml',
  '.release-it.yml',
  '.release-it.toml',
];

function ask({ root, env }: Workspace, members: Member[], preid?: string): Promise<ChildAnswer[]> {
  const ending = extname(import.meta.filename);
  const question: ChildQuestion = {
    plugin: join(import.meta.dirname, `plugin${ending}`),
    packages: members.map((member) => {
      const folder = join(root, member.root);
      const configured = FILES.some((file) => existsSync(join(folder, file)));
      return { folder, configDir: configured ? folder : root };
    }),
    ...(preid ? { preid } : {}),
  };
  const file = join(import.meta.dirname, `child${ending}`);
  const how = { tool: 'release-it', command: 'npx release-it --dry-run (in the folder of a package)' };
  return askChild({ file, cwd: root, env, question, ...how });
}
