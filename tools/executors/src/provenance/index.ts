export { checkProvenance, type Checked, type Expected } from './check.ts';
export { readProvenanceFile, writeProvenanceFile } from './file.ts';
export { provenanceMaker, type MakerInput, type ProvenanceMaker } from './make.ts';
export { attest, isAttested } from './github.ts';
export { imageSubject, packageSubject, sha256Of, type Subject } from './statement.ts';
export { openTrust, type Trust } from './trust.ts';
