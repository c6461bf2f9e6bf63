import { readFile, writeFile } from 'node:fs/promises';
import type { Command, Ran, Run } from '../command.ts';

const ok = (stdout = ''): Ran => ({ code: 0, stdout, stderr: '' });

export interface FakeEngine {
  run: Run;
  /** Every call, as words. */
  calls: string[];
  /** Names given to images, and not taken back. */
  names: Set<string>;
  /** Text of the Dockerfile that the last build was given. */
  built: string[];
}

export interface FakeOptions {
  /** What `save` writes. */
  archive: (build: number) => Buffer;
  /** Reference -> what `image inspect` says of it. */
  images?: Record<string, object>;
  /** Instead of the answer that it would give. */
  answer?: (command: Command) => Ran | undefined | Promise<Ran | undefined>;
  /** Images that a pull brings. */
  pulls?: Record<string, object>;
}

/** A Docker engine with a classic builder, as far as its client's calls go. */
export function fakeEngine(options: FakeOptions): FakeEngine {
  const images: Record<string, object> = { ...options.images };
  const engine: FakeEngine = { run, calls: [], names: new Set(), built: [] };
  let builds = 0;
  async function run(command: Command): Promise<Ran> {
    const { program, args } = command;
    engine.calls.push([program, ...args].join(' '));
    const said = await options.answer?.(command);
    if (said) return said;
    const last = args.at(-1) ?? '';
    const flag = (name: string): string => args[args.indexOf(name) + 1] ?? '';
    switch (args[0]) {
      case 'version':
        return ok(
          JSON.stringify({
            Client: { Version: '28.0.0' },
            Server: { Version: '28.0.0', Os: 'linux', Arch: 'amd64' },
          }),
        );
      case 'buildx':
        return { code: 1, stdout: '', stderr: 'unknown command' };
      case 'image':
        return images[last]
          ? ok(JSON.stringify([images[last]]))
          : { code: 1, stdout: '[]', stderr: `No such image: ${last}` };
      case 'pull':
        if (!options.pulls?.[last]) return { code: 1, stdout: '', stderr: `manifest of ${last} unknown` };
        images[last] = options.pulls[last];
        return ok();
      case 'tag':
        engine.names.add(last);
        return ok();
      case 'rmi':
        engine.names.delete(last);
        return ok();
      case 'build':
        engine.built.push(await readFile(flag('--file'), 'utf8'));
        await writeFile(flag('--iidfile'), `sha256:${String(++builds).padStart(64, '0')}`);
        return ok('Successfully built');
      case 'save':
        await writeFile(flag('--output'), options.archive(builds));
        return ok();
      default:
        return { code: 1, stdout: '', stderr: `what is ${args[0]}?` };
    }
  }
  return engine;
}
