import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineText, reportTables } from './report.ts';
import type { Results } from './results.ts';
import { judge, targetTable } from './targets.ts';

/** The page `docs/benchmarks.md`: the prose of `page.md` with the figures put in. */
export function benchmarkPage(results: Results): string {
  const parts: Record<string, string> = {
    machine: machineText(results),
    targets: targetTable(judge(results)),
    tables: reportTables(results),
  };
  const prose = readFileSync(join(import.meta.dirname, 'page.md'), 'utf8');
  return prose.replace(/^\{\{(\w+)\}\}$/gm, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`page.md asks for {{${name}}}, which there is not`);
    return part;
  });
}
