import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutorContext } from '@nx/devkit';
import { planPack, readWorkspace, writeArtifact } from '../../artifact/index.ts';
import { planAsJson, reportArtifact, reportPlan } from './report.ts';

export interface BuildOptions {
  outputPath?: string;
  dryRun?: boolean;
  outputFile?: string;
}

/** Reads the workspace once; the function it gives packs one project at a time, and returns what to tell a person. */
export async function openPacker(
  context: Pick<ExecutorContext, 'root' | 'projectsConfigurations' | 'projectGraph'>,
): Promise<(project: string, options: BuildOptions) => Promise<string>> {
  const { root: workspaceRoot, projectGraph } = context;
  const { projects } = context.projectsConfigurations;
  const { siblings, components } = await readWorkspace(workspaceRoot, projects);

  return async (project, { outputPath = 'dist/artifacts/{projectName}', dryRun = false, outputFile }) => {
    const save = async (value: unknown): Promise<void> => {
      if (outputFile)
        await writeFile(resolve(workspaceRoot, outputFile), `${JSON.stringify(value, null, 2)}\n`);
    };
    const projectRoot = projects[project]?.root ?? '.';
    const plan = await planPack({ workspaceRoot, projectRoot, siblings });
    if (dryRun) {
      await save(planAsJson(plan));
      return reportPlan(plan);
    }
    const artifact = await writeArtifact(
      {
        workspaceRoot,
        projectRoot,
        project,
        outputFolder: join(workspaceRoot, outputPath.replaceAll('{projectName}', project)),
        components: components(plan.manifest.name, projectGraph),
      },
      plan,
    );
    await save(artifact);
    return reportArtifact(artifact, plan);
  };
}
