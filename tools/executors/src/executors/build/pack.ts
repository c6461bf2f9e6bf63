import { join } from 'node:path';
import type { ExecutorContext } from '@nx/devkit';
import { planPack, readWorkspace, writeArtifact } from '../../artifact/index.ts';
import { planAsJson, reportArtifact, reportPlan } from './report.ts';

export interface BuildOptions {
  outputPath?: string;
  dryRun?: boolean;
  outputFile?: string;
}
export interface Packed {
  /** For a person. */
  text: string;
  /** For `--output-file`: the artifact's manifest, or in a dry run the plan. */
  data: unknown;
}

/** Reads the workspace once; the function it gives packs one project after the other. */
export async function openPacker(
  context: Pick<ExecutorContext, 'root' | 'projectsConfigurations' | 'projectGraph'>,
): Promise<(project: string, options: BuildOptions) => Promise<Packed>> {
  const { root: workspaceRoot, projectGraph } = context;
  const { projects } = context.projectsConfigurations;
  const { siblings, components } = await readWorkspace(workspaceRoot, projects);

  return async (project, { outputPath = 'dist/artifacts/{projectName}', dryRun = false }) => {
    const projectRoot = projects[project]?.root ?? '.';
    const plan = await planPack({ workspaceRoot, projectRoot, siblings });
    if (dryRun) return { text: reportPlan(plan), data: planAsJson(plan) };
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
    return { text: reportArtifact(artifact, plan), data: artifact };
  };
}
