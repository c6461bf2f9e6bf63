import { ok, problem, unchecked, warning } from '../findings.ts';
import type { Finding } from '../types.ts';
import { asObject, type Read } from './configs.ts';

/** What a tool's own configuration would do beside the pipeline. All of it pure: values in, a finding out. */

/** Where a configuration stands, for the text. */
const at = (folder: string, file: string): string => (folder === '.' ? file : `${folder}/${file}`);
const anew = (tool: string): string => `npx nx g @sluice/nx:versioning ${tool}`;

/** @param nxJson its content */
export function judgeNx(nxJson: Record<string, unknown>): Finding {
  const defaults = asObject(asObject(nxJson['targetDefaults'])['nx-release-publish']);
  const { executor } = defaults;
  // npx sluice release does without it, so these are no problems.
  if (executor === undefined)
    return warning(
      'nx.json leaves the publish step of npx nx release to @nx/js, which packs anew for each registry and passes by the stages',
      'npx nx g @sluice/nx:init',
    );
  if (executor !== '@sluice/nx:publish-registry')
    return warning(
      `npx nx release publishes with ${String(executor)}, which passes by the stages`,
      'set targetDefaults["nx-release-publish"].executor in nx.json to "@sluice/nx:publish-registry"',
    );
  const git = asObject(asObject(nxJson['release'])['git']);
  if (git['tag'] !== false)
    return warning(
      'nx release makes its tag before the version is proved to be in the first stage; Sluice makes it behind the proof',
      'set release.git.tag in nx.json to false',
    );
  return ok('nx release publishes into the first stage, and leaves the tag to the pipeline');
}

/** @param config content of .changeset/config.json; undefined where there is none */
export function judgeChangesets(config: Record<string, unknown> | undefined): Finding {
  if (!config) return problem('there is no .changeset/config.json', anew('changesets'));
  const { commit, privatePackages } = config;
  if (commit !== undefined && commit !== false)
    return warning(
      'changesets commits by itself ("commit"), and a release of Sluice is one commit with all that belongs to it',
      'set "commit": false in .changeset/config.json',
    );
  if (asObject(privatePackages)['tag'] === true)
    return warning(
      'changesets tags private packages by itself ("privatePackages"), and here a tag says that a version is in the first stage',
      'set "privatePackages": { "version": true, "tag": false } in .changeset/config.json',
    );
  return ok('changesets says versions and notes, and neither commits nor tags by itself');
}

const OURS = /sluice\/nx\/(semantic-release|release-it)$/;

/** What semantic-release would do in one folder with `npx semantic-release`. */
export function judgeSemanticRelease(folder: string, read: Read, wantedTag?: string): Finding | undefined {
  if (!read) return undefined;
  const file = at(folder, read.file);
  if ('code' in read) return unchecked(`${file} is code, which is not run to look at it`);
  const { plugins, tagFormat } = read.config;
  const named = (Array.isArray(plugins) ? plugins : []).map((entry: unknown) =>
    String(Array.isArray(entry) ? entry[0] : entry),
  );
  const npm = named.find((name) => name === '@semantic-release/npm');
  if (npm)
    return problem(
      `${file} names ${npm}, which publishes to the registry past the stages`,
      `take "${npm}" out of "plugins" in ${file}`,
    );
  // The root's settings serve npx sluice release, which brings the plugin along.
  if (folder === '.') return undefined;
  if (!named.some((name) => OURS.test(name)))
    return problem(
      `${file} does not name our plugin: npx semantic-release there ${plugins === undefined ? 'uses its default plugins, @semantic-release/npm among them' : 'tags what was not published'}`,
      `put "@sluice/nx/semantic-release" into "plugins" of ${file} (or delete the file, then: ${anew('semantic-release')})`,
    );
  if (wantedTag !== undefined && tagFormat !== wantedTag)
    return problem(
      `${file}: its tags have the form ${String(tagFormat ?? 'v${version}')}, and all others here ${wantedTag}`,
      `set "tagFormat": "${wantedTag}" in ${file}`,
      'TAG_FORMAT',
    );
  const git = named.find(
    (name) => name === '@semantic-release/git' || name === '@semantic-release/changelog',
  );
  if (git)
    return warning(
      `${file} names ${git}, and our plugin writes and commits already`,
      `take "${git}" out of "plugins" in ${file}`,
    );
  return undefined;
}

/** What release-it would do in one folder with `npx release-it`. */
export function judgeReleaseIt(folder: string, read: Read): Finding | undefined {
  if (!read) return undefined;
  const file = at(folder, read.file);
  if ('code' in read) return unchecked(`${file} is code, which is not run to look at it`);
  const { plugins, npm } = read.config;
  const ours = Object.keys(asObject(plugins)).some((name) => OURS.test(name));
  const publishes = npm !== false && asObject(npm)['publish'] !== false;
  if (!ours)
    return publishes
      ? problem(
          `${file} does not name our plugin: npx release-it there publishes to the registry past the stages`,
          `put "@sluice/nx/release-it": {} into "plugins" of ${file} (or delete the file, then: ${anew('release-it')})`,
        )
      : warning(
          `${file} does not name our plugin: npx release-it there tags what was not published`,
          `put "@sluice/nx/release-it": {} into "plugins" of ${file}`,
        );
  if (asObject(npm)['publish'] === true)
    return warning(
      `${file} says "npm.publish": true; our plugin takes the place of that step, and without it the stages would be passed by`,
      `take "publish" out of "npm" in ${file}`,
    );
  return undefined;
}

/** The worst of what was found in several folders; of equals the first. */
export function worst(findings: readonly (Finding | undefined)[], otherwise: string): Finding {
  const found = findings.filter((one) => one !== undefined);
  for (const verdict of ['problem', 'warning', 'not checked'] as const) {
    const [first, ...more] = found.filter((one) => one.verdict === verdict);
    if (first)
      return more.length === 0
        ? first
        : { ...first, said: `${first.said} (and ${more.length} more like it)` };
  }
  return ok(otherwise);
}

/** Commands that publish packages without the pipeline. */
const PAST = /\b(changeset publish|lerna publish|(?:npm|pnpm) publish|yarn npm publish|yarn publish)\b/;

/** @param texts file -> text, of scripts and workflows */
export function judgeWaysPast(texts: Readonly<Record<string, string>>): Finding {
  for (const [file, text] of Object.entries(texts))
    for (const line of text.split('\n')) {
      const [command] = /^\s*#/.test(line) ? [] : (PAST.exec(line) ?? []);
      if (command)
        return warning(
          `${file} runs "${command}": it publishes past the stages and their gates`,
          `put npx sluice release in the place of "${command}" in ${file}`,
        );
    }
  return ok('no script and no workflow publishes past the stages');
}
