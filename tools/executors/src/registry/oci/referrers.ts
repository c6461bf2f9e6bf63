import { errors } from '../../foundation/index.ts';
import { invalid } from './answers.ts';
import type { Call, Http } from './http.ts';
import { fallbackTag, IMAGE_INDEX, sha256 } from './names.ts';
import { nextPage, parsed } from './answer-parts.ts';
import type { Descriptor, Manifest, OciRepository } from './types.ts';

type Basics = Pick<OciRepository, 'host' | 'name' | 'manifest' | 'putManifest'>;

export interface Referrers {
  list(digest: string, signal?: AbortSignal): Promise<Descriptor[]>;
  /** Makes a manifest known as attached to its `subject` where the registry does not do so itself. */
  announce(manifest: Manifest, signal?: AbortSignal): Promise<void>;
}

/** Attempts to get an entry into a list that others write at the same time. */
const ATTEMPTS = 5;
/** Changes of one list by this process, one after the other. */
const lists = new Map<string, Promise<unknown>>();

/**
 * What is attached to a digest: by the referrers API where the registry has it, else by the index under the tag
 * `sha256-<hex>` that the specification has for the others. `api.known` is what was learnt about this registry.
 */
export function openReferrers(
  http: Http,
  repository: Basics,
  api: { known: boolean | undefined },
): Referrers {
  const { host, name } = repository;

  async function byApi(digest: string, signal?: AbortSignal): Promise<Descriptor[] | undefined> {
    if (api.known === false) return undefined;
    const found: Descriptor[] = [];
    let url: string | undefined = `/v2/${name}/referrers/${digest}`;
    while (url !== undefined) {
      const call: Call = {
        operation: 'read',
        method: 'GET',
        url,
        repository: name,
        reference: digest,
        scopes: [{ repository: name, write: false }],
        headers: { accept: IMAGE_INDEX },
        expected: [400, 404, 405, 501],
        signal,
      };
      const response = await http.send(call);
      const bytes = await http.bytes(call, response);
      const page = response.status === 200 ? entriesOf(bytes) : undefined;
      if (page === undefined) {
        // A page for people with status 200 is no list either.
        if (found.length > 0) throw invalid(http.asked(call), 'a list of referrers that breaks off');
        api.known = false;
        return undefined;
      }
      api.known = true;
      found.push(...page);
      url = nextPage(response);
    }
    return found;
  }

  async function byTag(digest: string, signal?: AbortSignal): Promise<Descriptor[]> {
    const index = await repository.manifest(fallbackTag(digest), signal);
    return (index && entriesOf(index.bytes)) ?? [];
  }

  async function announce(manifest: Manifest, signal?: AbortSignal): Promise<void> {
    const { subject } = documentOf(manifest);
    if (subject === undefined) return;
    const key = `${host}/${name}@${subject.digest}`;
    const before = lists.get(key) ?? Promise.resolve();
    const work = before.catch(() => {}).then(() => enter(subject.digest, descriptorOf(manifest), signal));
    lists.set(key, work);
    await work.finally(() => lists.get(key) === work && lists.delete(key));
  }

  /** Reads, adds, writes, and looks whether it stayed: a registry's tags have no compare-and-swap. */
  async function enter(subject: string, entry: Descriptor, signal?: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const there = await byTag(subject, signal);
      if (there.some(({ digest }) => digest === entry.digest)) return;
      const index = indexOf([...there, entry]);
      await repository.putManifest(index, fallbackTag(subject), signal);
    }
    const there = await byTag(subject, signal);
    if (there.some(({ digest }) => digest === entry.digest)) return;
    throw errors.TAG_NOT_AS_SET(
      {
        registry: host,
        repository: name,
        tag: fallbackTag(subject),
        wanted: `a list with ${entry.digest}`,
        found: 'one without it',
      },
      { transient: true },
    );
  }

  return {
    list: async (digest, signal) => (await byApi(digest, signal)) ?? byTag(digest, signal),
    announce,
  };
}

/** The parts of a manifest that say what it is attached to. */
export function documentOf({ bytes }: Manifest): {
  subject?: Descriptor;
  artifactType?: string;
  config?: Descriptor;
  annotations?: Record<string, string>;
} {
  return (parsed(bytes) ?? {}) as ReturnType<typeof documentOf>;
}

/** A manifest as an entry in the list of its subject's referrers. */
export function descriptorOf(manifest: Manifest): Descriptor {
  const { artifactType, config, annotations } = documentOf(manifest);
  const type = artifactType ?? config?.mediaType;
  return {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Sorted, so that the same entries make the same bytes whoever wrote them in which order. */
function indexOf(entries: Descriptor[]): Manifest {
  const manifests = entries.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests }));
  return { digest: sha256(bytes), mediaType: IMAGE_INDEX, bytes };
}

function entriesOf(bytes: Buffer): Descriptor[] | undefined {
  const { manifests } = (parsed(bytes) ?? {}) as { manifests?: unknown };
  return Array.isArray(manifests) ? (manifests as Descriptor[]) : undefined;
}
