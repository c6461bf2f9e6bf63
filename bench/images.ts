/**
 * Promoting an image: `node bench/images.ts [--rounds=5] [--megabytes=150] [--layers=8]`. Inside one registry, the requests are
 * what counts, and the time beside `docker pull`, `tag` and `push`; between two registries the time, beside `skopeo copy`, on registries that have seen nothing of the image, in turns.
 * The registries are `docker-registry`, each in a process of its own, on loopback.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { openOci, pushLayout } from '../tools/executors/src/registry/oci/index.ts';
import {
  programOf,
  startDockerRegistry,
  type TestRegistry,
} from '../tools/executors/src/registry/oci/testing/docker-registry.ts';
import { TestLayout } from '../tools/executors/src/registry/oci/testing/images.ts';
import { runCommand } from './commands.ts';
import type { CopyOrder, CopyOutcome } from './image-copy-process.ts';
import { watchMemory } from './memory.ts';
import { megabytes, seconds, table, times } from './report.ts';
import { median } from './results.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const ARCHITECTURE = arch() === 'x64' ? 'amd64' : arch();
const FROM = 'acme/api';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '150' },
    layers: { type: 'string', default: '8' },
  },
});
const [rounds, size, layers] = [values.rounds, values.megabytes, values.layers].map(Number) as [
  number,
  number,
  number,
];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Timed {
  ms: number;
  /** Of our engine alone, where it is ours. */
  engine?: CopyOutcome;
  memory: number | undefined;
}
type Copy = (from: TestRegistry, to: TestRegistry, name: string, digest: string) => Promise<Timed>;

async function timed(argv: string[]): Promise<Timed & { output: string }> {
  const memory = watchMemory();
  const { ms, exit, output } = await runCommand(argv, {
    cwd: tmpdir(),
    env: process.env,
    budgetMs: 120_000,
    onStart: (pid) => memory.watch(pid),
  });
  const peak = memory.stop();
  if (exit !== 0) throw new Error(`${argv.join(' ')} ended with ${exit}:\n${output}`);
  return { ms, memory: peak?.largest, output };
}

const us: Copy = async (from, to, name, digest) => {
  const order: CopyOrder = {
    from: { host: from.host, name: FROM },
    to: { host: to.host, name },
    digest,
    tag: `to-${name.split('/').at(-1)}`,
  };
  const file = join(import.meta.dirname, 'image-copy-process.ts');
  const { output, ...rest } = await timed([process.execPath, file, JSON.stringify(order)]);
  return { ...rest, engine: JSON.parse(output.trim().split('\n').at(-1)!) as CopyOutcome };
};
const skopeo: Copy = async (from, to, name, digest) => {
  const { ms, memory } = await timed([
    'skopeo',
    'copy',
    '--all',
    '--preserve-digests',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${from.host}/${FROM}@${digest}`,
    `docker://${to.host}/${name}:to`,
  ]);
  return { ms, memory };
};

/** What people do by hand: through an engine of their own. */
const docker: Copy = async (from, to, name, digest) => {
  const [source, target] = [`${from.host}/${FROM}@${digest}`, `${to.host}/${name}:docker`];
  let ms = 0;
  for (const step of [
    ['pull', '-q', source],
    ['tag', source, target],
    ['push', '-q', target],
  ])
    ms += (await timed(['docker', ...step])).ms;
  return { ms, memory: undefined };
};

/** Inside one registry, beside an engine: with nothing of the image in the engine or under the new name, and with everything. */
async function besideDocker(source: TestRegistry, digest: string): Promise<string[][]> {
  const answers = programOf('docker') && (await runCommand(['docker', 'info'], DOCKER_INFO)).exit === 0;
  if (!answers) {
    say('no Docker engine answers: left out');
    return [];
  }
  const cases = { 'a fresh engine': [] as Pair[], 'pulled and pushed before': [] as Pair[] };
  for (let round = 0; round < rounds; round += 1) {
    const name = `acme/beside-${round}`;
    for (const all of Object.values(cases)) {
      const theirs = (await docker(source, source, `${name}-docker`, digest)).ms;
      const ours = await us(source, source, `${name}-us`, digest);
      all.push({ theirs, engine: ours.engine!.ms, whole: ours.ms });
    }
    await timed([
      'docker',
      'rmi',
      '-f',
      `${source.host}/${name}-docker:docker`,
      `${source.host}/${FROM}@${digest}`,
    ]);
    say(
      `round ${round + 1}, docker: ${Object.values(cases)
        .map((all) => seconds(all.at(-1)!.theirs))
        .join(', again ')}`,
    );
  }
  return Object.entries(cases).map(([what, all]) => {
    const [theirs, engine, whole] = (['theirs', 'engine', 'whole'] as const).map((key) =>
      median(all.map((each) => each[key])),
    ) as [number, number, number];
    return [
      what,
      seconds(engine),
      seconds(whole),
      seconds(theirs),
      times(theirs / engine),
      times(theirs / whole),
    ];
  });
}
interface Pair {
  theirs: number;
  engine: number;
  whole: number;
}
const DOCKER_INFO = { cwd: tmpdir(), env: process.env, budgetMs: 10_000 };

