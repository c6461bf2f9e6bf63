export { startSigstore, type TestSigstore } from './sigstore.ts';
