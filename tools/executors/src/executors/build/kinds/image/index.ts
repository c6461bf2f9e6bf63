import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildImageArtifact, detectBuilder, planImageBuild } from '../../../../artifact/image/index.ts';
import { readService, SERVICE_FILE } from '../../../../service/index.ts';
import { outputFolder, save } from '../save.ts';
import type { Kind } from '../types.ts';
import { reportImages, reportImagePlan } from './report.ts';
import { readSource, type Source } from './source.ts';

/** A service: its images are built, and written as an OCI layout. */
export const image: Kind = {
  claims: (folder) => existsSync(join(folder, SERVICE_FILE)),
  open: async ({ root: workspaceRoot, projectsConfigurations: { projects } }, { onLine, signal }) => {
    let source: Promise<Source> | undefined;
    return async (project, options) => {
      const projectRoot = projects[project]?.root ?? '.';
      const { builder, pull = false, noCache = false, dryRun } = options;
      const input = {
        workspaceRoot,
        projectRoot,
        project,
        config: readService(join(workspaceRoot, projectRoot)),
        outputFolder: outputFolder(workspaceRoot, project, options),
        ...(await (source ??= readSource(workspaceRoot))),
        engine: await detectBuilder({ wanted: builder }),
        pull,
        noCache,
        signal,
        onLine: (line: string) => onLine(project, line),
      };
      if (dryRun) {
        const plan = await planImageBuild(input);
        await save(workspaceRoot, options, { schemaVersion: 1, project, ...plan });
        return reportImagePlan(project, plan);
      }
      const manifest = await buildImageArtifact(input);
      await save(workspaceRoot, options, manifest);
      return reportImages(manifest);
    };
  },
};
