export * from './errors.ts';
export * from './secret.ts';
export * from './canonical.ts';
export { bytes } from './bytes.ts';
export { writeWhole } from './files.ts';
export { isLoopback } from './loopback.ts';
export { once, orAborted } from './promises.ts';
export { errors } from './catalogue.ts';
