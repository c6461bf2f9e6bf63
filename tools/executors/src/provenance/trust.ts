import type { TUFOptions } from '@sigstore/tuf';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toTrustMaterial, type TrustMaterial } from '@sigstore/verify';
import { errors } from '../foundation/index.ts';

/** Whom signatures are believed from: the authorities and logs of one Sigstore. */
export type Trust = () => Promise<TrustMaterial>;

/**
 * The trust in the Sigstore that the policy names, or in the public one.
 * @param root text of a trusted root (JSON of Sigstore's protobuf), where the policy has a Sigstore of its own
 * @param tuf where updates of the public one come from, for tests
 */
export function openTrust(root: string | undefined, tuf: TUFOptions = {}): Trust {
  let found: Promise<TrustMaterial> | undefined;
  return () => {
    found ??= root === undefined ? publicTrust(tuf) : Promise.resolve().then(() => given(root));
    return found;
  };
}

function given(root: string): TrustMaterial {
  try {
    return toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(root)));
  } catch (cause) {
    throw errors.PROVENANCE_TRUST_MISSING(
      { why: `the trusted root in the options cannot be read: ${(cause as Error).message}` },
      { cause },
    );
  }
}

/** From what Sigstore's own client keeps and brings along; its update service is asked where that is too old. */
async function publicTrust(tuf: TUFOptions): Promise<TrustMaterial> {
  const { getTrustedRoot } = await import('@sigstore/tuf');
  try {
    return toTrustMaterial(await getTrustedRoot({ forceCache: true, ...tuf }));
  } catch (cause) {
    throw errors.PROVENANCE_TRUST_MISSING(
      { why: `Sigstore's update service gave no trusted root: ${(cause as Error).message}` },
      { cause, transient: true },
    );
  }
}
