import { resolve } from 'node:path';
import { attach, type AttachmentFile } from './attachments.ts';
import { copyImage } from './copy.ts';
import { openLayout } from './layout.ts';
import { tally } from './tally.ts';
import type { CopyReport, OciRepository } from './types.ts';

export interface PushRequest {
  /** An OCI image layout folder whose `index.json` names one image or index. */
  folder: string;
  target: OciRepository;
  tag: string;
  /** Files to attach; a relative path starts at the folder that the layout lies in. */
  attachments: AttachmentFile[];
  /** Whether the tag may be moved from another digest. */
  moves?: boolean;
  signal?: AbortSignal;
}
export interface PushReport extends CopyReport {
  /** Digests of the attachments' manifests, in their order. */
  attached: string[];
}

/**
 * Pushes a layout with its attachments; the tag comes last, so that what it names is whole. The same input gives the same
 * digests, and a further run sends only what is missing.
 * @throws TAG_TAKEN, LAYOUT_INVALID, and what registries answer
 */
export async function pushLayout(request: PushRequest): Promise<PushReport> {
  const { target, tag, moves = false, signal } = request;
  const { result, requests } = await tally(async () => {
    const layout = await openLayout(request.folder);
    const { root } = layout;
    const manifest = await layout.manifest(root.digest);
    const subject = { mediaType: manifest!.mediaType, digest: root.digest, size: manifest!.bytes.length };
    const attached: string[] = [];
    const report = await copyImage({
      source: layout,
      target,
      digest: root.digest,
      tags: [tag],
      moves,
      signal,
      beforeTags: async () => {
        for (const { file, ...rest } of request.attachments)
          attached.push(
            await attach(target, subject, { ...rest, file: resolve(request.folder, '..', file) }, signal),
          );
      },
    });
    return { ...report, attached };
  });
  return { ...result, requests: requests.all, manifestRequests: requests.manifests };
}
