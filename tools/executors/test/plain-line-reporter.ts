import type { Reporter, TestModule } from 'vitest/node';

/** Names each test that was left out, and ends with the line that scripts read: `N passed, N failed`. */
export default class PlainLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    const left: string[] = [];
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'failed') failed += 1;
        else
          left.push(
            `${test.fullName}${result.state === 'skipped' && result.note ? ` (${result.note})` : ''}`,
          );
      }
      // What failed before any test could: loading the file, or a hook that left its tests out.
      if (module.state() === 'failed' && failed === before) failed += 1;
    }
    if (left.length > 0) process.stdout.write(`left out:\n${left.map((name) => `  ${name}\n`).join('')}`);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}
