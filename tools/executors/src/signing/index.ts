export { findSigner, type FindSignerInput } from './signer.ts';
export { verifySignature, type Verification, type VerifyInput } from './verify.ts';
export { principalsOf, type AllowedSigner } from './allowed-signers.ts';
export { readSshSignature, type SshSignature } from './sshsig.ts';
export { openJobSigner, verifyJobSignature, type JobSignature, type JobSignerInput } from './job.ts';
