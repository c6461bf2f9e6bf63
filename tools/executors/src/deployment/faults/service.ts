import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { LayoutWriter, sha256 } from '../../artifact/image/layout.ts';
import { openSaved } from '../../artifact/image/saved.ts';
import { BUNDLE_TYPE, SBOM_TYPE, type ImageArtifactManifest } from '../../artifact/image/types.ts';
import type { ServiceFlow } from '../../promotion/image/testing/flow.ts';
import type { Descriptor } from '../../registry/oci/types.ts';
import type { ServiceBundle } from '../../service/types.ts';
import { IMAGES } from '../../testing/lab/index.ts';

const exec = promisify(execFile);
const OWN = join(import.meta.dirname, 'service');
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
/** Not compressed: the registry and the hosts are on this machine. */
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

export const PROJECT = 'web';
export const NAME = '@acme/web';

/** How an image goes wrong; see `service/app.mjs`. */
export type Mode = 'good' | 'migration' | 'crash' | 'never' | 'later';

/** The image of the service, made once by the machine's engine; its versions differ in their environment alone. */
export class ServiceImage {
  readonly #folder: string;
  readonly #config: Record<string, unknown>;
  readonly #layers: Descriptor[];

  private constructor(folder: string, config: Record<string, unknown>, layers: Descriptor[]) {
    this.#folder = folder;
    this.#config = config;
    this.#layers = layers;
  }

  /** @param folder that goes with the test */
  static async make(folder: string): Promise<ServiceImage> {
    const context = await mkdtemp(join(folder, 'image-'));
    await copyFile(join(OWN, 'app.mjs'), join(context, 'app.mjs'));
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${IMAGES.node}\nCOPY app.mjs /app.mjs\nCMD ["node", "/app.mjs"]\n`,
    );
    const tag = `sluice-faults/web:${process.pid}`;
    await exec('docker', ['build', '--quiet', '--tag', tag, context]);
    const archive = join(context, 'saved.tar');
    await exec('docker', ['save', '--output', archive, tag]);
    await exec('docker', ['rmi', '--no-prune', tag]);
    const saved = await openSaved(archive);
    try {
      const [image] = saved.images;
      if (!image) throw new Error('the engine saved no image');
      const blobs = join(context, 'blobs/sha256');
      await mkdir(blobs, { recursive: true });
      const layers: Descriptor[] = [];
      for (const layer of image.layers) {
        const bytes = await buffer(layer.open());
        const digest = sha256(bytes);
        await writeFile(join(blobs, digest.slice(7)), bytes);
        layers.push({ mediaType: LAYER, digest, size: bytes.length });
      }
      return new ServiceImage(blobs, image.config, layers);
    } finally {
      await saved.close();
      await rm(archive);
    }
  }

  /** A layout with this image under another environment. */
  async write(layout: string, environment: Record<string, string>): Promise<Descriptor> {
    await rm(layout, { recursive: true, force: true });
    const writer = new LayoutWriter(layout);
    await writer.open();
    for (const file of await readdir(this.#folder))
      await link(join(this.#folder, file), join(layout, 'blobs/sha256', file));
    const own = this.#config['config'] as { Env: string[] };
    const Env = [...own.Env, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
    const config = await writer.json(CONFIG, { ...this.#config, config: { ...own, Env } });
    const document = { schemaVersion: 2, mediaType: MANIFEST, config, layers: this.#layers };
    const manifest = await writer.json(MANIFEST, document);
    await writer.close(manifest, NAME);
    return manifest;
  }

  get size(): number {
    return this.#layers.reduce((sum, { size }) => sum + size, 0);
  }
}

export interface VersionOptions {
  mode?: Mode;
  /** With `later`: how often it says that it is well before it does not. */
  after?: number;
  environment?: Record<string, string>;
  /** Beside the database's password. */
  secrets?: string[];
  /** Of the migration. */
  command?: string[];
  /** Makes another compose file of `service/compose.yaml`. */
  compose?: (text: string) => string;
}

/** What `build` would write for the n-th version of the service: with one migration more than the one before it. */
export async function writeArtifact(
  flow: ServiceFlow,
  image: ServiceImage,
  number: number,
  options: VersionOptions = {},
): Promise<ImageArtifactManifest> {
  const { mode = 'good', after = 0, environment = {}, secrets = [] } = options;
  const compose = readFileSync(join(OWN, 'compose.yaml'), 'utf8');
  const root = `apps/${PROJECT}`;
  await flow.write({
    [`${root}/package.json`]: JSON.stringify({ name: NAME, private: true }),
    [`${root}/sluice.json`]: '{}',
    [`${root}/version`]: String(number),
  });
  const commit = flow.commit(`${PROJECT}: ${number}`);
  const folder = flow.artifact(PROJECT);
  const said = { VERSION: String(number), MODE: mode, AFTER: String(after) };
  const { digest, size, mediaType } = await image.write(join(folder, 'image'), said);
  const migrations = Array.from({ length: number }, (_, index) => ({
    name: `${String(index + 1).padStart(3, '0')}.sql`,
    sha256: createHash('sha256').update(String(index)).digest('hex'),
    contract: false,
  }));
  const bundle: ServiceBundle = {
    schemaVersion: 1,
    project: PROJECT,
    compose: options.compose?.(compose) ?? compose,
    config: {
      compose: 'compose.yaml',
      http: {
        web: {
          port: 3000,
          health: { path: '/readyz', status: 200, body: 'ready' },
          healthWithin: '6s',
          drain: '1s',
          path: '/',
        },
      },
      migrations: { service: 'web', command: options.command ?? ['node', '/app.mjs', 'migrate'] },
      databases: [
        {
          service: 'db',
          kind: 'postgres',
          name: 'shop',
          user: 'postgres',
          passwordVariable: 'DATABASE_PASSWORD',
        },
      ],
      volumes: ['kept'],
      environment,
      secrets: ['DATABASE_PASSWORD', ...secrets],
      stages: {},
    },
    images: { web: digest },
    migrations,
  };
  const attachments = [
    await attachment(folder, 'sbom.cdx.json', SBOM_TYPE, { bomFormat: 'CycloneDX', number }),
    await attachment(folder, 'service.json', BUNDLE_TYPE, bundle),
  ];
  const manifest: ImageArtifactManifest = {
    schemaVersion: 1,
    kind: 'image',
    project: PROJECT,
    name: NAME,
    version: `sha-${commit.slice(0, 12)}`,
    digest,
    mediaType,
    size: size + image.size,
    repository: PROJECT,
    images: { web: digest },
    bases: [],
    builder: 'docker',
    commit,
    dirty: false,
    migrations,
    attachments,
  };
  await writeFile(join(folder, 'artifact.json'), JSON.stringify(manifest));
  return manifest;
}

async function attachment(folder: string, file: string, artifactType: string, content: unknown) {
  const bytes = Buffer.from(JSON.stringify(content));
  await writeFile(join(folder, file), bytes);
  return { file, artifactType, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}
