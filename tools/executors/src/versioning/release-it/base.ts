import * as releaseIt from 'release-it';

/** release-it's own class, which comes without types, as far as we use it. */
export interface ReleaseItPlugin {
  namespace: string;
  options: Record<string, unknown>;
  config: { isCI: boolean; isDryRun: boolean };
  log: { info(text: string): void; log(text: string): void; exec(text: string): void };
  registerPrompts(prompts: Record<string, unknown>): void;
  showPrompt(step: { prompt: string; task: () => Promise<unknown> }): Promise<unknown>;
}
export const Base = (releaseIt as unknown as { Plugin: new (given: unknown) => ReleaseItPlugin }).Plugin;

export interface Increment {
  latestVersion: string;
  increment?: string | false | null;
  isPreRelease?: boolean;
}
