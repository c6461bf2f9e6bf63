import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVerdaccio, type TestVerdaccio } from '../src/testing/verdaccio.ts';
import { must, publishFolder, run, stagePlugin, type Ran } from './published-plugin.ts';

export const NX = '23.2.1';

/** A workspace of somebody else: Nx from the client's default registry, the plugin from a Verdaccio, as anybody would install it. */
export class FreshWorkspace {
  readonly folder: string;
  readonly root: string;
  readonly registry: TestVerdaccio;
  /** The local registries end with the command that needed them; what they hold stays. */
  readonly env: Record<string, string> = { SLUICE_LOCAL_LINGER_MS: '0' };

  private constructor(folder: string, registry: TestVerdaccio) {
    this.folder = folder;
    this.root = join(folder, 'workspace');
    this.registry = registry;
  }

  /** Why nothing can be installed here; undefined where it can. */
  static async offline(): Promise<string | undefined> {
    const known = await run('npm', ['view', `nx@${NX}`, 'version', '--fetch-retries=0'], { cwd: tmpdir() });
    return known.code === 0 ? undefined : 'npm cannot reach its default registry';
  }

  /** An empty folder in git, with the plugin within reach of whatever is installed there. */
  static async begin(): Promise<FreshWorkspace> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-fresh-'));
    const registry = await startVerdaccio();
    const made = new FreshWorkspace(folder, registry);
    await stagePlugin(join(folder, 'plugin'));
    await publishFolder(join(folder, 'plugin'), registry);
    await mkdir(made.root);
    await made.write('.gitignore', 'node_modules\ndist\n.nx\n');
    await made.write('.npmrc', `@sluice:registry=${registry.url}\naudit=false\nfund=false\nloglevel=error\n`);
    await made.must('git', 'init', '-q', '-b', 'main');
    await made.must('git', 'remote', 'add', 'origin', 'https://github.com/acme/fresh.git');
    return made;
  }

  async write(file: string, text: string): Promise<void> {
    const path = join(this.root, file);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text);
  }

  text(file: string): Promise<string> {
    return readFile(join(this.root, file), 'utf8');
  }

  async json(file: string): Promise<any> {
    return JSON.parse(await this.text(file));
  }

  must(file: string, ...args: string[]): Promise<string> {
    return must(file, args, { cwd: this.root, env: this.env });
  }

  run(file: string, ...args: string[]): Promise<Ran> {
    return run(file, args, { cwd: this.root, env: this.env });
  }

  nx(...args: string[]): Promise<string> {
    return this.must('npx', 'nx', ...args);
  }

  async commit(message: string): Promise<void> {
    await this.must('git', 'add', '.');
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    await this.must('git', ...who, 'commit', '-qm', message);
  }

  async close(): Promise<void> {
    await this.registry.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
