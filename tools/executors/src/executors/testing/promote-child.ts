import { enableCompileCache } from 'node:module';
import { readdir } from 'node:fs/promises';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';

/**
 * One batch of tasks as Nx would run it, in a process of its own that tests may kill: the executors' own door, with its
 * signal handling. Arguments: `publish`, `promote` or `rollback`, the tasks' options as JSON, and project names (all
 * without any); the working directory is the workspace. Prints each result, and exits with 1 where one failed.
 */
enableCompileCache();
const { batched } = await import('../door.ts');
const work = await import('../work.ts');
const WORK = {
  publish: ['publish-registry', work.publishTasks],
  promote: ['promote', work.promoteTasks],
  rollback: ['rollback', work.rollbackTasks],
} as const;

const [command, options, ...named] = process.argv.slice(2) as [keyof typeof WORK, string, ...string[]];
const projects = named.length > 0 ? named : await readdir('libs');
const [target, run] = WORK[command];
const tasks = projects.map((project) => ({ id: `${project}:${target}`, target: { project, target } }));
const inputs = tasks.map(({ id }) => [id, JSON.parse(options)]);
const context = {
  root: process.cwd(),
  projectsConfigurations: {
    projects: Object.fromEntries(projects.map((project) => [project, { root: `libs/${project}` }])),
  },
} as unknown as ExecutorContext;
const graph = { tasks: Object.fromEntries(tasks.map((task) => [task.id, task])) } as unknown as TaskGraph;

for await (const { task, result } of batched(run as never)(
  graph,
  Object.fromEntries(inputs),
  {} as never,
  context,
)) {
  process.stdout.write(`${JSON.stringify({ task, ...result })}\n`);
  if (!result.success) process.exitCode = 1;
}
