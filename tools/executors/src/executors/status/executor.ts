import type { ExecutorContext } from '@nx/devkit';
import { statusOf } from '../../promotion/status.ts';
import { formatStatus } from '../../report/status.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

export default async function statusExecutor(
  options: CommonOptions & { json?: boolean },
  { root }: ExecutorContext,
) {
  return inWorkspace(root, options, async (context) => {
    const data = await statusOf(context);
    return {
      success: true,
      data,
      text: options.json ? JSON.stringify(data, undefined, 2) : formatStatus(data, new Date()),
    };
  });
}
