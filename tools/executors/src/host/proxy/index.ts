export type * from './types.ts';
export { caddyFiles, routeId } from './caddy.ts';
