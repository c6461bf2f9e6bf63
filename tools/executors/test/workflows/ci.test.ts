import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolForTests } from './tools.ts';
import { Workshop } from './workshop.ts';

const act = toolForTests('act-v0.2.82');

/** The job `workflows` is left out: it downloads its tools, and `lint.test.ts` runs them. */
describe.skipIf(act === undefined)('ci.yml, run', { timeout: 600_000 }, () => {
  let shop: Workshop;
  beforeAll(async () => {
    shop = new Workshop(act as string).withoutServices();
    // What the whole workspace looks like is checked elsewhere.
    shop.json('package.json', ({ scripts, ...manifest }) => ({
      ...manifest,
      scripts: { ...scripts, 'format:check': 'prettier --check libs', lint: 'oxlint libs' },
    }));
    await shop.begin([{ name: 'inner' }, { name: 'public' }]);
    shop.git('checkout', '--quiet', '-b', 'topic');
  });
  afterAll(() => shop?.close());

  it('checks what a branch affects, and finds workflows that were changed by hand', async () => {
    const file = '.github/workflows/release.yml';
    const text = readFileSync(join(shop.root, file), 'utf8');
    shop.write({ [file]: text.replace('contents: write', 'contents: read') });
    shop.change('money', 'feat(money): another thing', 'topic');
    const ran = await shop.act('ci.yml', 'push', { ref: 'refs/heads/topic' }, 'check');
    expect(ran.jobs).toEqual({ check: 'failure' });
    const steps = [...ran.out.matchAll(/^\[check\] +(✅ +Success|❌ +Failure) - Main ([^\n[]*)/gmu)];
    expect(steps.map(([, how = '', name = '']) => `${how.split(/\s+/)[1]} ${name.trim()}`).slice(-4)).toEqual(
      [
        'Success Format',
        'Success Lint',
        'Success Types, tests and builds of what is affected',
        'Failure Generated files are as nx.json says',
      ],
    );
    // money, and invoice that stands on it.
    expect(ran.out).toMatch(/Running targets typecheck, api-check, build for 2 projects/);
    expect(ran.out).toMatch(/nx run invoice:build/);
  });
});
