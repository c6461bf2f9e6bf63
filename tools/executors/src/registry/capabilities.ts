import type { RegistryKind } from '../pipeline/types.ts';
import type { Capabilities } from './types.ts';

/** No registry that we know lets a version number be used again, so a rollback never unpublishes. */
const STAYS = 'the bad version stays installable by whoever names it exactly: a version is never unpublished';

/**
 * What each kind of registry can do. `deprecate: true` means that it is worth asking; a registry may still refuse
 * for this user, and a rollback then reports it and goes on.
 */
const TABLE: Record<RegistryKind, Capabilities> = {
  npm: {
    kind: 'npm',
    distTags: true,
    deprecate: true,
    visibleAtOnce: false,
    setsLatestOnFirst: true,
    scopedOnly: false,
    tarballs: 'usual',
    provenance: true,
    staging: true,
    cannot: [
      STAYS,
      'copies of the packument may be served for some minutes after the tag has moved back',
      'a token from trusted publishing can neither move tags nor deprecate: a granular token is needed for that',
    ],
  },
  github: {
    kind: 'github',
    distTags: true,
    deprecate: false,
    visibleAtOnce: false,
    setsLatestOnFirst: false,
    scopedOnly: true,
    tarballs: 'named',
    provenance: false,
    staging: false,
    largest: 256 * 1024 * 1024,
    cannot: [
      STAYS,
      'GitHub Packages is not known to accept deprecations: people who install the bad version see no warning',
    ],
  },
  verdaccio: {
    kind: 'verdaccio',
    distTags: true,
    deprecate: true,
    visibleAtOnce: true,
    setsLatestOnFirst: true,
    scopedOnly: false,
    tarballs: 'usual',
    provenance: false,
    staging: false,
    cannot: [STAYS, 'Verdaccio deprecates only for users who have the right to unpublish the package'],
  },
  generic: {
    kind: 'generic',
    distTags: true,
    deprecate: true,
    visibleAtOnce: false,
    setsLatestOnFirst: false,
    scopedOnly: false,
    tarballs: 'named',
    provenance: false,
    staging: false,
    cannot: [
      STAYS,
      'this kind of registry is not known to us: it may refuse deprecations, and may serve the old tag for a while (say its "kind" if it is npm, github or verdaccio)',
    ],
  },
};

/** The row of a kind of registry. */
export function capabilitiesOf(kind: RegistryKind): Capabilities {
  return TABLE[kind];
}
