import { Secret } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';

/** A stage for tests; `registry` and what matters to the test are given, the rest is ordinary. */
export function testStage(
  given: Partial<Omit<Stage, 'token'>> & { registry: string; token?: string },
): Stage {
  const { token, ...fields } = given;
  return {
    pipeline: 'packages',
    name: 'test',
    index: 0,
    kind: 'verdaccio',
    identity: `local:${given.name ?? 'test'}`,
    tokenEnv: 'SLUICE_TEST_TOKEN',
    access: 'public',
    tag: 'latest',
    verify: 'bytes',
    visibleWithinMs: 10_000,
    ...fields,
    ...(token === undefined ? {} : { token: new Secret(token) }),
  };
}
