import { errors } from '../../../foundation/index.ts';
import { runCommand, type Run } from '../command.ts';
import { buildah } from './buildah.ts';
import { buildkitByBuildx, buildkitInEngine } from './buildkit.ts';
import { docker } from './docker.ts';
import { podman } from './podman.ts';
import { jsonOf, reads } from './shared.ts';
import type { Builder, BuilderName } from './types.ts';

export interface DetectOptions {
  /** Only this one; the first that answers without it. */
  wanted?: BuilderName | undefined;
  run?: Run;
  /** The docker client. */
  program?: string;
}

/** A tool that answers, or one line that says why it does not. */
type Answer = Builder | string;

/**
 * The builder of this machine: BuildKit before Docker's classic builder, then podman, then buildah.
 * @throws ENGINE_UNAVAILABLE with what each of them said
 */
export async function detectBuilder({
  wanted,
  run = runCommand,
  program = 'docker',
}: DetectOptions = {}): Promise<Builder> {
  const ways: Record<BuilderName, () => Promise<Answer>> = {
    buildkit: () => askDocker(run, program, true),
    docker: () => askDocker(run, program, false),
    podman: () => askPodman(run),
    buildah: () => askBuildah(run),
  };
  const tried: string[] = [];
  for (const name of wanted ? [wanted] : (Object.keys(ways) as BuilderName[])) {
    const answer = await ways[name]();
    if (typeof answer !== 'string') return answer;
    tried.push(`${name}: ${answer}`);
  }
  throw errors.ENGINE_UNAVAILABLE({ tried }, { details: { tried } });
}

interface DockerVersion {
  Client?: { Version?: string };
  Server?: { Version?: string; Os?: string; Arch?: string } | null;
}

async function askDocker(run: Run, program: string, buildkit: boolean): Promise<Answer> {
  const { code, stdout, stderr } = await run(reads(program, 'version', '--format', '{{json .}}'));
  if (code === 127) return `there is no program "${program}"`;
  const { Client, Server } = (jsonOf(stdout) ?? {}) as DockerVersion;
  if (code !== 0 || !Server?.Version) return `no engine answers (${lastLine(stderr) || `exit code ${code}`})`;
  const platform = `${Server.Os ?? 'linux'}/${Server.Arch ?? 'amd64'}`;
  if (!buildkit) return docker(program, Server.Version, platform);

  const buildx = await run(reads(program, 'buildx', 'version'));
  if (buildx.code === 0) {
    const version = /\bv?(\d+\.\d+\.\d+\S*)/.exec(buildx.stdout)?.[1] ?? '';
    const driver = /^Driver:\s*(\S+)/m.exec((await run(reads(program, 'buildx', 'inspect'))).stdout)?.[1];
    return driver === undefined || driver === 'docker'
      ? buildkitInEngine(program, Server.Version, platform, ['buildx', 'build'])
      : buildkitByBuildx(program, version, platform);
  }
  // Clients before 23 speak to the engine's BuildKit by themselves; later ones leave that to buildx.
  const major = Number.parseInt(Client?.Version ?? '', 10);
  return major >= 18 && major < 23
    ? buildkitInEngine(program, Server.Version, platform, ['build'])
    : 'the docker client has no buildx';
}

async function askPodman(run: Run): Promise<Answer> {
  const { code, stdout, stderr } = await run(
    reads('podman', 'info', '--format', '{{.Version.Version}} {{.Host.OS}}/{{.Host.Arch}}'),
  );
  if (code === 127) return 'there is no program "podman"';
  const [version, platform] = stdout.trim().split(' ');
  if (code !== 0 || !version || !platform)
    return `it does not answer (${lastLine(stderr) || `exit code ${code}`})`;
  return podman('podman', version, platform);
}

async function askBuildah(run: Run): Promise<Answer> {
  const { code, stdout, stderr } = await run(reads('buildah', 'version', '--json'));
  if (code === 127) return 'there is no program "buildah"';
  const { version = '', osArch = 'linux/amd64' } = (jsonOf(stdout) ?? {}) as {
    version?: string;
    osArch?: string;
  };
  if (code !== 0) return `it does not answer (${lastLine(stderr) || `exit code ${code}`})`;
  return buildah('buildah', version, osArch);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
