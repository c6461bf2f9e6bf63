import { enableCompileCache } from 'node:module';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';

/**
 * A deployment as Nx would run it, in a process of its own that tests may kill: the executor's own door, with its signal
 * handling. Arguments: the project, the task's options as JSON, and the row at whose beginning the process stops itself
 * (SIGSTOP), for something to happen meanwhile. The working directory is the workspace. Prints the result.
 */
enableCompileCache();
const [project = '', options = '{}', stopAt] = process.argv.slice(2);
if (stopAt) {
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = ((...said: Parameters<typeof write>) => {
    const written = write(...said);
    if (said[0] === `${project}: ${stopAt}\n`) process.kill(process.pid, 'SIGSTOP');
    return written;
  }) as typeof write;
}
const { batched } = await import('../door.ts');
const { deployTasks } = await import('../deployment-work.ts');

const id = `${project}:deploy-vps`;
const task = { id, target: { project, target: 'deploy-vps' } };
const context = {
  root: process.cwd(),
  projectsConfigurations: { projects: { [project]: { root: `apps/${project}` } } },
} as unknown as ExecutorContext;
const run = batched(deployTasks)(
  { tasks: { [id]: task } } as unknown as TaskGraph,
  { [id]: JSON.parse(options) },
  {} as never,
  context,
);
for await (const { result } of run) {
  process.stdout.write(result.terminalOutput);
  if (!result.success) process.exitCode = 1;
}
