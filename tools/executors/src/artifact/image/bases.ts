import { expand, flagsOf, instructions, invalid, takeArgs, type Instruction } from './dockerfile.ts';

export interface DockerfileOptions {
  /** Named in errors. */
  file: string;
  /** Values for its ARGs. */
  args: Readonly<Record<string, string>>;
  /** Stage that becomes the image; the last one without it. */
  target?: string;
  /** Arguments that the builder sets by itself (`TARGETARCH`, ...). */
  predefined?: Readonly<Record<string, string>>;
}

/** An image that a Dockerfile takes from elsewhere. */
export interface BaseUse {
  /** As the Dockerfile names it, variables put in. */
  reference: string;
  /** Of `FROM --platform=...`. */
  platform?: string;
}

export interface DockerfileBases {
  /** All images that the builder may have to fetch for the target, each once, in order. */
  uses: BaseUse[];
  /** The image at the bottom of the target; undefined where that is `scratch`. */
  bottom: string | undefined;
  /** It asks for SOURCE_DATE_EPOCH by an ARG. */
  wantsEpoch: boolean;
}

/**
 * The images that a Dockerfile stands on: of FROM, `COPY --from` and `RUN --mount=from`. Pure.
 * @throws DOCKERFILE_INVALID
 */
export function basesOf(text: string, options: DockerfileOptions): DockerfileBases {
  const { uses, bottoms, target, all } = read(text, options);
  const once = new Map(
    uses.map(({ reference, platform }) => [
      `${reference} ${platform ?? ''}`,
      { reference, ...(platform === undefined ? {} : { platform }) },
    ]),
  );
  return {
    uses: [...once.values()],
    bottom: bottoms[target],
    wantsEpoch: all.some(
      ({ keyword, rest }) => keyword === 'ARG' && /(^|\s)SOURCE_DATE_EPOCH(\s|=|$)/.test(rest),
    ),
  };
}

/** The Dockerfile with each of its bases replaced; all lines keep their numbers. */
export function pinBases(
  text: string,
  options: DockerfileOptions,
  pins: ReadonlyMap<string, string>,
): string {
  const { uses } = read(text, options);
  const lines = text.split('\n');
  for (const { reference, where, instruction, written } of uses) {
    const pin = pins.get(reference);
    if (pin === undefined) continue;
    const { first, last, rest } = instruction;
    if (where === 'from') {
      const { flags, words } = flagsOf(rest);
      lines[first] = ['FROM', ...flags, pin, ...words.slice(1)].join(' ');
      lines.fill('', first + 1, last + 1);
    } else {
      for (let at = first; at <= last; at += 1) {
        lines[at] = (lines[at] ?? '').replaceAll(written, (found) => found.replace(/=.*/s, `=${pin}`));
      }
    }
  }
  return lines.join('\n');
}

interface Use extends BaseUse {
  where: 'from' | 'copy' | 'mount';
  /** Text of the Dockerfile that names it, from `from=` on. */
  written: string;
  instruction: Instruction;
}

function read(text: string, options: DockerfileOptions) {
  const { file, args, target, predefined = {} } = options;
  const all = instructions(text);
  const known = new Map(Object.entries(predefined));
  const uses: Use[] = [];
  const stages = new Map<string, number>();
  const bottoms: (string | undefined)[] = [];
  for (const instruction of all) {
    const { keyword, rest, first } = instruction;
    if (keyword === 'ARG' && bottoms.length === 0) {
      takeArgs(rest, known, args);
    } else if (keyword === 'FROM') {
      if (reached(target, stages, bottoms.length)) break;
      const { flags, words } = flagsOf(rest);
      const [image = '', as, name] = words;
      if (image === '' || (words.length > 1 && (as?.toUpperCase() !== 'AS' || !name || words.length > 3)))
        throw invalid(file, first, 'FROM takes one image, and maybe AS with a name');
      const reference = expand(image, known).replaceAll(/^["']|["']$/g, '');
      if (reference === '' || reference.startsWith('-'))
        throw invalid(file, first, `FROM ${image} names no image: an ARG of it has no value`);
      const stage = stages.get(reference.toLowerCase());
      const platform = flags.find((flag) => flag.startsWith('--platform='))?.slice('--platform='.length);
      const expanded = platform === undefined ? '' : expand(platform, known);
      bottoms.push(stage === undefined ? (reference === 'scratch' ? undefined : reference) : bottoms[stage]);
      if (stage === undefined && reference !== 'scratch')
        uses.push({
          reference,
          ...(expanded ? { platform: expanded } : {}),
          where: 'from',
          written: image,
          instruction,
        });
      if (name) stages.set(name.toLowerCase(), bottoms.length - 1);
    } else if (bottoms.length > 0) {
      uses.push(...taken(instruction, stages, bottoms.length));
    } else if (keyword !== 'ARG') {
      throw invalid(file, first, `${keyword || 'this line'} stands before the first FROM`);
    }
  }
  if (bottoms.length === 0) throw invalid(file, 0, 'it has no FROM');
  const index = target === undefined ? bottoms.length - 1 : stageIndex(target, stages, bottoms.length);
  if (index === undefined) throw invalid(file, 0, `it has no stage "${target}"`);
  return { uses, bottoms, target: index, all };
}

/** The builder looks at nothing behind its target. */
function reached(target: string | undefined, stages: ReadonlyMap<string, number>, count: number): boolean {
  return target !== undefined && stageIndex(target, stages, count) !== undefined;
}

function stageIndex(target: string, stages: ReadonlyMap<string, number>, count: number): number | undefined {
  const named = stages.get(target.toLowerCase());
  if (named !== undefined) return named;
  return /^\d+$/.test(target) && Number(target) < count ? Number(target) : undefined;
}

/** Images that COPY or a mount takes files from: what is neither a stage before it nor the number of one. */
function taken(instruction: Instruction, stages: ReadonlyMap<string, number>, count: number): Use[] {
  const { flags } = flagsOf(instruction.rest);
  const named =
    instruction.keyword === 'COPY'
      ? flags.flatMap((flag) =>
          flag.startsWith('--from=')
            ? [{ where: 'copy' as const, written: flag, reference: flag.slice(7) }]
            : [],
        )
      : instruction.keyword === 'RUN'
        ? flags.flatMap((flag) => {
            const from = /^--mount=(?:.*,)?(from=([^,]+))/.exec(flag);
            return from
              ? [{ where: 'mount' as const, written: from[1] ?? '', reference: from[2] ?? '' }]
              : [];
          })
        : [];
  return named
    .filter(({ reference }) => reference !== '' && reference !== 'scratch' && !reference.includes('$'))
    .filter(({ reference }) => stageIndex(reference, stages, count) === undefined)
    .map((use) => ({ ...use, instruction }));
}
