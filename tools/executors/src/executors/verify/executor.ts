import type { ExecutorContext } from '@nx/devkit';
import { proveAll } from '../../promotion/prove.ts';
import { formatVerify } from '../../report/verify.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

export default async function verifyExecutor(
  options: CommonOptions & { stages?: string[] },
  { root }: ExecutorContext,
) {
  return inWorkspace(root, options, async (context) => {
    const report = await proveAll(context, options.stages ? { stages: options.stages } : {});
    return { success: report.ok, data: report, text: formatVerify(report) };
  });
}
