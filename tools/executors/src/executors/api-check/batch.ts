export { batch as default } from './executor.ts';
