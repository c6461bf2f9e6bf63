import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployed, DeployFailed, Returned } from '../../ledger/types.ts';
import type { ServiceStageOptions } from '../../pipeline/types.ts';
import { ServiceFlow } from '../../promotion/image/testing/flow.ts';
import { openLab, type Lab, type LabHost } from '../../testing/lab/index.ts';
import { startDeployment, type Deploying, type Ended, type StartOptions } from './child.ts';
import { NAME, PROJECT, ServiceImage, writeArtifact, type VersionOptions } from './service.ts';

export const HOME = `/home/deploy/.sluice/${PROJECT}/staging`;
/** Long enough for a machine that does much else, short enough to wait for. */
const LEASE = 10;
/** Its beginning stands as it is in every file, however the rest is quoted there. */
export const PASSWORD = `pw-5e4d3c2b1a0f it's "the" $(touch /tmp/evil) \`touch /tmp/evil\` pass\\word`;

/** What is on one host, past the network. */
export interface World {
  current: string;
  /** Containers as `<compose service> <release> <state>`, and what is none of a release by name. */
  containers: string[];
  /** Locks, and what a run has in hand: all of it should be gone when none runs. */
  leftovers: string[];
}

/** Hosts, a pipeline with a ledger and an image registry, and a service that is deployed again and again. */
export class Scene {
  readonly lab: Lab;
  readonly hosts: LabHost[];
  readonly flow: ServiceFlow;
  readonly #image: ServiceImage;
  #number = 0;
  #notes: string[] = [];
  /** Version that serves everywhere, as far as the test knows. */
  serving = 0;

  private constructor(lab: Lab, hosts: LabHost[], flow: ServiceFlow, image: ServiceImage) {
    this.lab = lab;
    this.hosts = hosts;
    this.flow = flow;
    this.#image = image;
  }

  static async open(count = 1, stage: Partial<ServiceStageOptions> = {}): Promise<Scene> {
    const lab = await openLab();
    const [image, ...hosts] = await Promise.all([
      mkdtemp(join(lab.folder, 'service-')).then((folder) => ServiceImage.make(folder)),
      ...Array.from({ length: count }, () => lab.host()),
    ]);
    const flow = await ServiceFlow.start({
      stages: {
        staging: {
          hosts: hosts.map(({ target }) => target),
          sshConfig: lab.sshConfig,
          bake: '3s',
          lease: `${LEASE}s`,
          ...stage,
        },
      },
    });
    flow.env['DATABASE_PASSWORD'] = PASSWORD;
    flow.env['TMPDIR'] = lab.folder;
    return new Scene(lab, hosts, flow, image);
  }

  async close(): Promise<void> {
    await this.flow.close();
    await this.lab.close();
  }

  /** The next version: written, published, promoted. Its number. */
  async ship(options: VersionOptions = {}): Promise<{ number: number; version: string; digest: string }> {
    this.#number += 1;
    const { version, digest } = await writeArtifact(this.flow, this.#image, this.#number, options);
    const { results } = await this.flow.publish([PROJECT]);
    results.push(...(await this.flow.promote('staging')).results);
    const failed = results.find(({ success }) => !success);
    if (failed) throw new Error(failed.line, { cause: failed.error });
    return { number: this.#number, version, digest };
  }

  start(options: StartOptions = {}): Deploying {
    return startDeployment(this.flow, options);
  }
  deploy(options: StartOptions = {}): Promise<Ended> {
    return this.start(options).ended;
  }

  /** A first version that serves on clean hosts, with rows and files of its own. */
  async begin(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.reset()));
    const { number } = await this.ship();
    const ended = await this.deploy();
    if (ended.code !== 0) throw new Error(`${ended.progress}\n${ended.output}`);
    this.serving = number;
    this.#notes = [];
    await this.note(`it's "kept"; $(touch /tmp/evil) \`touch /tmp/evil\``);
    await this.leader.exec(
      `docker run --rm -v ${PROJECT}-staging_kept:/kept debian:bookworm-slim sh -c 'echo kept >/kept/file'`,
    );
  }

  get leader(): LabHost {
    const [leader] = this.hosts;
    if (!leader) throw new Error('there is no host');
    return leader;
  }

