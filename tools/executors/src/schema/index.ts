export { nearest, problemLine } from './problems.ts';
export { checker, type Check } from './checker.ts';
