export { openOci, type Oci } from './repository.ts';
export { readDockerCredentials } from './credentials.ts';
export { copyImage, type CopyRequest } from './copy.ts';
export { pushLayout, type PushReport, type PushRequest } from './push.ts';
export { readAttachment, type AttachmentFile, type ReadAttachment } from './attachments.ts';
export { openLayout, type Layout } from './layout.ts';
export { tally, type Requests } from './tally.ts';
export type {
  CopyReport,
  Credentials,
  Descriptor,
  ImageSource,
  Manifest,
  OciOptions,
  OciRepository,
} from './types.ts';
