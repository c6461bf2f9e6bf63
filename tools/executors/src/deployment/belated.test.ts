import { beforeEach, describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import { artifactOf, World } from './testing/world.ts';

const next = artifactOf('api', 'b', {
  migrations: [
    { name: '1.sql', sha256: '1', contract: false },
    { name: '2.sql', sha256: '2', contract: false },
  ],
});

describe('a deployment whose deployer was killed before it could write it down', () => {
  let world: World;
  let release: string | undefined;

  beforeEach(async () => {
    world = new World();
    await world.promote(artifactOf('api', 'a')).deploy();
    const [known] = world.records;
    release = (await world.promote(next).deploy()).results[0]?.release;
    world.records.splice(1);
    next.running = known && 'release' in known ? (known.release as string) : null;
  });

  it('is written down by the next run, which has nothing else to do', async () => {
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({ success: true, status: 'nothing' });
    expect(results[0]?.line).toContain(`does now: ${release}`);
    expect(world.records.slice(1)).toMatchObject([
      {
        type: 'deployed',
        release,
        version: next.version,
        integrity: next.digest,
        previous: next.running,
        migrations: ['1.sql', '2.sql'],
        hosts: ['one', 'two', 'three'],
      },
    ]);
  });

  it('is not written down twice, nor by a dry run, nor where the ledger knows of it', async () => {
    await world.deploy({ dryRun: true });
    expect(world.records).toHaveLength(1);
    await world.deploy();
    // Planned before, and written down by somebody else meanwhile.
    await world.deploy();
    expect(world.records).toHaveLength(2);
    next.running = release as string;
    const { results } = await world.deploy();
    expect(results[0]?.line).not.toContain('ledger');
    expect(world.records).toHaveLength(2);
  });

  it('says so where it cannot be written down', async () => {
    world.recordProblem = errors.DATABASE_UNREACHABLE({ service: 'a', name: 'b', said: 'c' } as never);
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({ success: false, error: { code: 'DEPLOY_NOT_RECORDED' } });
    expect(results[0]?.error?.message).toContain(release);
  });
});
