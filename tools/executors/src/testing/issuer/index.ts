export { startIssuer, type TestIssuer, type TokenOptions } from './issuer.ts';
