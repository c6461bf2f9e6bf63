export type * from './types.ts';
export { deriveRelease } from './derive.ts';
export { interpolate, type Interpolated } from './interpolate.ts';
export { parseCompose, type ComposeFile } from './parse.ts';
export { projectName } from './names.ts';
export { conflicts, notCarried, volumesOf } from './check.ts';
export { pairs } from './lists.ts';
export { portsOf } from './ports.ts';
