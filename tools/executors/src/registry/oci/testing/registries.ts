import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOciRegistry, type Faults, type OciRegistry } from '../../local/oci/index.ts';
import { programOf, startDockerRegistry, type TestRegistry } from './docker-registry.ts';

/** The embedded registry on a free port, storing in a temporary folder. */
export async function startEmbedded(
  options: { password?: string; faults?: Faults } = {},
): Promise<OciRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-images-'));
  const registry = await startOciRegistry({ folder, ...options });
  return {
    ...registry,
    close: async () => {
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const program = programOf('docker-registry');

/** Every kind of registry that the client must get along with; `start` undefined where it is not installed here. */
export const KINDS: { kind: string; start: (() => Promise<TestRegistry>) | undefined }[] = [
  { kind: 'the embedded registry', start: () => startEmbedded() },
  {
    kind: 'the embedded registry without the referrers API',
    start: () => startEmbedded({ faults: { referrers: false } }),
  },
  {
    kind: 'the embedded registry behind a login',
    start: () => startEmbedded({ password: PASSWORD, faults: { privately: true } }),
  },
  {
    kind: `docker-registry${program ? '' : ' (left out: docker-registry is not installed)'}`,
    start: program === undefined ? undefined : () => startDockerRegistry(program),
  },
];
export const PASSWORD = 'a-long-password';
