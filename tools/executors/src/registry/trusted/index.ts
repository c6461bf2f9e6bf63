export { openCredentials, type Credentials } from './credentials.ts';
