import { errors } from '../foundation/index.ts';
import type { VersioningName } from '../pipeline/types.ts';
import type { VersioningTool } from './types.ts';

/** Each in its own module, so that nobody needs the packages of a tool that is not theirs. */
const TOOLS: Record<VersioningName, () => Promise<VersioningTool>> = {
  nx: async () => (await import('./nx.ts')).nx,
  changesets: async () => (await import('./changesets.ts')).changesets,
  'semantic-release': async () => (await import('./semantic-release/tool.ts')).semanticRelease,
  'release-it': async () => (await import('./release-it/tool.ts')).releaseIt,
};

/** The tool of the options, with a missing package of it explained. */
export async function openTool(name: VersioningName): Promise<VersioningTool> {
  const tool = await installed(name, TOOLS[name]);
  return {
    name,
    plan: (...args) => installed(name, () => tool.plan(...args)),
    apply: (...args) => installed(name, () => tool.apply(...args)),
    ...(tool.tagged ? { tagged: tool.tagged } : {}),
  };
}

/** Does something with a tool. @throws VERSIONING_TOOL_MISSING where a package of it is not installed */
export async function installed<T>(tool: VersioningName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const module = missingModule(cause);
    if (module === undefined) throw cause;
    throw errors.VERSIONING_TOOL_MISSING({ tool, module }, { cause });
  }
}

/** Name of the package that is not there; Node gives no field for it where it is imported. */
export function missingModule(error: unknown): string | undefined {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  return /package '([^']+)'/.exec((error as Error).message)?.[1];
}
