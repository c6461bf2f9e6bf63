import { join } from 'node:path';
import { planSmoke, smoke } from '../deployment/smoke/index.ts';
import { errors, redact } from '../foundation/index.ts';
import { failure, type PackageResult } from '../promotion/carry.ts';
import { deploymentSource } from '../promotion/image/source.ts';
import { eachStage } from './deployment-work.ts';
import type { CommonOptions, Work } from './door.ts';

export interface SmokeExecutorOptions extends CommonOptions {
  version?: string;
}

export const smokeTasks: Work<SmokeExecutorOptions> = (context, tasks, how) =>
  eachStage(context, tasks, how, 'smoke', async (stageName, group) => {
    const stage = await context.serviceStage(stageName, context.options.targets.smoke);
    const done: { data: unknown; result: PackageResult }[] = [];
    for (const { project, name, options } of group) {
      const subject = { project, name, version: options.version ?? '' };
      try {
        const artifact = await deploymentSource(context).artifact(stage, name, options.version, how.signal);
        if (!artifact)
          throw errors.DIGEST_NOT_PROMOTED({
            project,
            stage: stageName,
            ...(options.version ? { version: options.version } : {}),
            promote: context.options.targets.promote,
          });
        subject.version = artifact.version;
        const base = { ...subject, success: true as const, reached: [] };
        if (options.dryRun) {
          const line = [
            `${project} ${artifact.version} (${artifact.digest}) would be tested:`,
            ...planSmoke({ artifact }),
          ];
          done.push({
            data: { commands: line.slice(1) },
            result: { ...base, status: 'planned', line: line.join('\n  ') },
          });
          continue;
        }
        const report = await smoke({
          artifact,
          stage: stageName,
          env: context.env,
          logFolder: join(context.workspaceRoot, 'dist/smoke'),
          signal: how.signal,
          onLine: (line) => process.stderr.write(redact(`${project} | ${line}\n`)),
        });
        const load = report.load ? `, ${report.load.sent} requests` : '';
        const line = `${project} ${artifact.version} passed its smoke test: ${report.checks} checks${load}; all of it is gone again`;
        done.push({ data: report, result: { ...base, status: 'done', line } });
      } catch (error) {
        done.push({ data: undefined, result: failure(subject, error) });
      }
    }
    for (const { result } of done) how.settle(result, stageName);
    return { data: done.map(({ data }) => data), results: done.map(({ result }) => result) };
  });
