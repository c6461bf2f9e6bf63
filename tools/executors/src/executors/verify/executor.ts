import type { ExecutorContext } from '@nx/devkit';
import { proveAll } from '../../promotion/prove.ts';
import { formatVerify } from '../../report/verify.ts';
import { deploymentContext } from '../deployment-context.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';
import { hostWitness } from '../host-witness.ts';

export default async function verifyExecutor(
  options: CommonOptions & { stages?: string[] },
  { root }: ExecutorContext,
) {
  return inWorkspace(root, options, async (context) => {
    const witness = hostWitness(() => deploymentContext(context));
    const report = await proveAll(context, {
      witness,
      ...(options.stages ? { stages: options.stages } : {}),
    });
    return { success: report.ok, data: report, text: formatVerify(report) };
  });
}
