import type { ChildAnswer, ChildQuestion } from './tool.ts';

interface ReleaseIt {
  default: (
    options: object,
    di: object,
  ) => Promise<{ latestVersion: string; version?: string; changelog?: string }>;
  Config: new (options: object) => { init(): Promise<void>; options: { plugins?: Record<string, unknown> } };
}

/** release-it for one package after the other, dry and without questions; in a process of its own, for it takes its package from the
 * current folder. */
async function answer({ plugin, packages, preid }: ChildQuestion): Promise<ChildAnswer[]> {
  const { default: run, Config } = (await import('release-it' as string)) as ReleaseIt;
  class Ours extends Config {
    override async init(): Promise<void> {
      await super.init();
      // The workspace names the plugin by its package; from source it has no such name.
      const others = Object.entries(this.options.plugins ?? {}).filter(
        ([name]) => !name.startsWith('@sluice/nx'),
      );
      this.options.plugins = { ...Object.fromEntries(others), [plugin]: {} };
    }
  }
  const without = { git: false, npm: false, github: false, gitlab: false };
  const answers: ChildAnswer[] = [];
  for (const { folder, configDir } of packages) {
    process.chdir(folder);
    const given = {
      ...without,
      ci: true,
      'dry-run': true,
      configDir,
      ...(preid ? { preRelease: preid } : {}),
    };
    const config = new Ours(given);
    const { latestVersion, version, changelog = '' } = await run(given, { config });
    answers.push(version && version !== latestVersion ? { to: version, notes: changelog } : {});
  }
  return answers;
}

process.once('message', (question: ChildQuestion) => {
  void answer(question).then(
    (found) => process.send?.({ found }, () => process.exit(0)),
    (error: Error) => process.send?.({ failed: error.message }, () => process.exit(1)),
  );
});
