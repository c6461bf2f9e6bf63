type Env = Readonly<Record<string, string | undefined>>;

/**
 * Whether a person watches this stream, so that lines may be redrawn in place. Nx hands a task a terminal of its own and
 * keeps what is written to it, so below Nx nobody does.
 */
export function isWatched(stream: { isTTY?: boolean }, env: Env): boolean {
  if (stream.isTTY !== true || env['NX_TASK_TARGET_PROJECT']) return false;
  const inCi = env['CI'] !== undefined && !['', '0', 'false'].includes(env['CI']);
  // https://no-color.org: present and not empty.
  return !inCi && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
