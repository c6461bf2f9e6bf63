import type { ServiceStageOptions, TagRule } from './types.ts';

/** Fields that name one build each. A tag with one of these in it never moves. */
const UNIQUE = /\{(commit|version|label)\}/;

/** What a tag pattern may be filled with. */
export interface TagFields {
  stage: string;
  /** `sha-<12 of the commit>`, with `-<8 of the digest>` behind it where the work tree was dirty. */
  version: string;
  /** The version in package.json; patterns that name it are left out where there is none. */
  label?: string;
}

/** The tags of a stage: what the options say, else one that names the newest and one for each commit. */
export function tagRules(stage: Pick<ServiceStageOptions, 'tags'>): TagRule[] {
  return (stage.tags ?? ['{stage}', '{stage}-{commit}']).map((tag) =>
    typeof tag === 'string' ? { pattern: tag, moves: !isUnique(tag) } : tag,
  );
}

/** Whether tags of this pattern name one build, and not the newest. */
export const isUnique = (pattern: string): boolean => UNIQUE.test(pattern);

/** The tags that this build gets in the stage, each once. */
export function tagsFor(rules: readonly TagRule[], fields: TagFields): { tag: string; moves: boolean }[] {
  const tags = new Map<string, { tag: string; moves: boolean }>();
  for (const { pattern, moves } of rules) {
    if (pattern.includes('{label}') && fields.label === undefined) continue;
    const tag = pattern
      .replaceAll('{stage}', fields.stage)
      .replaceAll('{commit}', fields.version.replace(/^sha-/, ''))
      .replaceAll('{version}', fields.version)
      // A tag cannot hold the `+` of a version's build part.
      .replaceAll('{label}', (fields.label ?? '').replace(/[^A-Za-z0-9._-]/g, '_'));
    tags.set(tag, { tag, moves });
  }
  return [...tags.values()];
}