  /** Writes a row that has to be there ever after. */
  async note(text: string): Promise<void> {
    this.#notes.push(text);
    await this.leader.exec(`docker exec -i ${PROJECT}-staging_db_1 psql -qU postgres -d shop`, {
      input: `INSERT INTO note VALUES ('${text.replaceAll("'", "''")}');\n`,
    });
  }
  /** What people get, from outside. */
  async page(path = '/', host = this.leader): Promise<string> {
    try {
      const answer = await fetch(`${host.url(80)}${path}`, { signal: AbortSignal.timeout(5_000) });
      return `${answer.ok ? '' : `${answer.status} `}${await answer.text()}`;
    } catch (error) {
      return String((error as Error).cause ?? error);
    }
  }

  /** The version that served goes on serving, whatever is wrong. */
  async expectAnswer(): Promise<void> {
    const answer = await this.page();
    if (!/^\d+$/.test(answer)) throw new Error(`nothing serves: ${answer}`);
  }

  async untilAnswered(answer: string, seconds = 60): Promise<void> {
    for (let left = seconds * 2; (await this.page()) !== answer; left -= 1) {
      if (left <= 0) throw new Error(`no answer ${answer}: ${await this.page()}`);
      await sleep(500);
    }
  }

  /** Files of the workspace, of the registry and of the deployer that hold one of these texts. */
  async localFilesWith(texts: string[]): Promise<string[]> {
    const all: string[] = [];
    for (const folder of [dirname(this.flow.root), this.lab.folder]) {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        // Layers of the image are none of ours.
        if (!entry.isFile() || (await stat(path)).size > 1_000_000) continue;
        const content = await readFile(path, 'latin1');
        if (texts.some((text) => content.includes(Buffer.from(text).toString('latin1')))) all.push(path);
      }
    }
    return all;
  }

  async world(host = this.leader): Promise<World> {
    const text = await host.exec(`
      cd ${HOME}
      echo "current $(cat current)"
      docker ps -a --format 'container {{or (.Label "com.docker.compose.service") .Names}} {{or (.Label "com.sluice.release") "-"}} {{.State}}'
      for one in lock* undo.*.sh run/docker.* run/probe.* run/output.*; do [ ! -e "$one" ] || echo "leftover $one"; done
      find /home/deploy/.sluice '(' -name '*.tmp' -o -name '*.tmp.*' -o -name '.making*' ')' | sed 's/^/leftover /'
      pgrep -f 'run/guard.s[h]' | sed 's/^/leftover guardian /'
      [ ! -e /tmp/evil ] || echo 'leftover /tmp/evil'`);
    const of = (kind: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(kind.length + 1));
    return { current: of('current')[0] ?? '', containers: of('container').sort(), leftovers: of('leftover') };
  }

  /** All that is to be seen of a host when nobody has anything in hand there any more. */
  async whenQuiet(host = this.leader) {
    await this.quiet(host);
    return this.look(host);
  }
  async look(host = this.leader) {
    const world = await this.world(host);
    const [page, notes, kept] = await Promise.all(
      ['/', '/notes', '/kept'].map((path) => this.page(path, host)),
    );
    return { world, page, notes, kept };
  }
  /** What that should be where a release of this version serves. */
  wanted(release: string, number: number) {
    const containers = [
      `${release.toLowerCase()}-web ${release} running`,
      'db - running',
      'sluice-proxy - running',
    ];
    return {
      world: { current: release, containers, leftovers: [] as string[] },
      page: String(number),
      notes: this.#notes.toSorted().join('\n'),
      kept: 'kept\n',
    };
  }

  /** Waits until no run has anything in hand on a host, whoever ends it. */
  async quiet(host = this.leader, seconds = LEASE + 60): Promise<World> {
    for (let left = seconds * 2; ; left -= 1) {
      const world = await this.world(host);
      if (world.leftovers.length === 0 || left <= 0) return world;
      await sleep(500);
    }
  }

  /** Deployments in the ledger, oldest first. */
  deployments(): Promise<(Deployed | DeployFailed | Returned)[]> {
    return this.flow.with(async (context) => {
      const state = await (await context.ledger()).refresh();
      return state.deployments('staging', NAME).map(({ record }) => record);
    });
  }
}
