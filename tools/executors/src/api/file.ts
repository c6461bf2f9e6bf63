/** The public API of a package as it was last looked at, beside its package.json. Reviewed like code, never published. */
export const API_FILE = 'api.txt';
