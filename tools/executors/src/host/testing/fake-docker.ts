import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** A `docker` that stands first in PATH and keeps its containers as files; see fake-docker.sh. */
export interface FakeDocker {
  /** For `openLocalHost`. */
  path: string[];
  env: NodeJS.ProcessEnv;
  /** Folder with everything it knows; a file `down` there stops it. */
  folder: string;
  add(id: string, container: { release?: string; name?: string; port?: number; state?: string }): void;
  containers(): string[];
  calls(): string[];
}

export function fakeDocker(folder: string, service = 'api', environment = 'staging'): FakeDocker {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(folder, 'containers'), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'fake-docker.sh'), join(bin, 'docker'));
  chmodSync(join(bin, 'docker'), 0o755);
  return {
    folder,
    path: [bin],
    env: { FAKE_DOCKER: folder },
    add: (id, { release, name = id, port, state = 'running' }) => {
      const container = join(folder, 'containers', id);
      mkdirSync(container, { recursive: true });
      const labels = [`com.sluice.service=${service}`, `com.sluice.environment=${environment}`];
      if (release !== undefined) labels.push(`com.sluice.release=${release}`);
      writeFileSync(join(container, 'labels'), `${labels.join('\n')}\n`);
      writeFileSync(join(container, 'name'), `${name}\n`);
      writeFileSync(join(container, 'state'), `${state}\n`);
      if (port !== undefined) writeFileSync(join(container, 'port'), `${port}\n`);
    },
    containers: () => readdirSync(join(folder, 'containers')).sort(),
    calls: () => {
      const file = join(folder, 'calls');
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    },
  };
}
