// oxlint-disable vitest/no-conditional-tests, vitest/valid-title, vitest/valid-describe-callback, vitest/expect-expect -- it makes tests, it is none
import { describe, it } from 'vitest';
import { whyNoHosts } from './machine.ts';

const why = await whyNoHosts();

/**
 * A `describe` whose tests need real hosts. Where there are none it is one test that is left out and says why, or, with
 * SLUICE_REQUIRE_HOSTS=1 (as in CI), one that fails. Such files are named `*.hosts.test.ts`: they run after all others, two at once.
 */
export function describeWithHosts(name: string, tests: () => void): void {
  if (why === undefined) {
    describe(name, tests);
    return;
  }
  describe(name, () => {
    it('runs on real hosts', (context) => {
      if (process.env['SLUICE_REQUIRE_HOSTS'] === '1') throw new Error(`real hosts are required, but ${why}`);
      context.skip(why);
    });
  });
}
