export * from './errors.ts';
export * from './secret.ts';
export * from './canonical.ts';
export { bytes } from './bytes.ts';
export { errors } from './catalogue.ts';
