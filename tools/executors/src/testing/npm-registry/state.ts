import { createHash, randomUUID } from 'node:crypto';

/** One package as the registry holds it. */
export interface Held {
  versions: Record<string, Record<string, unknown>>;
  tags: Record<string, string>;
  tarballs: Map<string, Buffer>;
  /** Version -> the Sigstore bundle that came with it. */
  bundles: Map<string, unknown>;
}

/** Who may exchange a job's token for one that publishes a package. */
export interface Publisher {
  repository: string;
  /** File name below `.github/workflows`. */
  workflow: string;
  environment?: string;
}

export interface StagedVersion {
  id: string;
  name: string;
  version: string;
  tag: string;
  document: PublishBody;
}

/** What npm's client sends to publish. */
export interface PublishBody {
  name: string;
  'dist-tags': Record<string, string>;
  versions: Record<string, Record<string, unknown> & { dist?: Record<string, string> }>;
  _attachments?: Record<string, { content_type: string; data: string; length: number }>;
}

export interface Refusal {
  status: number;
  error: string;
}

/** Packages and staged versions, and the rules of npm's own registry about them. */
export class RegistryState {
  readonly packages = new Map<string, Held>();
  readonly staged = new Map<string, StagedVersion>();
  /** Ids of staged versions in the order in which they were approved. */
  readonly approved: string[] = [];

  /** Takes in a new version; says why not. */
  publish(body: PublishBody): Refusal | undefined {
    const read = readBody(body);
    if ('status' in read) return read;
    const { name, version, manifest, tarball, bundle } = read;
    const held = this.packages.get(name) ?? {
      versions: {},
      tags: {},
      tarballs: new Map<string, Buffer>(),
      bundles: new Map<string, unknown>(),
    };
    if (held.versions[version])
      return {
        status: 403,
        error: `You cannot publish over the previously published versions: ${version}.`,
      };
    this.packages.set(name, held);
    held.versions[version] = manifest;
    held.tarballs.set(version, tarball);
    if (bundle !== undefined) held.bundles.set(version, bundle);
    for (const [tag, target] of Object.entries(body['dist-tags'])) held.tags[tag] = target;
    held.tags['latest'] ??= version;
    return undefined;
  }

  stage(body: PublishBody): Refusal | StagedVersion {
    const read = readBody(body);
    if ('status' in read) return read;
    const { name, version } = read;
    if (this.packages.get(name)?.versions[version])
      return {
        status: 403,
        error: `You cannot publish over the previously published versions: ${version}.`,
      };
    if (this.find(name, version))
      return { status: 409, error: `Cannot publish over previously staged version ${version}` };
    const staged = {
      id: randomUUID(),
      name,
      version,
      tag: Object.keys(body['dist-tags'])[0] ?? 'latest',
      document: body,
    };
    this.staged.set(staged.id, staged);
    return staged;
  }

  find(name: string, version: string): StagedVersion | undefined {
    return [...this.staged.values()].find((one) => one.name === name && one.version === version);
  }

  /** A person let a staged version through: from now on it can be installed. */
  approve(id: string): Refusal | undefined {
    const staged = this.staged.get(id);
    if (!staged) return { status: 404, error: 'no such staged version' };
    this.staged.delete(id);
    this.approved.push(`${staged.name}@${staged.version}`);
    return this.publish(staged.document);
  }
}

interface Read {
  name: string;
  version: string;
  manifest: Record<string, unknown>;
  tarball: Buffer;
  bundle: unknown;
}

function readBody(body: PublishBody): Read | Refusal {
  const [version = '', manifest = {}] = Object.entries(body.versions)[0] ?? [];
  const tarball = Buffer.from(body['_attachments']?.[`${body.name}-${version}.tgz`]?.data ?? '', 'base64');
  const sha512 = createHash('sha512').update(tarball);
  const hash = sha512.digest();
  if ((manifest['dist'] as { integrity?: string })?.integrity !== `sha512-${hash.toString('base64')}`)
    return { status: 400, error: 'the integrity is not that of the tarball' };
  const attached = body['_attachments']?.[`${body.name}-${version}.sigstore`];
  if (attached && attached.length !== attached.data.length)
    return { status: 400, error: 'the bundle was cut' };
  const bundle = attached ? (JSON.parse(attached.data) as BundleJson) : undefined;
  if (bundle && subjectOf(bundle) !== hash.toString('hex'))
    return { status: 422, error: 'the provenance is for other bytes' };
  if (bundle && manifest['repository'] === undefined)
    return {
      status: 422,
      error: 'Failed to validate repository information: package.json: "repository.url" is ""',
    };
  return { name: body.name, version, manifest, tarball, bundle };
}

interface BundleJson {
  dsseEnvelope?: { payload?: string };
}

function subjectOf(bundle: BundleJson): string | undefined {
  const statement = JSON.parse(
    Buffer.from(bundle.dsseEnvelope?.payload ?? '', 'base64').toString('utf8'),
  ) as { subject?: { digest?: { sha512?: string } }[] };
  return statement.subject?.[0]?.digest?.sha512;
}
