import type { ExecutorContext } from '@nx/devkit';
import { diagnose, formatDiagnosis, tell } from '../../doctor/index.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

export default async function doctorExecutor(
  options: CommonOptions & { json?: boolean },
  { root }: ExecutorContext,
) {
  return inWorkspace(root, options, async (context) => {
    const data = await diagnose(context, { stage: options.stage });
    await tell(data, context.env, (line) => process.stderr.write(`${line}\n`));
    return {
      success: data.ok,
      data,
      text: options.json ? JSON.stringify(data, undefined, 2) : formatDiagnosis(data),
    };
  });
}