/** An image that an engine can unpack, whose layers cannot be compressed further, as real ones. */
async function layout(folder: string): Promise<{ layout: TestLayout; digest: string }> {
  const made = new TestLayout(folder);
  const each = Math.floor((size * 1e6) / layers);
  const descriptors = [];
  const unpacked: string[] = [];
  for (let i = 0; i < layers; i += 1) {
    const archive = tarOf(`layer-${i}`, randomBytes(each));
    unpacked.push(`sha256:${createHash('sha256').update(archive).digest('hex')}`);
    descriptors.push(await made.blob(gzipSync(archive, { level: 0 }), LAYER));
  }
  const settings = {
    architecture: ARCHITECTURE,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: unpacked },
  };
  const config = await made.blob(Buffer.from(JSON.stringify(settings)), CONFIG);
  const image = await made.manifest({ schemaVersion: 2, mediaType: MANIFEST, config, layers: descriptors });
  await made.write(image);
  return { layout: made, digest: image.digest };
}

/** A tar archive of one file. */
function tarOf(path: string, content: Buffer): Buffer {
  const head = Buffer.alloc(512);
  new Header({
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: new Date(0),
    type: 'File',
  }).encode(head, 0);
  return Buffer.concat([head, content, Buffer.alloc(((512 - (content.length % 512)) % 512) + 1024)]);
}

async function inside(source: TestRegistry, digest: string): Promise<string[][]> {
  const rows: [string, string][] = [
    ['a tag in the same repository', FROM],
    ['another repository, the layers mounted', 'acme/production'],
    ['another repository, all there', 'acme/production'],
  ];
  const done: string[][] = [];
  for (const [what, name] of rows) {
    const { ms, engine } = await us(source, source, name, digest);
    done.push([
      what,
      String(engine!.requests),
      String(engine!.manifestRequests),
      seconds(engine!.ms),
      seconds(ms),
    ]);
  }
  return done;
}

async function between(source: TestRegistry, program: string, digest: string): Promise<string[][]> {
  const first: Record<string, Timed[]> = { us: [], skopeo: [] };
  const again: Record<string, Timed[]> = { us: [], skopeo: [] };
  const copies: [string, Copy][] = [['us', us]];
  if (programOf('skopeo')) copies.push(['skopeo', skopeo]);
  else say('skopeo is not installed: left out');
  for (let round = 0; round < rounds; round += 1) {
    for (const [who, copy] of round % 2 === 0 ? copies : copies.toReversed()) {
      const target = await startDockerRegistry(program);
      try {
        first[who]!.push(await copy(source, target, 'acme/production', digest));
        again[who]!.push(await copy(source, target, 'acme/production', digest));
      } finally {
        await target.close();
      }
      say(
        `round ${round + 1}, ${who}: ${seconds(first[who]!.at(-1)!.ms)}, again ${seconds(again[who]!.at(-1)!.ms)}`,
      );
    }
  }
  const ms = (all: Timed[]): number => median(all.map((each) => each.ms));
  const engine = (all: Timed[]): number => median(all.map((each) => each.engine!.ms));
  const peak = (all: Timed[]): string => megabytes(median(all.map((each) => each.memory ?? 0)));
  const row = (what: string, all: Record<string, Timed[]>): string[] => {
    const [ours, theirs] = [all['us']!, all['skopeo']!];
    const beside = theirs.length > 0;
    return [
      what,
      seconds(engine(ours)),
      seconds(ms(ours)),
      beside ? seconds(ms(theirs)) : 'left out',
      beside ? times(engine(ours) / ms(theirs)) : '',
      beside ? times(ms(ours) / ms(theirs)) : '',
      peak(ours),
      beside ? peak(theirs) : '',
    ];
  };
  return [row('nothing there', first), row('all there', again)];
}

const program = programOf('docker-registry');
if (program === undefined) {
  say('docker-registry is not installed: nothing to measure with');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-images-'));
const source = await startDockerRegistry(program);
try {
  const { layout: image, digest } = await layout(folder);
  const oci = openOci({ host: source.host, insecure: true });
  await pushLayout({ folder: image.folder, target: oci.repository(FROM), tag: 'v1', attachments: [] });
  await oci.close();
  const title = `${size} MB in ${layers} layers`;
  const moved = await inside(source, digest);
  const beside = await besideDocker(source, digest);
  const copied = await between(source, program, digest);
  process.stdout.write(
    [
      `### Promoting an image inside one registry: ${title}`,
      table(['', 'requests', 'of manifests, tags, referrers', 'engine', 'whole process'], moved),
      `### Beside docker pull, tag and push inside that registry, medians of ${rounds} rounds in turns`,
      table(['', 'engine', 'whole process', 'docker', 'docker / engine', 'docker / process'], beside),
      `### Promoting an image between two registries: ${title}, medians of ${rounds} rounds in turns`,
      table(
        [
          '',
          'engine',
          'whole process',
          '`skopeo copy`',
          'engine / skopeo',
          'process / skopeo',
          'memory',
          "skopeo's",
        ],
        copied,
      ),
      '',
    ].join('\n\n'),
  );
} finally {
  await source.close();
  rmSync(folder, { recursive: true, force: true });
}
