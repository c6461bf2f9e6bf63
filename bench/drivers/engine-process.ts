// What an executor does between Nx's call and its answer, measured in the process that does it.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openContext } from '../../tools/executors/src/promotion/context.ts';
import { promote } from '../../tools/executors/src/promotion/promote.ts';
import { publish } from '../../tools/executors/src/promotion/publish.ts';

const [operation, ...names] = process.argv.slice(2);
const workspaceRoot = process.cwd();
const started = performance.now();
const context = await openContext({ workspaceRoot });
const { results } =
  operation === 'promote'
    ? await promote(context, { stage: 'second', requests: names.map((name) => ({ project: name, name })) })
    : await publish(context, {
        requests: names.map((name) => ({
          project: name,
          root: join('packages', name.slice(name.indexOf('/') + 1)),
          artifact: join(workspaceRoot, 'dist', 'artifacts', name),
        })),
      });
await context.close();
console.log(`engine: ${(performance.now() - started).toFixed(1)} ms`);
for (const result of results.filter((one) => !one.success).slice(0, 3)) console.log(result.line);
process.exitCode = results.length === names.length && results.every((one) => one.success) ? 0 : 1;
