export { checkApi, type ApiReport } from './check.ts';
export { API_FILE } from './file.ts';
