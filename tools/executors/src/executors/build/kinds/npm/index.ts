import { planPack, readWorkspace, writeArtifact } from '../../../../artifact/index.ts';
import { outputFolder, save } from '../save.ts';
import type { Kind } from '../types.ts';
import { planAsJson, reportArtifact, reportPlan } from './report.ts';

/** A package: what its files say is packed into a tarball. */
export const npm: Kind = {
  claims: () => true,
  open: async ({ root: workspaceRoot, projectsConfigurations: { projects }, projectGraph }) => {
    const { siblings, components } = await readWorkspace(workspaceRoot, projects);
    return async (project, options) => {
      const projectRoot = projects[project]?.root ?? '.';
      const plan = await planPack({ workspaceRoot, projectRoot, siblings });
      if (options.dryRun) {
        await save(workspaceRoot, options, planAsJson(plan));
        return reportPlan(plan);
      }
      const artifact = await writeArtifact(
        {
          workspaceRoot,
          projectRoot,
          project,
          outputFolder: outputFolder(workspaceRoot, project, options),
          components: components(plan.manifest.name, projectGraph),
        },
        plan,
      );
      await save(workspaceRoot, options, artifact);
      return reportArtifact(artifact, plan);
    };
  },
};
