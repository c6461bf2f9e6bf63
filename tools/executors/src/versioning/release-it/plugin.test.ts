import { join } from 'node:path';
import * as releaseIt from 'release-it';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { History } from '../testing/history.ts';

type Prompt = { message: string; choices?: { value: string }[] };
const { default: run, Config } = releaseIt as unknown as {
  default: (options: object, di: object) => Promise<{ version: string }>;
  Config: new (options: object) => { isCI: boolean };
};

/** A person at a terminal, whose answers stand here. */
describe('npx release-it at a terminal', { timeout: 60_000 }, () => {
  let history: History;
  const before = process.cwd();
  beforeEach(async () => {
    history = await History.start('release-it');
    await history.release({ firstRelease: true });
    await history.change('units', 'feat', 'dozens');
    process.chdir(join(history.flow.root, 'libs/units'));
    for (const [name, value] of Object.entries(history.flow.env))
      if (/^(SLUICE_|HOME$|GIT_)/.test(name)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    process.chdir(before);
    vi.unstubAllEnvs();
    await history.flow.close();
  });

  it('shows the way ahead, asks for the version and for a yes; a no leaves nothing behind', async () => {
    const asked: string[] = [];
    const said: string[] = [];
    const answer = async (_type: string, { message, choices }: Prompt) => {
      asked.push(message);
      return choices ? 'minor' : false;
    };
    const log = (...words: unknown[]) => void said.push(words.join(' '));
    const nothing = () => undefined;
    const logger = {
      log,
      info: log,
      warn: log,
      error: log,
      exec: log,
      verbose: log,
      obtrusive: log,
      preview: log,
    };
    const state = history.state();
    const config = new Config({
      ci: false,
      config: false,
      plugins: { [join(import.meta.dirname, 'plugin.ts')]: {} },
      github: false,
      gitlab: false,
      hooks: {},
    });
    const { Prompt } = await promptClass();
    const prompt = new Prompt({ container: { createPrompt: answer } });
    await run({}, { config, log: { ...logger, debug: nothing }, prompt });
    expect(asked).toEqual([
      'Select increment (next version):',
      'Commit, and publish @acme/units 1.1.0 into the first stage?',
    ]);
    expect(said.join('\n')).toContain('The commits since the last release ask for: minor');
    expect(said.join('\n')).toMatch(/github: now, by this release\n\s+test: by promotion/);
    expect(history.state()).toBe(state);
  });
});

/** release-it does not export it, and takes one that it is given. */
const promptClass = async () =>
  (await import(join(import.meta.dirname, '../../../../../node_modules/release-it/lib/prompt.js')).then(
    ({ default: Prompt }) => ({ Prompt }),
  )) as { Prompt: new (given: object) => object };
