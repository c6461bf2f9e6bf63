import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Sibling packages are tested from their sources: no build has to come first. Not `import`: it would hold for `require` too.
const conditions = ['development', 'node', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['development'] } },
  test: {
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './tools/executors/test/plain-line-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'machine',
          include: [
            '{libs,apps}/*/src/**/*.test.ts',
            'tools/executors/{src,test}/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.hosts.test.ts'],
          // Most of them wait for a process or a registry; by itself vitest leaves one core unused, of two that is half.
          maxWorkers: Math.max(2, availableParallelism()),
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Tests with real hosts, when the others are done: half of their time is waiting, so two files at once.
        extends: true,
        test: {
          name: 'hosts',
          include: [
            '{libs,apps}/*/src/**/*.hosts.test.ts',
            'tools/executors/{src,test}/**/*.hosts.test.ts',
            'bench/**/*.hosts.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
